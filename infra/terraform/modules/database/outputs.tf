output "instance" {
  description = "The instance's name, for gcloud sql."
  value       = google_sql_database_instance.books.name
}

output "address" {
  description = "Its private address, for the URL in the secret database-url."
  value       = google_sql_database_instance.books.private_ip_address
}

output "database" {
  description = "The database's name."
  value       = google_sql_database.halo.name
}
