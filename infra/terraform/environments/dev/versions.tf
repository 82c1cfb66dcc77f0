terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }

  # Which bucket is said once: terraform init -backend-config=bucket=BUCKET
  backend "gcs" {
    prefix = "halo/dev"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}
