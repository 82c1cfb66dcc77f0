"""`halo sim`: the simulated vendors' side of this home: what they really did, what shall go wrong, what time it is, and serving them.

Each group of subcommands is a file beside this one.
"""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.commands import sim_bridge, sim_clock, sim_faults, sim_recordings, sim_scenario
from halo_cli.options import Home, Json, NoInput

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


app.command("fault")(sim_faults.fault)
app.command("bridge")(sim_bridge.bridge)
app.add_typer(sim_clock.app, name="clock")
app.add_typer(sim_scenario.app, name="scenario")
app.command("record")(sim_recordings.record)
app.command("replay")(sim_recordings.replay)
app.command("diff")(sim_recordings.diff)


@app.command()
def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8099,
    fault_seed: Annotated[
        int | None, typer.Option("--fault-seed", help="Strike calls with faults that this number decides.", show_default=False)
    ] = None,
    fault_share: Annotated[int, typer.Option("--fault-share", min=0, max=10_000, help="How many of 10,000 calls are struck.")] = 1_000,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Serve the simulated vendors over HTTP on this machine only, until interrupted."""
    from halo_cli import session
    from halo_cli.ending import end_in_good_order_at_sigterm
    from halo_cli.output import Lines, Output
    from halo_engine.model.errors import InvalidInput
    from halo_sim.fault_plan import FaultPlan
    from halo_sim.http import SimServer

    world = session.open_world(session.settings_of(home))
    plan = None if fault_seed is None else FaultPlan.from_seed(fault_seed, share=fault_share)
    try:
        server = SimServer(world, "127.0.0.1", port, plan)
    except OSError as error:
        raise InvalidInput(f"Port {port} cannot be used: {error.strerror}.", hint="Choose another with --port.") from error
    end_in_good_order_at_sigterm()
    with server:
        out = Output(json=json)
        out.result({"url": server.url}, Lines((server.url,)))
        out.say("Serving the simulated vendors. Stop with Ctrl-C.")
        server.serve_forever()
