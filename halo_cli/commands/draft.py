"""`halo draft show`: a draft as it stands."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput

app = typer.Typer(help="A draft, and how it came to be.", no_args_is_help=False)


@app.callback()
def _group() -> None:
    """A draft, and how it came to be."""


@app.command()
def show(
    draft_id: Annotated[str, typer.Argument(metavar="ID", help="The draft's id.", show_default=False)],
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Show a draft's card as it stands now."""
    from halo_cli import session
    from halo_cli.answering import show_draft
    from halo_cli.output import Output

    show_draft(draft_id, session.settings_of(home), Output(json=json))
