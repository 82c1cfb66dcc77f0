# Where images are pushed to. A tag that was pushed stays what it is, so that what was tried in dev is what runs in prod.

resource "google_artifact_registry_repository" "images" {
  # checkov:skip=CKV_GCP_84: an image holds nothing that is not in the source; Google's own key is enough
  project       = var.project
  location      = var.region
  repository_id = var.name
  format        = "DOCKER"
  description   = "Halo's images."

  docker_config {
    immutable_tags = true
  }

  cleanup_policies {
    id     = "keep-the-newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = 20
    }
  }

  cleanup_policies {
    id     = "forget-the-rest"
    action = "DELETE"

    condition {
      older_than = "7776000s"
    }
  }
}
