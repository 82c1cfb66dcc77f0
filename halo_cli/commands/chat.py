"""`halo chat`: the household's thread in the terminal, with this home's own engine or with a server's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput

if TYPE_CHECKING:
    from halo_engine.clock import Clock
    from halo_engine.settings import Settings
    from halo_engine.thread import Door


def chat(
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Talk to this server instead of the home's own engine.", show_default=False),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="The device's token for the server [env: HALO_TOKEN].", show_default=False),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Also over plain http to another machine, where anybody may listen.")
    ] = False,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """The thread: bubbles, cards, buttons and tapbacks. Nothing is bought before Confirm is pressed on the very card."""
    from halo_cli import session
    from halo_engine.model.errors import InvalidInput

    if not session.may_ask(no_input=no_input, json=json):
        raise InvalidInput("The chat needs a terminal and somebody at it.", hint="Without one: halo ask TEXT")
    settings = session.settings_of(home)
    with _remote(settings, server, token_file, insecure=insecure) if server else _local(settings) as (door, clock, status):
        code = _run(door, clock, status, member)
    raise typer.Exit(code)


def _run(door: Door, clock: Clock, status: str, member: str | None) -> int:
    from halo_cli.chat.app import ChatApp
    from halo_cli.output import Output

    app = ChatApp(door, clock=clock, status=status, member=member)
    code = app.run()
    if error := app.failure or app.crash:
        raise error
    for execution_id in app.unfinished:
        Output(json=False).say(
            f"What was confirmed stays confirmed and has not ended yet. Look again with: halo chat, or halo show {execution_id}"
        )
    return code or 0


@contextmanager
def _local(settings: Settings) -> Iterator[tuple[Door, Clock, str]]:
    from functools import partial

    from halo_cli import session, terminal_key
    from halo_cli.households import found_default_if_missing
    from halo_cli.output import Output
    from halo_engine.thread import LocalDoor

    with session.open_engine(settings) as engine:
        found_default_if_missing(engine, settings, Output(json=False))
        status = "simulated vendors" if settings.vendors == "simulator" else "live vendors"
        open_queries = partial(session.open_queries, settings)
        yield LocalDoor(engine, open_queries, terminal_key.signer(engine, settings, open_queries)), session.clock_of(settings), status


@contextmanager
def _remote(settings: Settings, server: str, token_file: Path | None, *, insecure: bool) -> Iterator[tuple[Door, Clock, str]]:
    from halo_cli import remotes
    from halo_cli.remote import RemoteDoor
    from halo_engine.clock import SystemClock

    token = _token(token_file)
    with RemoteDoor(server, token, signer=remotes.signer(settings.home, token), insecure=insecure) as door:
        yield door, SystemClock(), server


def _token(file: Path | None) -> str:
    """From the file, else from the environment: never from the command line, where everybody on the machine can read it."""
    import os

    from halo_cli.tokens import read_token
    from halo_engine.model.errors import InvalidInput

    if file is not None:
        return read_token(file)
    if token := os.environ.get("HALO_TOKEN", "").strip():
        return token
    raise InvalidInput(
        "A server wants to know who calls.", hint="Give --token-file FILE or HALO_TOKEN; make one there with: halo devices add NAME --token"
    )
