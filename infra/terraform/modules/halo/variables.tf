variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "Where everything is."
  type        = string
}

variable "name" {
  description = "What every resource's name begins with."
  type        = string
  default     = "halo"
}

variable "image" {
  description = "The image by its digest: REPOSITORY/halo@sha256:… Null at first: there is nowhere to push it to yet."
  type        = string
  default     = null

  validation {
    condition     = var.image == null || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by its digest, because a tag says nothing about what runs."
  }
}

variable "is_founded" {
  description = "Whether the job has founded the household. Until then there is neither a server nor a worker."
  type        = bool
  default     = false
}

variable "settings" {
  description = "Settings that are no secrets, as HALO_…"
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for name in keys(var.settings) : can(regex("^HALO_[A-Z0-9_]+$", name)) && !can(
      regex("^HALO_(DATABASE_URL|.*_KEY|.*_SECRET|.*_TOKEN|.*_PASSWORD)$", name)
    )])
    error_message = "A secret is not a setting here: name it in vendor_secrets or server_secrets, and put its value into Secret Manager."
  }
}

variable "server_settings" {
  description = "The same, for servers alone: HALO_PARSER and all that belongs to a language model, whose key workers do not have."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for name in keys(var.server_settings) : can(regex("^HALO_[A-Z0-9_]+$", name)) && !can(
      regex("^HALO_(DATABASE_URL|.*_KEY|.*_SECRET|.*_TOKEN|.*_PASSWORD)$", name)
    )])
    error_message = "A secret is not a setting here: name it in vendor_secrets or server_secrets, and put its value into Secret Manager."
  }
}

variable "vendor_secrets" {
  description = "The settings that are vendors' secrets, such as ZINC_API_KEY. Servers and workers read them."
  type        = set(string)
  default     = []
}

variable "server_secrets" {
  description = "The settings that are secrets of servers alone, such as OPENAI_API_KEY and METRICS_TOKEN."
  type        = set(string)
  default     = []
}

variable "database_tier" {
  description = "The database's machine."
  type        = string
}

variable "database_disk_gb" {
  description = "How large its disk is at first."
  type        = number
}

variable "is_highly_available" {
  description = "Whether a second database stands by in another zone."
  type        = bool
}

variable "is_protected" {
  description = "Whether nothing that holds data, or is called, can be deleted."
  type        = bool
}

variable "backups" {
  description = "How many daily backups are kept."
  type        = number
}

variable "max_connections" {
  description = "How many connections the database takes."
  type        = number
}

variable "api_instances" {
  description = "How many servers there are at least and at most."
  type        = object({ min = number, max = number })
}

variable "workers" {
  description = "How many workers there are. Two: one carries on while the other is replaced."
  type        = number
}

variable "requests" {
  description = "How many requests one server takes at once."
  type        = number
  default     = 32
}

variable "limits" {
  description = "What each instance has: cpu and memory. What it writes to /tmp is of its memory."
  type        = map(string)
  default     = { cpu = "1", memory = "1Gi" }
}
