output "url" {
  description = "Where the server answers."
  value       = one(module.run[*].url)
}

output "job" {
  description = "The job for what is done once: gcloud run jobs execute."
  value       = one(module.run[*].job)
}

output "repository" {
  description = "What an image's name begins with."
  value       = module.registry.repository
}

output "secrets" {
  description = "The secrets to be filled by hand."
  value       = values(module.secrets.ids)
}

output "database" {
  description = "What the secret database-url is put together from, but for the password."
  value = {
    instance = module.database.instance
    address  = module.database.address
    database = module.database.database
  }
}
