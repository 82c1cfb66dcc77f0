"""A code as a picture in the terminal, for a phone's camera: two modules a character, so that it fits into 80 by 24."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from halo_cli.output import terminal
from halo_engine.model.errors import InvalidInput
from halo_engine.model.text import inert

if TYPE_CHECKING:
    from rich.console import Console

#: Of light around it, in modules. The standard's four are for print; cameras find it on a screen with two.
_QUIET = 2
#: By whether the upper and the lower module are light.
_HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
_GAP = "   "
#: Words beside it in a narrower column would be a ladder.
_LEAST_ROOM = 30


def address(url: str) -> str:
    """Where a server is, for whoever reads the picture. Raises `InvalidInput`."""
    if len(url) > 200 or not re.fullmatch(r"https?://[A-Za-z0-9.\-_\[\]:]+(?:/[A-Za-z0-9.\-_~/]*)?", url):
        raise InvalidInput("That is no address of a server.", hint="Give one such as https://halo.example.net, or http://192.168.1.5:8080.")
    return url.rstrip("/")


def lines_of(text: str) -> tuple[str, ...]:
    """The picture of `text`: light modules are drawn, dark ones are left out."""
    import segno

    rows = [[not dark for dark in row] for row in segno.make(text, error="l", micro=False).matrix_iter(border=_QUIET)]
    # Below an odd last row there is light, too.
    pairs = zip(rows[::2], [*rows[1::2], [True] * len(rows[0])], strict=False)
    return tuple("".join(_HALVES[halves] for halves in zip(*pair, strict=True)) for pair in pairs)


def show(text: str, beside: Sequence[str]) -> bool:
    """Draw it on stderr with words at its right; False where there is no terminal to draw on, or too small a one."""
    console = terminal(sys.stderr)
    if console is None or "utf" not in (sys.stderr.encoding or "").lower():
        return False
    drawn = lines_of(text)
    # The code, what to do with it, and the next prompt.
    room = console.width - len(drawn[0]) - len(_GAP) - 1
    words = [line for each in beside for line in wrap(inert(each), max(room, 1)) or [""]]
    is_room = console.height >= len(drawn) + 3 and room >= _LEAST_ROOM and len(words) <= len(drawn)
    if is_room:
        _draw(console, drawn, words)
    return is_room


def _draw(console: Console, drawn: Sequence[str], beside: Sequence[str]) -> None:
    from rich.style import Style
    from rich.text import Text

    # Its own colours whatever the terminal's are: a picture in its negative is not read by every camera.
    style, first = Style(color="#ffffff", bgcolor="#000000"), (len(drawn) - len(beside)) // 2
    for at, row in enumerate(drawn):
        line = Text(row, style=style, no_wrap=True)
        if 0 <= at - first < len(beside):
            line.append(_GAP + beside[at - first], style=Style.null())
        console.print(line)
