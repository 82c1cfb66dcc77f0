"""`halo devices`: what may call this home's server, and for whom. A code or a token is printed once; Halo keeps only its hash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from halo_cli.options import As, Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.output import Output
    from halo_engine.engine import Engine
    from halo_engine.model.device import DeviceKind
    from halo_engine.settings import Settings

app = typer.Typer(help="The devices that may call the server, and this terminal as a device of another one.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the household calls it.", show_default=False)],
    member: As = None,
    speaks_for: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="MEMBER", help="Whom it speaks for; default: who acts. Only an owner adds for others.", show_default=False
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="Where the device finds the server; default: HALO_PUBLIC_URL.", show_default=False),
    ] = None,
    program: Annotated[bool, typer.Option("--program", help="A program's: it asks and looks, and its yes is refused.")] = False,
    token: Annotated[bool, typer.Option("--token", help="Print a token at once instead of a code.")] = False,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="Write a token to a new file of mode 0600 instead.", show_default=False),
    ] = None,
    this_terminal: Annotated[
        bool, typer.Option("--this-terminal", help="Make a key here that signs this terminal's yes; it does not call.")
    ] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Let a device call the server: with a code that it enrols with, once, within ten minutes."""
    from halo_cli import session
    from halo_cli.output import Output
    from halo_engine.model.errors import InvalidInput

    out, settings = Output(json=json), session.settings_of(home)
    name, new = session.words(name, settings), _New(by=member, speaks_for=speaks_for, program=program)
    if program and this_terminal:
        raise InvalidInput("A key of this terminal signs a member's yes, and a program has none.", hint="Leave out one of the two.")
    with session.open_engine(settings) as engine:
        if this_terminal:
            _make_key(out, engine, settings, name, new)
        elif token or token_file is not None:
            _give_token(out, engine, settings, name, new, token_file)
        else:
            _give_code(out, engine, settings, name, new, url)


class _New(NamedTuple):
    """Who adds the device, whom it speaks for, and whether it is a program's."""

    by: str | None
    speaks_for: str | None
    program: bool

    @property
    def kind(self) -> DeviceKind:
        from halo_engine.model.device import DeviceKind

        return DeviceKind.PROGRAM if self.program else DeviceKind.PERSON


def _make_key(out: Output, engine: Engine, settings: Settings, name: str, new: _New) -> None:
    from halo_cli import session, terminal_key, views
    from halo_cli.output import Lines
    from halo_engine import shapes

    device, place = terminal_key.add(engine, settings, name, by=new.by, speaks_for=new.speaks_for)
    with session.open_queries(settings) as queries:
        last = views.day_at_home(device.expires_at, queries.household().time_zone)
        whom = next(each.display_name for each in queries.members() if each.id == device.user_id)
    out.result({"device": shapes.device(device), "key": place}, Lines((f"{device.id}  {device.name}",)))
    out.say(f"Its key is in {place}. Until {last} it signs what {whom} confirms here, where the household wants that.")


def _give_code(out: Output, engine: Engine, settings: Settings, name: str, wanted: _New, url: str | None) -> None:
    """The code on stdout, and as a picture beside it where somebody looks and it is known where the device is to go."""
    from halo_cli import qr, session, views
    from halo_cli.output import Lines
    from halo_engine import shapes
    from halo_engine.model.device import enrolment_url

    server = qr.address(url) if url is not None else settings.public_url
    new = engine.devices.open_enrolment(name, by=wanted.by, speaks_for=wanted.speaks_for, kind=wanted.kind)
    code, enrolment = new.code.get_secret_value(), new.enrolment
    link = enrolment_url(server, code) if server else None
    with session.open_queries(settings) as queries:
        until = views.at_home(enrolment.expires_at, queries.household().time_zone)
        whom = next(each.display_name for each in queries.members() if each.id == enrolment.user_id)
    beside = (
        f"Scan this with “{enrolment.name}”,",
        "or type the code below there.",
        "",
        f"It will speak for {whom}.",
        "",
        f"The code works once, until {until}.",
    )
    drawn = link is not None and not out.json and qr.show(link, beside)
    out.result({"enrolment": shapes.enrolment(enrolment), "code": code, "url": link}, Lines((code,)))
    if not drawn:
        out.say(f"The code works once, until {until}. Type it into “{enrolment.name}”, which will speak for {whom}.")
    if link is None:
        out.say("For a picture to scan, say where the device finds the server: --url URL")
    out.say(f"Take it back with: {session.next_command(settings, 'devices', 'revoke', enrolment.id)}")


