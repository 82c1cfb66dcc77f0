"""`halo mcp`: this home for a program that speaks the Model Context Protocol over standard input and output. It cannot confirm."""

from __future__ import annotations

from halo_cli.options import As, Home, Json, NoInput


def mcp(member: As = None, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Serve this home to the program that starts this, as a tool it can call. It asks and drafts in a member's name; it can never confirm."""
    from importlib import import_module
    from importlib.util import find_spec

    from halo_cli import session
    from halo_engine.model.errors import InvalidInput

    settings = session.settings_of(home)
    if any(find_spec(name) is None for name in ("mcp", "fastapi")):
        raise InvalidInput("The Model Context Protocol is not installed.", hint="In Halo's directory: pip install '.[mcp]'")
    # By name, as a server is started: the faces do not import each other.
    import_module("server.mcp.stdio").serve(settings, member=member)
