"""The engine: words in, a confirmed effect out, once, with a trail. Faces open `halo_engine.engine.Engine`."""
