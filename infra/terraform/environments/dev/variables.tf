variable "project" {
  description = "The project's id: one of this environment's own."
  type        = string
}

variable "region" {
  description = "Where everything is."
  type        = string
  default     = "us-central1"
}

variable "image" {
  description = "The image by its digest; null until one was pushed."
  type        = string
  default     = null
}

variable "is_founded" {
  description = "Whether the job has founded the household."
  type        = bool
  default     = false
}

variable "settings" {
  description = "Settings that are no secrets, as HALO_…"
  type        = map(string)
  default     = {}
}

variable "server_settings" {
  description = "The same, for servers alone, such as HALO_PARSER."
  type        = map(string)
  default     = {}
}

variable "vendor_secrets" {
  description = "The settings that are vendors' secrets, such as ZINC_API_KEY."
  type        = set(string)
  default     = []
}

variable "server_secrets" {
  description = "The settings that are secrets of servers alone, such as OPENAI_API_KEY."
  type        = set(string)
  default     = []
}
