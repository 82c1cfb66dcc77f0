output "url" {
  description = "Where the server answers."
  value       = module.halo.url
}

output "job" {
  description = "The job for what is done once."
  value       = module.halo.job
}

output "repository" {
  description = "What an image's name begins with."
  value       = module.halo.repository
}

output "secrets" {
  description = "The secrets to be filled by hand."
  value       = module.halo.secrets
}

output "database" {
  description = "What the secret database-url is put together from, but for the password."
  value       = module.halo.database
}
