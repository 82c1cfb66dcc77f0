"""The audit dashboard, `halo tui`."""
