"""REORDER: what to buy again, and what words change about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from halo_engine.parsing.goods import Fields, is_same, read_basket
from halo_engine.parsing.marked_text import MarkedText
from halo_engine.parsing.names import known_name

_ARTICLE = re.compile(r"(?:the|our|my)\s+")


def read(marked: MarkedText, bundles: Sequence[str], today: date) -> Fields:
    """The params of a reorder."""
    name = _bundle(marked, bundles)
    source = "usual" if name or marked.of("usual") else "last"
    return {"source": source, "bundle": name, "changes": _changes(marked, today) or []}


def read_bundle(name: str) -> Fields:
    """The params of a saved bundle, ordered by nothing but its name."""
    return {"source": "usual", "bundle": name, "changes": []}


def change(marked: MarkedText, params: Fields, bundles: Sequence[str], today: date) -> Fields | None:
    """`params` with another bundle, or other lines in it; None where nothing of that was said."""
    changed = dict(params)
    if name := _bundle(marked, bundles):
        changed |= {"source": "usual", "bundle": name}
    new = _changes(marked, today)
    if new is None:
        return None
    kept = [line for line in params.get("changes") or () if not any(is_same(line["name"], other["name"]) for other in new)]
    changed["changes"] = [*kept, *new]
    return changed if changed != params else None


def only_bundle(marked: MarkedText, bundles: Sequence[str]) -> str | None:
    """The saved bundle that somebody orders by exactly its name. "Coffee filters" is none, and neither is "coffee under $20"."""
    if [span.type for span in marked.spans] not in (["item"], ["bundle"]):
        return None
    words = _ARTICLE.sub("", marked.spans[0].low)
    return next((name for name in bundles if name.casefold() == words), None)


def _bundle(marked: MarkedText, bundles: Sequence[str]) -> str | None:
    span = marked.one("bundle")
    return (known_name(span.words, bundles) or span.words[:200]) if span else None


def _changes(marked: MarkedText, today: date) -> list[Fields] | None:
    """Things left out, then things counted or added; None where a count makes no sense."""
    basket = read_basket(marked, today)
    gone = [{"name": span.words[:200], "quantity": 0} for span in marked.of("left_out", "replaced")]
    return [*gone, *(line.as_change() for line in basket.lines)] if basket.is_sane else None
