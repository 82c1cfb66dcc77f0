"""`halo usual`: the household's saved bundles, which "reorder the usual" means."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import As, Home, Json, NoInput

app = typer.Typer(help="The household's usual bundles.")
Name = Annotated[str, typer.Argument(metavar="NAME", help="What the household calls it.", show_default=False)]


@app.command("list")
def list_(json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """List the saved bundles."""
    from halo_cli import session, views
    from halo_cli.output import Output
    from halo_engine import shapes

    with session.open_queries(session.settings_of(home)) as queries:
        found = queries.usuals()
    Output(json=json).result({"usuals": [shapes.usual(one) for one in found]}, views.usuals(found))


@app.command()
def add(
    name: Name,
    text: Annotated[str, typer.Argument(metavar="ITEMS", help="What is in it, in words; - reads stdin.", show_default=False)],
    member: As = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Save a bundle, in place of the one of that name. Nothing is bought."""
    from halo_cli import session, views
    from halo_cli.output import Output
    from halo_engine import shapes

    settings = session.settings_of(home)
    with session.open_engine(settings) as engine:
        saved = engine.save_usual(session.words(name, settings), session.words(text, settings), member=member)
    Output(json=json).result(shapes.usual(saved), views.usuals([saved]))


@app.command()
def remove(name: Name, member: As = None, json: Json = False, home: Home = None, no_input: NoInput = False) -> None:
    """Forget a bundle."""
    from halo_cli import session
    from halo_cli.output import Lines, Output
    from halo_engine import shapes

    settings = session.settings_of(home)
    with session.open_engine(settings) as engine:
        removed = engine.remove_usual(session.words(name, settings), member=member)
    Output(json=json).result(shapes.usual(removed), Lines((f"Removed the usual “{removed.name}”.",)))
