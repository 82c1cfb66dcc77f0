"""`halo serve`: the HTTP face of the same engine, on loopback unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    import socket


_DRAINING = "Draining: what is under way is finished first, and nothing new is taken. Another signal ends it at once."


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")] = 8080,
    with_worker: Annotated[
        bool | None,
        typer.Option(
            "--with-worker/--no-worker",
            help="Also carry on what is confirmed. Default: only where the books are a SQLite file.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Serve this home over HTTP for its devices (halo devices add), and carry on what was confirmed in it."""
    import signal
    from contextlib import nullcontext
    from importlib import import_module

    from halo_cli import session
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_cli.working import beside
    from halo_engine.model.errors import InvalidInput

    try:
        # By name: the faces do not import each other.
        serving = import_module("server.serving")
    except ImportError as error:
        raise InvalidInput("The server is not installed.", hint="In Halo's directory: pip install '.[server]'") from error
    out, settings = Output(json=json), session.settings_of(home)
    listener = _listening(host, port)
    url = _url(host, listener.getsockname()[1])
    out.result({"url": url}, Lines((f"Listening on {url}",)))
    is_working = settings.database_url is None if with_worker is None else with_worker
    out.say("A worker in here carries on what is confirmed." if is_working else "Nothing is carried on in here: halo worker does that.")
    out.say(f"Each device calls with a token of its own: {session.next_command(settings, 'devices', 'add', 'NAME')}")
    if host not in ("127.0.0.1", "::1", "localhost"):
        out.say("This is plain HTTP: put TLS before it, or whoever is on the way reads the tokens.")
    with beside(settings, out) if is_working else nullcontext():
        ended_by = serving.serve(settings, listener, draining=lambda: out.say(_DRAINING))
        if is_working:
            out.say("No longer listening. The worker finishes what it has begun.")
    raise typer.Exit(ExitCode.INTERRUPTED if ended_by == signal.SIGINT else ExitCode.DONE)


def _listening(host: str, port: int) -> socket.socket:
    import socket

    from halo_engine.model.errors import InvalidInput

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=512)
        # Else the end of every answer waits 40 ms for the client's word on its beginning: asyncio sets this only on sockets that name their protocol.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise InvalidInput(f"{host}:{port} cannot be listened on: {error.strerror}.", hint="Choose another with --port.") from error
    return listener


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
