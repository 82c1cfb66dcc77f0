"""`halo webhooks`: who outside is told what happens here. An owner's business; a worker sends the messages."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput

app = typer.Typer(help="Who outside is told what happens here.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id.", show_default=False)]


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to: https, on the public internet.", show_default=False)],
    events: Annotated[
        str | None,
        typer.Option(
            "--events", metavar="TYPES", help="Which events, with commas between them; default: all there are.", show_default=False
        ),
    ] = None,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Tell an address what happens here; print the secret it verifies with."""
    from halo_cli import session, webhooks
    from halo_cli.output import Lines, Output
    from halo_engine.stages.webhooks import listed

    out, settings = Output(json=json), session.settings_of(home)
    with session.open_engine(settings) as engine:
        new = engine.webhooks.add(url, listed(events) if events is not None else (), by=member)
    secret = new.secret.get_secret_value()
    out.result({"endpoint": webhooks.endpoint(new.endpoint), "secret": secret}, Lines((secret,)))
    try_it, again = (session.next_command(settings, "webhooks", word, new.endpoint.id, member=member) for word in ("test", "secret"))
    out.say(f"{new.endpoint.id} is told what happens from here on. Try it with: {try_it}")
    out.say(f"The secret can be had again with: {again}")


@app.command("list")
def list_(member: As = None, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """List them, also those that were disabled, with the reason."""
    from halo_cli import session, webhooks
    from halo_cli.output import Output

    settings = session.settings_of(home)
    with session.open_engine(settings) as engine:
        found = engine.webhooks.all(by=member)
    Output(json=json).result({"endpoints": [webhooks.endpoint(one) for one in found]}, webhooks.endpoints_table(found))


@app.command()
def remove(endpoint_id: _Id, member: As = None, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Tell it nothing more, and forget it with every message to it."""
    from halo_cli import session, webhooks
    from halo_cli.output import Lines, Output

    with session.open_engine(session.settings_of(home)) as engine:
        removed = engine.webhooks.remove(endpoint_id, by=member)
    Output(json=json).result(webhooks.endpoint(removed), Lines((f"{removed.url} is told nothing more.",)))


@app.command()
def enable(endpoint_id: _Id, member: As = None, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Tell one that was disabled again, from here on."""
    from halo_cli import session, webhooks
    from halo_cli.output import Lines, Output

    with session.open_engine(session.settings_of(home)) as engine:
        enabled = engine.webhooks.enable(endpoint_id, by=member)
    Output(json=json).result(webhooks.endpoint(enabled), Lines((f"{enabled.url} is told what happens from here on.",)))


@app.command("test")
def try_(endpoint_id: _Id, member: As = None, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Send it a test message now, and say how that went."""
    from halo_cli import session, webhooks
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_engine.model.webhook import DeliveryState

    out, settings = Output(json=json), session.settings_of(home)
    with session.open_engine(settings) as engine:
        message = engine.webhooks.test(endpoint_id, by=member)
        with out.working("Sending a test message…"):
            sent = engine.delivering.send_now(message.id, household_id=message.household_id)
    out.result(webhooks.delivery(sent), Lines((webhooks.line(sent),)))
    if sent.state is not DeliveryState.DELIVERED:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def deliveries(
    endpoint_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only those to this webhook.", show_default=False)] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="How many at the most.")] = 50,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """List the messages, the newest first, and where each stands."""
    from halo_cli import session, webhooks
    from halo_cli.output import Output

    settings = session.settings_of(home)
    with session.open_engine(settings) as engine, session.open_queries(settings) as queries:
        found, zone = engine.webhooks.deliveries(endpoint_id, by=member, limit=limit), queries.household().time_zone
    Output(json=json).result({"deliveries": [webhooks.delivery(one) for one in found]}, webhooks.deliveries_table(found, zone))


@app.command()
def redeliver(
    message_id: Annotated[str, typer.Argument(metavar="MSG", help="The message's id.", show_default=False)],
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Send a message once more, now, under the same id."""
    from halo_cli import session, webhooks
    from halo_cli.exit_codes import ExitCode
    from halo_cli.output import Lines, Output
    from halo_engine.model.webhook import DeliveryState

    out = Output(json=json)
    with session.open_engine(session.settings_of(home)) as engine:
        again = engine.webhooks.redeliver(message_id, by=member)
        with out.working("Sending it again…"):
            sent = engine.delivering.send_now(again.id, household_id=again.household_id)
    out.result(webhooks.delivery(sent), Lines((webhooks.line(sent),)))
    if sent.state is not DeliveryState.DELIVERED:
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def secret(
    endpoint_id: _Id,
    new: Annotated[bool, typer.Option("--new", help="Make another one. For a day messages are signed with both.")] = False,
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Print the secret that its messages are signed with."""
    from halo_cli import session, webhooks
    from halo_cli.output import Lines, Output

    out = Output(json=json)
    with session.open_engine(session.settings_of(home)) as engine:
        shown = engine.webhooks.new_secret(endpoint_id, by=member) if new else engine.webhooks.secret(endpoint_id, by=member)
    text = shown.secret.get_secret_value()
    out.result({"endpoint": webhooks.endpoint(shown.endpoint), "secret": text}, Lines((text,)))
    if new:
        out.say("For a day messages are signed with the one before it, too.")
