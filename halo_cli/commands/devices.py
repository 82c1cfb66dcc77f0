"""`halo devices`: what may call this home's server, and for whom. A token is printed once; Halo keeps only its hash."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput

app = typer.Typer(help="The devices that may call the server.")


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
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="Write the token to a new file of mode 0600, not to stdout.", show_default=False),
    ] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Let a device call the server, and give out its token: this once."""
    from halo_cli import session, tokens, views
    from halo_cli.output import Lines, Output
    from halo_engine import shapes

    out, settings = Output(json=json), session.settings_of(home)
    with session.open_engine(settings) as engine, session.open_queries(settings) as queries, tokens.kept_in(token_file) as keep:
        zone = queries.household().time_zone
        new = engine.devices.add(session.words(name, settings), by=member, speaks_for=speaks_for)
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


@app.command("list")
def list_(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """List the devices, also those that may not call any more."""
    from halo_cli import session, views
    from halo_cli.output import Output
    from halo_engine import shapes

    settings = session.settings_of(home)
    with session.open_queries(settings) as queries:
        found, members, zone = queries.devices(), queries.members(), queries.household().time_zone
    now = session.clock_of(settings).now()
    listed = [shapes.device(one) | {"active": one.speaks_at(now)} for one in found]
    Output(json=json).result({"devices": listed}, views.devices(found, members, zone, now=now))


@app.command()
def revoke(
    device_id: Annotated[str, typer.Argument(metavar="ID", help="The device's id.", show_default=False)],
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Shut a device out, from now on."""
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine import shapes

    with session.open_engine(session.settings_of(home)) as engine:
        revoked = engine.devices.revoke(device_id, by=member)
    Output(json=json).result(shapes.device(revoked), Lines((f"“{revoked.name}” may not call any more.",)))
