output "ids" {
  description = "Each secret's name in Secret Manager, once those who read it may."
  value       = { for name, secret in google_secret_manager_secret.each : name => secret.secret_id }
  depends_on  = [google_secret_manager_secret_iam_member.reader]
}
