"""`halo sim fault`: what shall go wrong at the simulated vendors. Without a name it shows what is armed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.output import Table
    from halo_sim.world import World


def fault(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="What shall go wrong; without it, what is armed is shown.", show_default=False)
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="A product, venue, vendor or operation.", show_default=False)] = None,
    amount: Annotated[
        int | None,
        typer.Option("--amount", "--cents", help="For faults that have one: cents, units, seconds or milliseconds.", show_default=False),
    ] = None,
    times: Annotated[int, typer.Option("--times", help="How often it happens.")] = 1,
    list_: Annotated[bool, typer.Option("--list", help="List the faults there are, and those that wait.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove the fault NAME, or all.")] = False,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Make something go wrong at the simulated vendors, or show what is armed."""
    from halo_cli import session
    from halo_cli.output import Output
    from halo_engine.model.errors import InvalidInput
    from halo_sim import faults

    world = session.open_world(session.settings_of(home))
    try:
        if clear:
            faults.clear_faults(world, name)
        elif name is not None:
            faults.add_fault(world, name, target=target, amount=amount, times=times)
    except ValueError as error:
        raise InvalidInput(f"{error}.", hint="halo sim fault --list") from error
    Output(json=json).result(_payload(world), *_tables(world, with_names=list_))


def _payload(world: World) -> dict[str, Any]:
    from dataclasses import asdict

    from halo_sim import faults

    kinds = {name: {"position": faults.POSITIONS[name].value, "what": what} for name, what in faults.FAULTS.items()}
    waiting = [asdict(one) for one in faults.list_faults(world)]
    return {"faults": dict(faults.FAULTS), "kinds": kinds, "waiting": waiting}


def _tables(world: World, *, with_names: bool) -> list[Table]:
    from halo_cli.output import Table
    from halo_sim import faults, magic

    waiting = tuple(
        (
            one.name,
            one.target or "any",
            "" if one.amount is None else str(one.amount),
            "until cleared" if one.times_left is None else str(one.times_left),
        )
        for one in faults.list_faults(world)
    )
    kinds = tuple((name, faults.POSITIONS[name].value, what) for name, what in faults.FAULTS.items())
    names = Table(columns=("Fault", "Strikes at", "What happens"), rows=kinds)
    words = Table(columns=("Name to order or book", "What happens"), rows=tuple((one.name, one.outcome) for one in magic.TABLE))
    standing = Table(columns=("Armed", "Target", "Amount", "Times left"), rows=waiting, empty="No fault is armed.")
    return [names, words, standing] if with_names else [standing]
