"""`halo parse`: what the words mean, as an Intent. Needs no household, keeps nothing, asks no vendor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from halo_cli.options import Home, Json, NoInput

if TYPE_CHECKING:
    from halo_cli.intents import Reader
    from halo_engine.settings import Settings


def parse(
    text: Annotated[str | None, typer.Argument(help="The words; - reads stdin.", show_default=False)] = None,
    now: Annotated[str | None, typer.Option("--now", metavar="ISO", help="The moment the words are said.", show_default=False)] = None,
    tz: Annotated[str | None, typer.Option("--tz", metavar="ZONE", help="The IANA zone they are said in.", show_default=False)] = None,
    requested: Annotated[
        str, typer.Option("--requested", metavar="FIELD,…", help="The fields a question asked for, when the words answer one.")
    ] = "",
    jsonl: Annotated[
        str | None,
        typer.Option("--jsonl", metavar="FILE", help="One JSON object a line in (- is stdin), one Intent a line out, in order."),
    ] = None,
    json: Json = False,
    home: Home = None,
    no_input: NoInput = False,
) -> None:
    """Print the Intent that the words mean."""
    from halo_cli import intents, session
    from halo_cli.output import write_object
    from halo_engine.model.errors import InvalidInput
    from halo_engine.open_parse import words_reader

    if (text is None) == (jsonl is None):
        raise InvalidInput("Give either TEXT or --jsonl FILE.", hint='For example: halo parse "order two packs of paper towels"')
    settings = session.settings_of(home)
    read = words_reader(settings, session.clock_of(settings))
    if text is None:
        raise typer.Exit(_stream(jsonl or "-", read, settings))
    words = session.words(text, settings)
    fields = [field.strip() for field in requested.split(",") if field.strip()]
    # The Intent is an object either way; for people it is laid out.
    write_object(intents.read_one(read, {"text": words, "now": now, "tz": tz, "requested": fields}), indent=None if json else 2)


def _stream(source: str, read: Reader, settings: Settings) -> int:
    from contextlib import closing

    from halo_cli import intents
    from halo_cli.output import write_object

    good = True
    with closing(intents.read_lines(read, _opened(source), max_chars=settings.max_text_chars)) as answers:
        for answer in answers:
            good = good and "error" not in answer
            write_object(answer)
    return 0 if good else 2


def _opened(source: str) -> BinaryIO:
    import sys

    from halo_engine.model.errors import InvalidInput

    try:
        if source == "-":
            # Not `sys.stdin`: Python closes that when it leaves, and aborts while another thread still waits for a line of it.
            return open(sys.stdin.fileno(), "rb", closefd=False)
        return Path(source).open("rb")
    except OSError as error:
        raise InvalidInput(f"{source} cannot be read: {error.strerror}.") from error
