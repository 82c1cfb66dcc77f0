"""`halo cards`: the gallery of every card that Halo can show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.gallery.lives import Drawn, Gallery
    from halo_cli.output import Output

_FORMATS = "terminal, text, imessage, business, svg, png or html"


def cards(
    format_: Annotated[str | None, typer.Option("--format", metavar="F", help=f"Only this format: {_FORMATS}.", show_default=False)] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write a file a card, and a contact sheet, index.html.", show_default=False),
    ] = None,
    verb: Annotated[
        str | None,
        typer.Option("--verb", metavar="V", help="Only the cards of this verb, such as book; any: those of none.", show_default=False),
    ] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Show every verb's cards, from draft to receipt and through all that can go wrong.

    They come of real drafts with simulated vendors at a fixed time, in homes that are thrown away, whatever --home says: the same cards each time.

    With --out they are written to DIR in every format, or in the one of --format. DIR is made where it is missing. One that holds an earlier gallery
    is brought up to date: what that gallery wrote is taken away, other files stay. One that holds anything else is left alone.

    Without --out they are printed. Pictures and pages (svg, png, html) need --out.
    """
    from halo_cli.gallery import folder, lives
    from halo_cli.output import Output

    output = Output(json=json)
    wanted, verbs = _format(format_, to_files=out is not None), verbs_of(verb)
    if out is not None:
        folder.check(out)
    with output.working("Drawing the gallery …") as say:
        gallery = lives.hang(verbs, tell=lambda cards: say(f"{cards} cards"))
        count = len(gallery.cards)
        rows = folder.write(out, gallery, wanted, tell=lambda done: say(f"{done} of {count} cards")) if out is not None else []
    if out is not None:
        _say_written(output, gallery, out, rows)
    elif output.json:
        _print_values(output, gallery)
    elif format_ is None:
        _print_cards(output, gallery)
    else:
        _print_lines(gallery, format_)


def _format(name: str | None, *, to_files: bool) -> tuple[str, ...]:
    """The formats to draw. Raises `InvalidInput`."""
    from halo_cli.gallery.formats import FORMATS
    from halo_engine.model.errors import InvalidInput

    if name is None:
        return tuple(FORMATS)
    if name not in FORMATS:
        raise InvalidInput(f"There is no format {name!r}.", hint=f"There are: {', '.join(FORMATS)}")
    if FORMATS[name].lines is None and not to_files:
        raise InvalidInput(f"{name} is drawn into files.", hint=f"Say where: halo cards --format {name} --out DIR")
    return (name,)


def verbs_of(name: str | None) -> tuple[str, ...] | None:
    """The verb to draw, `ANY` for what belongs to none, or None for everything. Raises `InvalidInput`."""
    from halo_cli.gallery.lives import ANY
    from halo_engine.model.errors import InvalidInput
    from halo_engine.verbs import VERBS

    if name is None:
        return None
    known = {verb.lower(): verb for verb in (*VERBS, ANY)}
    if name.lower() not in known:
        raise InvalidInput(f"There is no verb {name!r}.", hint=f"There are: {', '.join(known)}")
    return (known[name.lower()],)


def _say_written(output: Output, gallery: Gallery, out: Path, rows: list[dict[str, Any]]) -> None:
    from halo_cli.output import Lines

    files = sum(len(row["files"]) for row in rows)
    sheet = out.absolute() / "index.html"
    payload = {"out": str(out.absolute()), "sheet": str(sheet), "files": files, "cards": rows, "missing": gallery.missing}
    output.result(payload, Lines((f"{len(rows)} cards in {files} files. Look at them: {sheet}",)))


def _print_values(output: Output, gallery: Gallery) -> None:
    rows = [{"verb": d.verb, "stage": d.stage, "said": d.said, "card": d.card.model_dump(mode="json")} for d in gallery.cards]
    output.result({"out": None, "cards": rows, "missing": gallery.missing})


def _print_cards(output: Output, gallery: Gallery) -> None:
    """As this terminal draws cards; in a pipe as text."""
    from halo_cli.output import Heading

    for drawn in gallery.cards:
        output.show(Heading(_heading(drawn)), drawn.card)


def _print_lines(gallery: Gallery, format_: str) -> None:
    """In the format that was asked for, whatever stdout is: words under headings, and JSON one object a line."""
    import sys

    from halo_cli.gallery.formats import FORMATS, WIDTH
    from halo_cli.output import terminal

    console, named = terminal(sys.stdout), FORMATS[format_]
    width = min(console.width, WIDTH) if console else WIDTH
    for drawn in gallery.cards:
        printed = named.lines(drawn, width) if named.lines else ""
        sys.stdout.write(f"{printed}\n" if named.is_json else f"{_heading(drawn)}\n\n{printed}\n")


def _heading(drawn: Drawn) -> str:
    return f"{drawn.verb.capitalize()}: {drawn.stage.replace('_', ' ')}, after “{drawn.said}”"
