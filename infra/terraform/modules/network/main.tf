# A network of Halo's own: what runs in it reaches the database, and nothing else in it.

resource "google_compute_network" "halo" {
  project                 = var.project
  name                    = "${var.name}-net"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "run" {
  project                  = var.project
  name                     = "${var.name}-run"
  region                   = var.region
  network                  = google_compute_network.halo.id
  ip_cidr_range            = var.range
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.5
    metadata             = "INCLUDE_ALL_METADATA"
  }
}

# Where Google puts the database, as a peer of this network: it has no address that anybody else could call.
resource "google_compute_global_address" "services" {
  project       = var.project
  name          = "${var.name}-services"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
  network       = google_compute_network.halo.id
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.halo.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
}

resource "google_compute_firewall" "to_database" {
  project            = var.project
  name               = "${var.name}-to-database"
  network            = google_compute_network.halo.id
  direction          = "EGRESS"
  priority           = 1000
  destination_ranges = ["${google_compute_global_address.services.address}/${google_compute_global_address.services.prefix_length}"]

  allow {
    protocol = "tcp"
    ports    = ["5432"]
  }
}

resource "google_compute_firewall" "to_nothing_else" {
  project            = var.project
  name               = "${var.name}-to-nothing-else"
  network            = google_compute_network.halo.id
  direction          = "EGRESS"
  priority           = 65000
  destination_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }

  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}
