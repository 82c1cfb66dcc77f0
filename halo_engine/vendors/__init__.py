"""Facts asked of others, and the calls that change something there: one small class per vendor over one HTTP client.

Verbs call these. Whatever a vendor answers, a read gives frozen values or raises `VendorFailed`, and a commit gives exactly one
`halo_engine.model.outcome.Outcome`; no HTTP status leaves this package.
"""
