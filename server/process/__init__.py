"""The process that serves: what it lets in and for how long, how it ends, and what it tells of itself. `server.serving` puts it together."""
