# A place to try what will be in prod: the same parts, small, and nothing in it that may not be lost.

module "halo" {
  source = "../../modules/halo"

  project             = var.project
  region              = var.region
  image               = var.image
  is_founded          = var.is_founded
  settings            = var.settings
  server_settings     = var.server_settings
  vendor_secrets      = var.vendor_secrets
  server_secrets      = var.server_secrets
  database_tier       = "db-custom-1-3840"
  database_disk_gb    = 10
  is_highly_available = false
  is_protected        = false
  backups             = 7
  max_connections     = 300
  api_instances       = { min = 0, max = 2 }
  workers             = 1
}
