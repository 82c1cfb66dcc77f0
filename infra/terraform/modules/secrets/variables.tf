variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "Where the secrets are kept."
  type        = string
}

variable "name" {
  description = "What every resource's name begins with."
  type        = string
}

variable "readers" {
  description = "Each secret, and which of the accounts may read it."
  type        = map(set(string))
}

variable "accounts" {
  description = "The accounts' addresses, by the name that `readers` has for each."
  type        = map(string)
}
