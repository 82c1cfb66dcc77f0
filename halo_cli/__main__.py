"""`python -m halo_cli` is `halo`."""

from halo_cli.main import main

main()
