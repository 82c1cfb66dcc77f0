# Everything of one environment. Applied three times at first: without an image, with one, and when the job has founded the household.

locals {
  apis = [
    "artifactregistry.googleapis.com",
    "compute.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com",
    "sqladmin.googleapis.com",
  ]

  roles = ["api", "worker", "once"]

  # Who needs which secret. A vendor's is needed to quote, which the server does, and to carry out, which workers do.
  everybodys = ["DATABASE_URL", "DATABASE_CA", "SECRET_KEY"]
  of = {
    api    = setunion(local.everybodys, var.vendor_secrets, var.server_secrets)
    worker = setunion(local.everybodys, var.vendor_secrets)
    once   = toset(local.everybodys)
  }
  names   = { for setting in local.of.api : setting => lower(replace(setting, "_", "-")) }
  readers = { for setting, name in local.names : name => toset([for role in local.roles : role if contains(local.of[role], setting)]) }

  # Of one instance at most: the pool of 15 that everything written goes through, a connection for each request that reads, and one for the stream of
  # events; a worker has the pool, its slot, and whoever tells webhooks.
  connections = {
    server = 15 + var.requests + 1
    worker = 15 + 2
    once   = 15 + 2
  }
  # Twice the servers and workers, since a new revision is there before the old one has gone.
  most_connections = 2 * (var.api_instances.max * local.connections.server + var.workers * local.connections.worker) + local.connections.once
}

resource "google_project_service" "each" {
  for_each = toset(local.apis)

  project            = var.project
  service            = each.value
  disable_on_destroy = false
}

# No account has a role on the project: each may read its own secrets, and nothing else. Pulling images and writing logs is the platform's own doing.
resource "google_service_account" "each" {
  for_each = toset(local.roles)

  project      = var.project
  account_id   = "${var.name}-${each.value}"
  display_name = "Halo ${each.value}"
  depends_on   = [google_project_service.each]
}

module "registry" {
  source     = "../registry"
  project    = var.project
  region     = var.region
  name       = var.name
  depends_on = [google_project_service.each]
}

module "network" {
  source     = "../network"
  project    = var.project
  region     = var.region
  name       = var.name
  depends_on = [google_project_service.each]
}

module "database" {
  source              = "../database"
  project             = var.project
  region              = var.region
  name                = var.name
  network             = module.network.network
  tier                = var.database_tier
  disk_gb             = var.database_disk_gb
  is_highly_available = var.is_highly_available
  is_protected        = var.is_protected
  backups             = var.backups
  max_connections     = var.max_connections
  connections         = local.most_connections
}

module "secrets" {
  source     = "../secrets"
  project    = var.project
  region     = var.region
  name       = var.name
  readers    = local.readers
  accounts   = { for role, account in google_service_account.each : role => account.email }
  depends_on = [google_project_service.each]
}

module "run" {
  source = "../run"
  count  = var.image == null ? 0 : 1

  project       = var.project
  region        = var.region
  name          = var.name
  image         = var.image
  is_founded    = var.is_founded
  network       = module.network.network
  subnetwork    = module.network.subnetwork
  accounts      = { for role in local.roles : role => google_service_account.each[role].email }
  secrets       = { for role in local.roles : role => { for setting in local.of[role] : setting => module.secrets.ids[local.names[setting]] } }
  settings      = { api = merge(var.settings, var.server_settings), worker = var.settings, once = var.settings }
  api_instances = var.api_instances
  workers       = var.workers
  requests      = var.requests
  limits        = var.limits
  is_protected  = var.is_protected
}
