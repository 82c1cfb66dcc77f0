# Where it counts: two of everything, and nothing that can be deleted by mistake.

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
  database_tier       = "db-custom-2-7680"
  database_disk_gb    = 50
  is_highly_available = true
  is_protected        = true
  backups             = 30
  max_connections     = 600
  api_instances       = { min = 2, max = 4 }
  workers             = 2
}
