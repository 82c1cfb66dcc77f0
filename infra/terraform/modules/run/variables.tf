variable "project" {
  description = "The project's id."
  type        = string
}

variable "region" {
  description = "Where everything runs."
  type        = string
}

variable "name" {
  description = "What every resource's name begins with."
  type        = string
}

variable "is_founded" {
  description = "Whether there is a household, without which neither a server nor a worker has anything to do: the job founds it."
  type        = bool
}

variable "image" {
  description = "The image by its digest: REPOSITORY/halo@sha256:…"
  type        = string
}

variable "network" {
  description = "The id of the network through which the database is reached."
  type        = string
}

variable "subnetwork" {
  description = "The id of the subnetwork that instances call from."
  type        = string
}

variable "accounts" {
  description = "The addresses of the accounts that each runs as."
  type        = object({ api = string, worker = string, once = string })
}

variable "secrets" {
  description = "For each of the three, the settings that are secrets, and the secret in Secret Manager that holds each."
  type        = object({ api = map(string), worker = map(string), once = map(string) })
}

variable "settings" {
  description = "For each of the three, settings that are no secrets, as HALO_…"
  type        = object({ api = map(string), worker = map(string), once = map(string) })
}

variable "api_instances" {
  description = "How many servers there are at least and at most."
  type        = object({ min = number, max = number })
}

variable "workers" {
  description = "How many workers there are. Each costs as long as it is there."
  type        = number
}

variable "requests" {
  description = "How many requests one server takes at once."
  type        = number
}

variable "limits" {
  description = "What each instance has: cpu and memory."
  type        = map(string)
}

variable "is_protected" {
  description = "Whether Terraform refuses to delete it."
  type        = bool
}
