# What is done once, with other arguments each time: founding the household, bringing the books to a new version, adding a device.

resource "google_cloud_run_v2_job" "once" {
  project             = var.project
  name                = "${var.name}-once"
  location            = var.region
  deletion_protection = var.is_protected

  template {
    task_count = 1

    template {
      service_account = var.accounts.once
      max_retries     = 0
      timeout         = "900s"

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"

        network_interfaces {
          network    = var.network
          subnetwork = var.subnetwork
        }
      }

      containers {
        image = var.image
        args  = ["--help"]

        resources {
          limits = var.limits
        }

        dynamic "env" {
          for_each = local.env.once
          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "volume_mounts" {
          for_each = local.files.once
          content {
            name       = volume_mounts.value.volume
            mount_path = volume_mounts.value.directory
          }
        }
      }

      dynamic "volumes" {
        for_each = local.files.once
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
}
