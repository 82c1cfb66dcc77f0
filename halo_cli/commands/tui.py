"""`halo tui`: the audit dashboard, in this terminal or in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.output import Output
    from halo_engine.settings import Settings


def tui(
    web: Annotated[bool, typer.Option("--web", help="Serve it to a browser on this machine, and print its address.")] = False,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="With --web: the port; default: a free one.", show_default=False)
    ] = None,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """The dashboard: what needs me, what happened, and what is proven."""
    from halo_cli import session
    from halo_cli.output import Output
    from halo_cli.tui import browser
    from halo_engine.model.errors import InvalidInput

    if port is not None and not web:
        raise InvalidInput("A port is for --web.", hint="halo tui --web --port 8090")
    if web:
        _serve(session.settings_of(home), Output(json=json), port=port or 0, member=member)
        return
    if not browser.is_shown_in_one() and not session.may_ask(no_input=no_input, json=json):
        raise InvalidInput("The dashboard needs a terminal and somebody at it.", hint="Without one: halo activity, or halo tui --web")
    raise typer.Exit(_show(session.settings_of(home), member))


def _show(settings: Settings, member: str | None) -> int:
    from functools import partial

    from halo_cli import session
    from halo_cli.output import Output
    from halo_cli.tui.app import AuditApp
    from halo_cli.tui.desk import Desk

    desk = Desk(
        settings,
        clock=session.clock_of(settings),
        queries=partial(session.open_queries, settings),
        open_engine=partial(session.open_engine, settings),
    )
    try:
        app = AuditApp(desk, member=member)
        code = app.run()
    finally:
        desk.close()
    for execution_id in app.unfinished:
        Output(json=False).say(
            f"What was confirmed stays confirmed and has not ended yet. Look again with: halo tui, or halo show {execution_id}"
        )
    if error := app.failure or app.crash:
        raise error
    return code or 0


def _serve(settings: Settings, out: Output, *, port: int, member: str | None) -> None:
    from halo_cli import session
    from halo_cli.output import Lines
    from halo_cli.tui.household import opened
    from halo_engine.model.errors import InvalidInput

    try:
        from halo_cli.tui import web
    except ImportError as error:
        raise InvalidInput(
            "What shows the dashboard in a browser is not installed.", hint="In Halo's directory: pip install '.[web]'"
        ) from error
    with session.open_queries(settings) as queries:
        # Before anybody opens it: whose home it is, and who acts.
        who = opened(queries, member)
    try:
        sock = web.listener(port)
    except OSError as error:
        raise InvalidInput(f"Port {port} cannot be listened on: {error.strerror}.", hint="Choose another with --port.") from error
    token = session.clock_of(settings).token_hex(32)
    url = web.address(sock, token)
    out.result({"url": url}, Lines((url,)))
    out.say(f"Whoever has this address acts for {who.members[who.acting].display_name} and the whole household. Stop with Ctrl-C.")
    web.serve(sock, command=web.dashboard_command(home=settings.home, member=member), token=token)
