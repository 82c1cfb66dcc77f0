"""The four steps, in order: parse, draft, confirm, execute. They know verbs only as `halo_engine.verb` describes them."""
