variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "The region of the database, which is that of everything that calls it."
  type        = string
}

variable "name" {
  description = "What every resource's name begins with."
  type        = string
}

variable "network" {
  description = "The id of the network in which it has its only address."
  type        = string
}

variable "tier" {
  description = "The machine, such as db-custom-2-7680: two cores and 7.5 GiB."
  type        = string
}

variable "disk_gb" {
  description = "How large the disk is at first. It grows by itself, and never shrinks."
  type        = number
}

variable "is_highly_available" {
  description = "Whether a second machine in another zone stands by."
  type        = bool
}

variable "is_protected" {
  description = "Whether it cannot be deleted, neither by Terraform nor in the console."
  type        = bool
}

variable "backups" {
  description = "How many daily backups are kept. Any moment of the last seven days can be gone back to besides."
  type        = number
}

variable "max_connections" {
  description = "How many connections it takes."
  type        = number
}

variable "connections" {
  description = "How many connections all instances together may hold."
  type        = number
}
