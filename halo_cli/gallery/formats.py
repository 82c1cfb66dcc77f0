"""The formats a card of the gallery is drawn in, each by its renderer, and the end of its files' names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cards import html, imessage, png, svg, text
from halo_cli.gallery.lives import Drawn

#: Columns of a terminal where none is there to be asked.
WIDTH = 80


@dataclass(frozen=True)
class Format:
    """One format: its files by the end of their names. One with `lines` can be printed, a card after the other; the others are whole files."""

    draw: Callable[[Drawn], Mapping[str, bytes]]
    #: For stdout, in so many columns.
    lines: Callable[[Drawn, int], str] | None = None
    is_json: bool = False


def _terminal(drawn: Drawn, width: int) -> str:
    """As a terminal with every colour shows it, whatever this process has been told about its own."""
    import io

    from rich.console import Console

    from cards import terminal

    console = Console(
        file=io.StringIO(), width=width, force_terminal=True, color_system="truecolor", legacy_windows=False, _environ={}, highlight=False
    )
    with console.capture() as captured:
        console.print(terminal.render(drawn.card, width=width))
    return captured.get()


def bubble(drawn: Drawn) -> Mapping[str, Any]:
    """The card as iMessage's bubble, without a picture."""
    return imessage.render(drawn.card, url=drawn.url)


def messages(drawn: Drawn) -> Mapping[str, Any]:
    """The card as Messages for Business gets it. A reply to it would echo a piece of its hash."""
    return {"messages": imessage.business(drawn.card, request_identifier=drawn.card.hash[:32], url=drawn.url)}


def _pictures(drawn: Drawn) -> Iterator[tuple[str, bytes]]:
    yield "@2x.png", png.render(drawn.card, scale=2)
    yield "@3x.png", png.render(drawn.card, scale=3)


def _drawings(drawn: Drawn) -> Iterator[tuple[str, bytes]]:
    yield ".svg", svg.render(drawn.card, theme="light").encode()
    yield ".dark.svg", svg.render(drawn.card, theme="dark").encode()


def _json(value: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(value, ensure_ascii=False, indent=2)}\n".encode()


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "terminal": Format(lambda drawn: {".ansi": _terminal(drawn, WIDTH).encode()}, lines=_terminal),
        "text": Format(
            lambda drawn: {".txt": f"{text.render(drawn.card)}\n".encode()}, lines=lambda drawn, _: f"{text.render(drawn.card)}\n"
        ),
        "imessage": Format(lambda drawn: {".json": _json(bubble(drawn))}, lines=lambda drawn, _: json.dumps(bubble(drawn)), is_json=True),
        "business": Format(
            lambda drawn: {".business.json": _json(messages(drawn))}, lines=lambda drawn, _: json.dumps(messages(drawn)), is_json=True
        ),
        "svg": Format(lambda drawn: dict(_drawings(drawn))),
        "png": Format(lambda drawn: dict(_pictures(drawn))),
        "html": Format(lambda drawn: {".html": html.render(drawn.card).encode()}),
    }
)
