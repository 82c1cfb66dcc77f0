variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "Where the images are kept: where they run."
  type        = string
}

variable "name" {
  description = "The repository's name."
  type        = string
}
