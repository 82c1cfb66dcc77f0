"""`halo worker`: carries on what was confirmed, wherever it was confirmed, until it is told to stop."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput


def worker(
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when nothing is left to carry on.")] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Carry on what was confirmed, and print each execution that ends. SIGTERM and Ctrl-C let it finish what it has begun."""
    import signal
    import threading

    from halo_cli import session
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Output
    from halo_cli.working import work

    out, settings, stop = Output(json=json), session.settings_of(home), threading.Event()
    seen: list[int] = []

    def _stop(number: int, _frame: object) -> None:
        seen.append(number)
        # A second one ends it at once: nothing is lost by that, and whoever waits is waited for.
        signal.signal(number, signal.SIG_DFL)
        # Not here: this interrupts the very thread that may be holding the event's lock.
        threading.Thread(target=stop.set).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    work(settings, out, stop, until_idle=until_idle, ready=lambda slot: out.say(f"Working as {slot}. Ctrl-C ends it."))
    if seen:
        out.say("Stopped. What has not ended is carried on by the next worker.")
    raise typer.Exit(ExitCode.INTERRUPTED if signal.SIGINT in seen else ExitCode.DONE)
