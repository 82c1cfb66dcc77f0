"""`halo demo`: the main job, told step by step on a throw-away home: from words to a receipt, offline, without a key or a server."""

from __future__ import annotations

from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput

DEMO_WORDS = "order two packs of paper towels and a dish soap, under $80"


def demo(
    text: Annotated[str, typer.Argument(help="Other words to tell it with.", show_default=False)] = DEMO_WORDS,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Tell the whole story once, on a throw-away home.

    Words, draft, confirmation, execution, receipt, audit: offline, and nothing is kept.
    """
    from tempfile import TemporaryDirectory

    from halo_cli.output import Output
    from halo_cli.story import tell

    # A home of its own, whatever --home says: a demonstration must not write into anybody's books.
    with TemporaryDirectory(prefix="halo-demo-") as place:
        raise typer.Exit(tell(place, text, Output(json=json)))
