"""`halo bridge`: attaches a bridge to a real thread of messages, and says whose handles are whose. See docs/bridge.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_engine.model.message import MemberAddress

app = typer.Typer(help="A bridge to a thread of messages, and who is who in it.")
Handle = Annotated[str, typer.Argument(metavar="HANDLE", help="A phone number with its country, or an e-mail address.", show_default=False)]


@app.command()
def init(
    url: Annotated[str, typer.Option("--url", help="Where the bridge answers, such as http://mac.local:1234.", show_default=False)],
    chat: Annotated[
        list[str], typer.Option("--chat", metavar="GUID", help="A chat in which Halo may be spoken to. Repeat.", show_default=False)
    ],
    password_file: Annotated[
        str, typer.Option("--password-file", metavar="FILE", help="Holds the bridge's own password; - reads stdin.", show_default=False)
    ],
    private_api: Annotated[bool, typer.Option("--private-api", help="Send by the helper in Messages instead of AppleScript.")] = False,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make a new key; the old URL ends.")] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Attach a bridge, and print the path that it has to call."""
    from pydantic import SecretStr, ValidationError

    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine.model.errors import InvalidInput
    from halo_engine.store.bridge_files import BridgeFiles, BridgeSetup

    settings = session.settings_of(home)
    with session.open_queries(settings):
        files, clock = BridgeFiles(settings.home), session.clock_of(settings)
    password = SecretStr(_password(password_file))
    method = "private-api" if private_api else "apple-script"
    try:
        setup = BridgeSetup.model_validate({"url": url, "password": password, "chats": tuple(dict.fromkeys(chat)), "method": method})
    except ValidationError as error:
        names = sorted({str(item["loc"][0]) for item in error.errors()})
        # Not chained: the error has the password in it.
        raise InvalidInput(f"This cannot be so: {', '.join(names)}.", hint="See docs/bridge.md.") from None
    files.save(setup, clock)
    key = files.make_key(clock) if new_key or not files.has_key() else files.key()
    path = f"/v1/bridge?key={key}"
    out = Output(json=json)
    out.result({"webhook_path": path, "chats": list(setup.chats), "method": setup.method}, Lines((path,)))
    out.say(
        "Give the bridge this path at the address of `halo serve`, for new-message, updated-message and message-send-error. It is a secret."
    )
    out.say(f"Next: {session.next_command(settings, 'bridge', 'address', 'NAME', 'HANDLE')}")


@app.command()
def address(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A member.", show_default=False)],
    handle: Handle,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Say that a handle is a member's: what is said from it counts as theirs."""
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine.correspondence import Correspondence

    settings = session.settings_of(home)
    _make_key(settings)
    with Correspondence.open(settings, clock=session.clock_of(settings)) as kept:
        given = kept.give_address(name, handle)
    Output(json=json).result(_shape(given), Lines((f"{given.address} is {given.member.display_name}.",)))


@app.command()
def forget(handle: Handle, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Forget a handle: what is said from it is nobody's."""
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine.correspondence import Correspondence

    settings = session.settings_of(home)
    with Correspondence.open(settings, clock=session.clock_of(settings)) as kept:
        taken = kept.take_address(handle)
    Output(json=json).result(_shape(taken), Lines((f"{taken.address} was {taken.member.display_name}, and is nobody now.",)))


@app.command("list")
def list_(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Show what is attached, and whose handles are whose. Secrets are not shown."""
    from halo_cli import session
    from halo_cli.output import Lines, Output, Table
    from halo_engine.correspondence import Correspondence
    from halo_engine.store.bridge_files import BridgeFiles

    settings = session.settings_of(home)
    files = BridgeFiles(settings.home)
    setup = files.setup() if files.is_set_up() else None
    if files.has_key():
        with Correspondence.open(settings, clock=session.clock_of(settings)) as kept:
            known = kept.addresses()
    else:
        known = ()
    attached = {"url": setup.url, "chats": list(setup.chats), "method": setup.method} if setup else None
    payload = {"bridge": attached, "invocation": settings.invocation, "addresses": [_shape(one) for one in known]}
    says = [
        f"Spoken to as “{settings.invocation}”.",
        *([f"{setup.url}: {', '.join(setup.chats)}"] if setup else ["No bridge is attached."]),
    ]
    rows = tuple((one.member.display_name, one.address) for one in known)
    table = Table(columns=("Member", "Handle"), rows=rows, empty="No handle is known: nobody can be heard.")
    Output(json=json).result(payload, Lines(tuple(says)), table)


def _make_key(settings: Any) -> None:
    """Handles are kept in the log under a salt, which is the bridge's key."""
    from halo_cli import session
    from halo_engine.store.bridge_files import BridgeFiles

    files = BridgeFiles(settings.home)
    with session.open_queries(settings):
        if not files.has_key():
            files.make_key(session.clock_of(settings))


def _shape(one: MemberAddress) -> dict[str, Any]:
    return {"address": one.address, "member_id": one.member.id, "member": one.member.display_name}


def _password(file: str) -> str:
    import sys
    from pathlib import Path

    from halo_engine.model.errors import InvalidInput

    try:
        text = sys.stdin.read(1000) if file == "-" else Path(file).read_text(encoding="utf-8")[:1000]
    except (OSError, ValueError) as error:
        raise InvalidInput("The password cannot be read.", hint="Name a file that holds nothing else.") from error
    if not text.strip():
        raise InvalidInput("The password is empty.", hint="It is the one that the bridge's own settings show.")
    return text.strip()