def _give_token(out: Output, engine: Engine, settings: Settings, name: str, wanted: _New, token_file: Path | None) -> None:
    from halo_cli import session, tokens, views
    from halo_cli.output import Lines
    from halo_engine import shapes

    with session.open_queries(settings) as queries, tokens.kept_in(token_file) as keep:
        zone = queries.household().time_zone
        new = engine.devices.add(name, by=wanted.by, speaks_for=wanted.speaks_for, kind=wanted.kind)
        token = new.token.get_secret_value()
        keep(token)
    last = views.day_at_home(new.device.expires_at, zone)
    device = shapes.device(new.device)
    until = f"It may call until {last}; end it with: {session.next_command(settings, 'devices', 'revoke', new.device.id)}"
    if token_file is None:
        out.result({"device": device, "token": token}, Lines((token,)))
        out.say(until)
        out.say("This token is not shown again.")
    else:
        out.result({"device": device, "token_file": str(token_file)}, Lines((f"{new.device.id}  {new.device.name}",)))
        out.say(until)
        out.say(f"Its token is in {token_file}.")


@app.command()
def enrol(
    code: Annotated[
        str,
        typer.Argument(metavar="CODE", help="The code, or the halo://enrol?… of the picture; - reads it from stdin.", show_default=False),
    ],
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Where that Halo answers; default: what the picture says.", show_default=False),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Another name than the one the code was made for.", show_default=False)
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="A new file for the token; default: one beside this home's.", show_default=False),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Also over plain http to another machine, where anybody may listen.")
    ] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Make this terminal a device of a household elsewhere: with a key of its own that signs a yes there."""
    from halo_cli import remotes, session
    from halo_cli.output import Lines, Output

    settings = session.settings_of(home)
    where = remotes.target(session.words(code, settings), server)
    joined = remotes.join(where, settings.home, name=name, token_file=token_file, insecure=insecure)
    device, out = joined.device, Output(json=json)
    chat = ("chat", "--server", where.server, "--token-file", str(joined.token_file), *(("--insecure",) if insecure else ()))
    payload = device.model_dump(mode="json", exclude={"token"})
    payload |= {"server": where.server, "token_file": str(joined.token_file), "key": joined.key}
    out.result(payload, Lines((f"{device.id}  {device.name}",)))
    out.say(
        f"This terminal may call {where.server} until {device.expires_at:%a} {device.expires_at.day} {device.expires_at:%b %Y %H:%M} UTC."
    )
    out.say(f"Its token is in {joined.token_file}.")
    out.say(f"Its key is in {joined.key}: it signs what you confirm, where that household wants it.")
    out.say(f"Talk there with: {session.next_command(settings, *chat)}")


@app.command("list")
def list_(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """List the devices, also those that may not call any more, and the codes that wait for theirs."""
    from halo_cli import session, views
    from halo_cli.output import Output
    from halo_engine import shapes

    settings = session.settings_of(home)
    with session.open_queries(settings) as queries:
        now = session.clock_of(settings).now()
        found, waiting = queries.devices(), queries.enrolments(waiting_at=now)
        members, zone = queries.members(), queries.household().time_zone
    listed = [shapes.device(one) | {"active": one.speaks_at(now)} for one in found]
    payload = {"devices": listed, "enrolments": [shapes.enrolment(one) for one in waiting]}
    Output(json=json).result(payload, views.devices(found, members, zone, now=now, waiting=waiting))


@app.command()
def revoke(
    device_id: Annotated[
        str, typer.Argument(metavar="ID", help="The id of a device, or of a code that waits for one.", show_default=False)
    ],
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Shut a device out from now on, or take back a code that nobody has used."""
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine import shapes
    from halo_engine.model.ids import Prefix, prefix_of

    out = Output(json=json)
    with session.open_engine(session.settings_of(home)) as engine:
        if prefix_of(device_id) is Prefix.ENROLMENT:
            ended = engine.devices.revoke_enrolment(device_id, by=member)
            said = (
                f"Its code was used: “{ended.name}” is a device now."
                if ended.used_at
                else f"The code of “{ended.name}” opens nothing any more."
            )
            out.result(shapes.enrolment(ended), Lines((said,)))
        else:
            revoked = engine.devices.revoke(device_id, by=member)
            out.result(shapes.device(revoked), Lines((f"“{revoked.name}” may not call any more.",)))
