# The books. Their users and passwords are not here, because a password that Terraform knows is in its state for everybody who can read that:
# docs/deploying.md makes the user by hand.

resource "google_sql_database_instance" "books" {
  # checkov:skip=CKV_GCP_6: nothing unencrypted is let in, clients check the server's certificate, and only this network reaches it
  # checkov:skip=CKV_GCP_108: instances of Cloud Run have no host names, and looking for one would hold up each connection
  # checkov:skip=CKV_GCP_110: what happened is in Halo's own log, which proves itself; statements would say it again without a proof
  # checkov:skip=CKV2_GCP_13: workers look into the queue five times a second, and each look would be a line; Query Insights measures instead
  project             = var.project
  name                = "${var.name}-books"
  region              = var.region
  database_version    = "POSTGRES_18"
  deletion_protection = var.is_protected

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.tier
    availability_type           = var.is_highly_available ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.disk_gb
    disk_autoresize             = true
    deletion_protection_enabled = var.is_protected

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      start_time                     = "03:00"
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.backups
        retention_unit   = "COUNT"
      }
    }

    maintenance_window {
      day          = 2
      hour         = 4
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled = true
      # What people said is in parameters and not in statements, and who called stays out too.
      record_application_tags = false
      record_client_address   = false
    }

    database_flags {
      name  = "max_connections"
      value = tostring(var.max_connections)
    }

    # Who came and went, what was waited for, what failed: never what a statement was given, since those are the words of people.
    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }

    database_flags {
      name  = "log_connections"
      value = "on"
    }

    database_flags {
      name  = "log_disconnections"
      value = "on"
    }

    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }

    database_flags {
      name  = "log_min_error_statement"
      value = "error"
    }

    database_flags {
      name  = "log_min_messages"
      value = "error"
    }

    database_flags {
      name  = "log_statement"
      value = "ddl"
    }

    database_flags {
      name  = "log_parameter_max_length"
      value = "0"
    }

    database_flags {
      name  = "log_min_duration_statement"
      value = "-1"
    }

    database_flags {
      name  = "idle_in_transaction_session_timeout"
      value = "120000"
    }
  }

  lifecycle {
    precondition {
      condition     = var.connections <= var.max_connections - local.kept_for_operators
      error_message = "All instances together may hold ${var.connections} connections, and the database takes ${var.max_connections} with ${local.kept_for_operators} kept for operators."
    }
  }
}

locals {
  kept_for_operators = 10
}

resource "google_sql_database" "halo" {
  project  = var.project
  instance = google_sql_database_instance.books.name
  name     = "halo"
}
