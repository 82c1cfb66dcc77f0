"""`halo serve`: the HTTP face of the same engine, on loopback unless told otherwise."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from halo_cli.options import Home, Json, NoInput


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Serve this home over HTTP for its devices (halo devices add), and carry on what was confirmed in it."""
    import os
    import signal
    import socket
    import sys

    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_cli.working import beside
    from halo_engine import telemetry
    from halo_engine.model.errors import InvalidInput

    try:
        import uvicorn
    except ImportError as error:
        raise InvalidInput("The server is not installed.", hint="pip install 'halo-household[server]'") from error
    out, settings = Output(json=json), session.settings_of(home)
    os.environ["HALO_HOME"] = str(settings.home)
    try:
        listener = socket.create_server((host, port))
        # Else the end of every answer waits 40 ms for the client's word on its beginning: asyncio sets this only on sockets that name their protocol.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise InvalidInput(f"{host}:{port} cannot be listened on: {error.strerror}.", hint="Choose another with --port.") from error
    url = f"http://{host}:{listener.getsockname()[1]}"
    out.result({"url": url}, Lines((f"Listening on {url}",)))
    out.say(f"Each device calls with a token of its own: {session.next_command(settings, 'devices', 'add', 'NAME')}")
    if host not in ("127.0.0.1", "::1", "localhost"):
        out.say("This is plain HTTP: put TLS before it, or whoever is on the way reads the tokens.")
    # The server puts this back and raises the signal again when it has ended: then what was begun beside it is finished first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with beside(settings, out):
        # By name, as any server would start it: the faces do not import each other.
        how: dict[str, Any] = {"log_config": None} if telemetry.is_on() else {}
        config = uvicorn.Config("server.app:from_environment", factory=True, log_level="warning", access_log=False, **how)
        uvicorn.Server(config).run([listener])
