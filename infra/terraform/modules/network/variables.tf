variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "The region of everything that has one."
  type        = string
}

variable "name" {
  description = "What every resource's name begins with."
  type        = string
}

variable "range" {
  description = "The addresses that instances call from. Cloud Run takes two for each instance, and more while a new revision replaces an old one."
  type        = string
  default     = "10.8.0.0/24"
}
