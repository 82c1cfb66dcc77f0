output "url" {
  description = "Where the server answers; null as long as there is no household."
  value       = one(google_cloud_run_v2_service.api[*].uri)
}

output "job" {
  description = "The name of the job, for gcloud run jobs execute."
  value       = google_cloud_run_v2_job.once.name
}
