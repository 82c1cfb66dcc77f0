# The server, its workers, and a job for whatever is done once. All three run the same image on the same books; each has an account of its own.

locals {
  # What instances need to know and is no secret. The addresses of the front end on the way in are link-local.
  plain = {
    HALO_LOG_FILE              = "-"
    HALO_HOME                  = "/tmp/halo"
    HALO_SERVE_TRUSTED_PROXIES = "169.254.0.0/16"
    # Cloud Run kills ten seconds after SIGTERM. What is cut short is carried on by whoever comes next.
    HALO_SERVE_DRAIN_S  = "8"
    HALO_SERVE_REQUESTS = tostring(var.requests)
    # Of the database's client: it is believed only where its certificate is signed by the authority that is mounted.
    PGSSLMODE     = "verify-ca"
    PGSSLROOTCERT = "/secrets/database_ca/value"
  }

  # A secret's file is named by the setting with _FILE behind it; its directory holds nothing else, because Cloud Run mounts one secret a directory.
  files = { for role, secrets in var.secrets : role => { for setting, secret in secrets : setting => {
    volume    = lower(replace(setting, "_", "-"))
    directory = "/secrets/${lower(setting)}"
    secret    = secret
  } } }

  env = { for role, files in local.files : role => merge(local.plain, var.settings[role], {
    for setting, file in files : "HALO_${setting}_FILE" => "${file.directory}/value" if setting != "DATABASE_CA"
  }) }
}

resource "google_cloud_run_v2_service" "api" {
  count = var.is_founded ? 1 : 0

  project             = var.project
  name                = "${var.name}-api"
  location            = var.region
  deletion_protection = var.is_protected
  ingress             = "INGRESS_TRAFFIC_ALL"

  template {
    service_account                  = var.accounts.api
    timeout                          = "3600s"
    max_instance_request_concurrency = var.requests

    scaling {
      min_instance_count = var.api_instances.min
      max_instance_count = var.api_instances.max
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = var.network
        subnetwork = var.subnetwork
      }
    }

    containers {
      image = var.image
      args  = ["serve", "--no-worker", "--host", "0.0.0.0", "--port", "8080"]

      ports {
        container_port = 8080
      }

      resources {
        limits            = var.limits
        startup_cpu_boost = true
        # Streams of events are told to clients between requests too.
        cpu_idle = false
      }

      startup_probe {
        period_seconds    = 2
        timeout_seconds   = 2
        failure_threshold = 30

        http_get {
          path = "/healthz"
          port = 8080
        }
      }

      liveness_probe {
        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = 3

        http_get {
          path = "/healthz"
          port = 8080
        }
      }

      dynamic "env" {
        for_each = local.env.api
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "volume_mounts" {
        for_each = local.files.api
        content {
          name       = volume_mounts.value.volume
          mount_path = volume_mounts.value.directory
        }
      }
    }

    dynamic "volumes" {
      for_each = local.files.api
      content {
        name = volumes.value.volume

        secret {
          secret       = volumes.value.secret
          default_mode = 292 # 0444

          items {
            version = "latest"
            path    = "value"
          }
        }
      }
    }
  }
}

# Devices bring tokens of Halo's own, in the header that Google's would come in, so the platform lets everybody ask.
resource "google_cloud_run_v2_service_iam_member" "everybody" {
  # checkov:skip=CKV_GCP_102: Halo's own tokens say who may call (server/auth.py); phones have no Google account
  count = var.is_founded ? 1 : 0

  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.api[0].name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

# A pool and no service: a worker calls and is never called, so it has no port, and its processor is never taken away between calls.
resource "google_cloud_run_v2_worker_pool" "worker" {
  count = var.is_founded ? 1 : 0

  project             = var.project
  name                = "${var.name}-worker"
  location            = var.region
  deletion_protection = var.is_protected

  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = var.workers
  }

  template {
    service_account = var.accounts.worker

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = var.network
        subnetwork = var.subnetwork
      }
    }

    containers {
      image = var.image
      args  = ["worker"]

      resources {
        limits = var.limits
      }

      dynamic "env" {
        for_each = local.env.worker
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "volume_mounts" {
        for_each = local.files.worker
        content {
          name       = volume_mounts.value.volume
          mount_path = volume_mounts.value.directory
        }
      }
    }

    dynamic "volumes" {
      for_each = local.files.worker
      content {
        name = volumes.value.volume

        secret {
          secret       = volumes.value.secret
          default_mode = 292 # 0444

          items {
            version = "latest"
            path    = "value"
          }
        }
      }
    }
  }
}
