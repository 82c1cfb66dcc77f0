"""`halo sim`: the simulated vendors' side of this home: what they really did, what shall go wrong, and serving them on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.output import Table
    from halo_sim.world import World

app = typer.Typer(help="The simulated vendors.")


@app.command()
def ledger(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """List what the simulated vendors really did. Halo itself never reads these books."""
    from halo_cli import session, views
    from halo_cli.output import Lines, Output
    from halo_engine.model.money import Money
    from halo_sim.ledger import read_ledger

    world = session.open_world(session.settings_of(home))
    entries = read_ledger(world.path)
    total = Money.total(entry.charged for entry in entries)
    payload = {"entries": [entry.to_json() for entry in entries], "total_charged_cents": total.cents}
    Output(json=json).result(payload, views.ledger(entries, "UTC"), Lines((f"Charged altogether: {total.display}",)))


@app.command()
def fault(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="What shall go wrong.", show_default=False)] = None,
    target: Annotated[str | None, typer.Option("--target", help="A product, venue, vendor or operation.", show_default=False)] = None,
    cents: Annotated[int | None, typer.Option("--cents", help="The amount, for faults that have one.", show_default=False)] = None,
    times: Annotated[int, typer.Option("--times", help="How often it happens.")] = 1,
    list_: Annotated[bool, typer.Option("--list", help="List the faults there are, and those that wait.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove the fault NAME, or all.")] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Make something go wrong at the simulated vendors."""
    from halo_cli import session
    from halo_cli.output import Output
    from halo_engine.model.errors import InvalidInput
    from halo_sim import faults

    if name is None and not (list_ or clear):
        raise InvalidInput("Give the NAME of a fault, --list or --clear.", hint="halo sim fault --list")
    world = session.open_world(session.settings_of(home))
    try:
        if clear:
            faults.clear_faults(world, name)
        elif name is not None:
            faults.add_fault(world, name, target=target, amount=cents, times=times)
    except ValueError as error:
        raise InvalidInput(f"{error}.", hint="halo sim fault --list") from error
    Output(json=json).result(_faults(world), *_fault_tables(world, with_names=list_))


def _faults(world: World) -> dict[str, Any]:
    from dataclasses import asdict

    from halo_sim import faults

    return {"faults": dict(faults.FAULTS), "waiting": [asdict(one) for one in faults.list_faults(world)]}


def _fault_tables(world: World, *, with_names: bool) -> list[Table]:
    from halo_cli.output import Table
    from halo_sim import faults

    waiting = tuple(
        (
            one.name,
            one.target or "any",
            "" if one.amount is None else str(one.amount),
            "until cleared" if one.times_left is None else str(one.times_left),
        )
        for one in faults.list_faults(world)
    )
    names = Table(columns=("Fault", "What happens"), rows=tuple(faults.FAULTS.items()))
    standing = Table(columns=("Waiting", "Target", "Amount", "Times left"), rows=waiting, empty="No fault is waiting.")
    return [names, standing] if with_names else [standing]


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8099,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Serve the simulated vendors over HTTP on this machine only, until interrupted."""
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine.model.errors import InvalidInput
    from halo_sim.http import SimServer

    world = session.open_world(session.settings_of(home))
    try:
        server = SimServer(world, "127.0.0.1", port)
    except OSError as error:
        raise InvalidInput(f"Port {port} cannot be used: {error.strerror}.", hint="Choose another with --port.") from error
    with server:
        out = Output(json=json)
        out.result({"url": server.url}, Lines((server.url,)))
        out.say("Serving the simulated vendors. Stop with Ctrl-C.")
        server.serve_forever()
