"""`halo sim bridge`: a simulated bridge with a group chat in it, to try the other transport by hand from two shells.

A line on stdin is an act in the chat; what Halo sends is printed. `curl` does the same at `/sim/says` and `/sim/taps`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.output import Output
    from halo_sim.bluebubbles import Bridge, Message

_HELP = "Type: HANDLE: words | HANDLE @3: words, in reply to message 3 | HANDLE +like 3 | HANDLE -like 3 | an empty line shows the thread."
_SAYS = re.compile(r"(?P<handle>\S+?)(?: @(?P<to>\d+))?: (?P<text>.+)")
_TAPS = re.compile(r"(?P<handle>\S+) (?P<sign>[+-])(?P<kind>[a-z]+) (?P<on>\d+)")


def bridge(
    webhook: Annotated[str, typer.Option("--webhook", metavar="URL", help="Where Halo listens, with its key.", show_default=False)],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 1234,
    chat: Annotated[str, typer.Option("--chat", metavar="GUID", help="The chat's GUID.")] = "iMessage;+;chat4815162342",
    password: Annotated[str, typer.Option("--password", help="What callers of the simulated bridge present.")] = "bb-sim-password",  # noqa: S107 - made up
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Serve a simulated bridge on this machine, and act in its chat, until interrupted."""
    import threading

    from halo_cli import session
    from halo_cli.ending import end_in_good_order_at_sigterm
    from halo_cli.output import Lines, Output
    from halo_engine.model.errors import InvalidInput
    from halo_sim.bluebubbles import Bridge, Chat
    from halo_sim.bluebubbles_http import BridgeServer

    out = Output(json=json)
    simulated = Bridge(session.clock_of(session.settings_of(home)), chat=Chat(guid=chat), password=password, webhook=webhook)
    try:
        server = BridgeServer(simulated, port)
    except OSError as error:
        raise InvalidInput(f"Port {port} cannot be used: {error.strerror}.", hint="Choose another with --port.") from error
    end_in_good_order_at_sigterm()
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        out.result({"url": server.url, "chat": chat}, Lines((server.url,)))
        threading.Thread(target=_print_what_comes, args=(simulated, out), daemon=True).start()
        if not no_input:
            out.say(_HELP)
            _act_on_lines(simulated, out)
        # The input has ended, or there is none: curl goes on.
        threading.Event().wait()


def _act_on_lines(simulated: Bridge, out: Output) -> None:
    import sys

    for line in sys.stdin:
        try:
            if not _act(simulated, line.strip()):
                out.say(_HELP if line.strip() else _listing(simulated))
        except (IndexError, ValueError):
            out.say("There is no such message or reaction.")


def _act(simulated: Bridge, line: str) -> bool:
    if said := _SAYS.fullmatch(line):
        to = simulated.thread[int(said["to"]) - 1].guid if said["to"] else None
        simulated.says(said["handle"], said["text"], reply_to=to)
        return True
    if tapped := _TAPS.fullmatch(line):
        act = simulated.taps if tapped["sign"] == "+" else simulated.untaps
        act(tapped["handle"], simulated.thread[int(tapped["on"]) - 1].guid, tapped["kind"])
        return True
    return False


def _listing(simulated: Bridge) -> str:
    return " | ".join(f"{number} {_line(message)}" for number, message in enumerate(simulated.thread, 1)) or "Nothing was said yet."


def _line(message: Message) -> str:
    first = (message.text or "").partition("\n")[0]
    return f"{message.handle or 'Halo'}: {first or f'{message.tapback}'}"


def _print_what_comes(simulated: Bridge, out: Output) -> None:
    from halo_cli.output import Lines

    seen: list[Message] = []
    while True:
        simulated.wait_for(lambda sent: len(sent) > len(seen), timeout_s=3600)
        for message in simulated.sent[len(seen) :]:
            number = simulated.thread.index(message) + 1
            payload = {"number": number, "guid": message.guid, "text": message.text}
            out.result(payload, Lines(("", f"[{number}]", *(message.text or "").splitlines())))
            seen.append(message)
