output "network" {
  description = "The network's id, once the database can be put beside it."
  value       = google_compute_network.halo.id
  depends_on  = [google_service_networking_connection.services]
}

output "subnetwork" {
  description = "The id of the subnetwork that instances call from."
  value       = google_compute_subnetwork.run.id
}
