# Containers for secrets, and who may read each. What is in them is put there by hand (docs/deploying.md): a version that Terraform wrote would be in its
# state, in the clear.

resource "google_secret_manager_secret" "each" {
  for_each = var.readers

  project   = var.project
  secret_id = "${var.name}-${each.key}"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = { for pair in local.pairs : "${pair.secret}/${pair.role}" => pair }

  project   = var.project
  secret_id = google_secret_manager_secret.each[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.accounts[each.value.role]}"
}

locals {
  pairs = flatten([for secret, roles in var.readers : [for role in roles : { secret = secret, role = role }]])
}
