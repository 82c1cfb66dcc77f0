"""`halo fixtures`: what the server says, for those who write clients of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from halo_cli.options import Home, Json, NoInput

app = typer.Typer(help="The server's answers and cards, for those who write clients.")


@app.callback()
def _fixtures() -> None:
    """With one command alone, `export` would not have to be said."""


@app.command()
def export(
    swift: Annotated[
        Path, typer.Option("--swift", metavar="DIR", help="Write a Swift package to DIR: types, examples and a test.", show_default=False)
    ],
    verb: Annotated[
        str | None,
        typer.Option("--verb", metavar="V", help="Only the pictures of this verb, such as book; any: those of none.", show_default=False),
    ] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Write every example and every card's picture, with types and a test that decode them.

    DIR is made where it is missing. One that holds an earlier export is brought up to date: its own files are replaced, others stay. One that holds
    anything else is left alone. Cards are drawn in homes that are thrown away, whatever --home says.
    """
    from cards import png
    from halo_cli.commands.cards import verbs_of
    from halo_cli.gallery import lives
    from halo_cli.output import Lines, Output
    from halo_cli.swift import examples, folder, package

    out, verbs = Output(json=json), verbs_of(verb)
    folder.check(swift)
    described = examples.description()
    recorded = examples.examples_of(described)
    with out.working("Drawing the cards …"):
        hung = lives.hang(verbs).cards
        pictures = {f"{drawn.verb}-{drawn.stage}@2x.png".lower(): png.render(drawn.card, scale=2) for drawn in hung}
        files = package.files_of(examples.schemas_of(described), recorded, pictures)
    folder.write(swift, files)
    place = str(swift.absolute())
    payload = {"out": place, "types": len(described["components"]["schemas"]), "examples": len(recorded), "pictures": len(pictures)}
    said = f"{payload['types']} types, {payload['examples']} examples and {payload['pictures']} pictures. Try them: swift test --package-path {place}"
    out.result(payload, Lines((said,)))
