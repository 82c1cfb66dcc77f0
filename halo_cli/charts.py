"""Figures and small charts in block characters, for a terminal of 80 columns: they say the same without colour. `halo metrics` draws with it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from halo_engine.model.text import inert

NONE = "–"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = "▁▂▃▄▅▆▇█"
#: Of a scale of times, which is logarithmic: from 1 ms, so many cells to a power of ten.
_DECADE, DECADES = 3, 7


def bar(part: int, whole: int, *, width: int) -> Text:
    """`part` of `whole` as a bar. Where there is nothing of nothing, nothing is drawn; and whatever there is some of can be seen."""
    if whole <= 0:
        return Text(" " * width)
    eighths = min(8 * width, (8 * width * part + whole // 2) // whole)
    if part > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (_EIGHTHS[rest] if rest else "")
    return Text.assemble((drawn, "green"), ("░" * (width - len(drawn)), "dim"))


def span(p50_ms: int | None, p95_ms: int | None) -> Text:
    """Up to the median dark, on to p95 light, on the scale of `scale`."""
    width = _DECADE * DECADES
    if p50_ms is None or p95_ms is None:
        return Text(" " * width)
    dark = max(1, _place(p50_ms))
    light = max(0, _place(p95_ms) - dark)
    return Text.assemble(("█" * dark, "cyan"), ("▒" * light, "cyan"), " " * (width - dark - light))


def scale() -> Text:
    """What the places of `span` mean."""
    marks = "".join(set_cell_size(f"│{mark}", 2 * _DECADE) for mark in ("1ms", "100ms", "10s", "…"))
    return Text(marks[: _DECADE * DECADES].rstrip(), style="dim")


def _place(ms: int) -> int:
    """Where a time is on the scale: by its digits, and by how far it is to the next one."""
    cells = 0
    value = max(1, ms)
    while value >= 10:
        value //= 10
        cells += _DECADE
    # A third of a power of ten is about 2.15, two thirds 4.64.
    cells += 2 if value >= 5 else 1 if value >= 2 else 0
    return min(_DECADE * DECADES, cells)


def spark(values: Sequence[int]) -> Text:
    """One column a value, the highest of them full; a dot where there was nothing."""
    most = max(values, default=0)
    marks = ("·" if value <= 0 else _LEVELS[max(0, (8 * value + most - 1) // most - 1)] for value in values)
    text = Text()
    for mark in marks:
        text.append(mark, style="dim" if mark == "·" else "green")
    return text


def percent(permille: int | None) -> str:
    if permille is None:
        return NONE
    return "100%" if permille == 1000 else f"{permille // 10}.{permille % 10}%"


def signed_percent(basis_points: int | None) -> str:
    """Hundredths of a per cent, with a sign."""
    if basis_points is None:
        return NONE
    sign = "+" if basis_points > 0 else "−" if basis_points < 0 else "±"
    whole, part = divmod(abs(basis_points), 100)
    return f"{sign}{whole}.{part:02}%"


def hundredths(value: int | None) -> str:
    return NONE if value is None else f"{value // 100}.{value % 100:02}"


def duration(ms: int | None) -> str:
    """In the two units that say it."""
    if ms is None:
        return NONE
    if ms < 1000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms // 1000}.{ms % 1000 // 100} s"
    minutes, hours = ms // 60_000, ms // 3_600_000
    if hours < 1:
        return f"{minutes}m {ms // 1000 % 60}s"
    return f"{hours}h {minutes % 60}m" if hours < 48 else f"{hours // 24}d {hours % 24}h"


def left(text: str, width: int, style: str = "") -> Text:
    """`text`, made harmless, in a column."""
    shown = inert(text)
    return Text(set_cell_size(shown if cell_len(shown) <= width else f"{set_cell_size(shown, width - 1)}…", width), style=style)


def right(text: str, width: int, style: str = "") -> Text:
    return Text(text.rjust(width), style=style)


def line(*cells: Text | str) -> Text:
    """Cells side by side, one space apart."""
    return Text(" ").join(cell if isinstance(cell, Text) else Text(cell) for cell in cells)
