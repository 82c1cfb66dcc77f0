"""What to buy again, and what to change about it."""

from __future__ import annotations

import re
from typing import Any

from halo_engine.parsing.orders import read_items
from halo_engine.parsing.page import Page

_BUT = re.compile(
    r"\b(?:but|except|only|plus|and\s+add|with(?=\s+(?:[0-9]|no\b|one|two|three|four|five|six|an?\s+extra))|without|minus|skip|no)\b|[;:]"
)
_NO = re.compile(
    r"\b(?:without|no|minus|except(?:\s+for)?|skip|drop|leave\s+out|not\s+the|remove|take\s+off|delete)\s+(?:any\s+|the\s+|my\s+|our\s+)*(?P<name>[^\0,;.\n]{1,60}?)(?=\s*(?:[\0,;.\n]|$|\b(?:and|but|plus|this\s+time|please)\b))"
)
_WASTE = re.compile(
    r"\b(?:the|my|our|usual|usuals|order|orders|again|please|same|last|previous|time|thing|things|stuff\s+as|as|from|for\s+(?:me|us)|bundle|one|items|it|that|them|everything|"
    r"most\s+recent|recent|week|month|this|thanks|of|now|before|like|on\s+amazon|amazon|list|yesterday)\b"
)


def read_reorder(page: Page, bundles: tuple[str, ...]) -> dict[str, Any]:
    """The params of a reorder on `page`, whose own verb words are already taken."""
    changes = take_changes(page)
    known = known_name(page, bundles, "bundle")
    bundle = known or _bundle(page)
    usual = bool(bundle) or "usual" in page.low
    return {"source": "usual" if usual else "last", "bundle": bundle, "changes": changes}


def take_changes(page: Page) -> list[dict[str, Any]]:
    """Other quantities ("but 3 paper towels"), things left out ("no eggs") and things added, taken off the page."""
    but = _BUT.search(page.low)
    if not but:
        return []
    changes = take_left_out(page)
    tail = Page(page.text)
    start = but.end() if but[0] not in ("without", "minus", "skip", "no") else but.start()
    tail.low = page.low
    tail.keep(start, len(page.low))
    added = [{"name": item["name"], "quantity": item["quantity"]} for item in read_items(tail)]
    for entity in tail.entities:
        page.note(entity.type, entity.start, entity.end)
    page.keep(0, but.start())
    return [*changes, *added]


def take_left_out(page: Page) -> list[dict[str, Any]]:
    """Things the words leave out, with quantity zero."""
    left_out = []
    for match in list(_NO.finditer(page.low)):
        left_out.append({"name": page.words(match.start("name"), match.end("name")), "quantity": 0})
        page.take("item", match.start("name"), match.end("name"))
        page.blank(match.start(), match.end())
    return [change for change in left_out if change["name"]]


def known_name(page: Page, names: tuple[str, ...], kind: str) -> str | None:
    """The first of the household's own `names` in the words, as the household spells it."""
    patterns = ((name, re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", page.low)) for name in names if name.strip())
    found = [(match.start(), -match.end(), name) for name, match in patterns if match]
    if not found:
        return None
    start, end, name = min(found)
    page.take(kind, start, -end)
    return name


def _bundle(page: Page) -> str | None:
    for match in list(_WASTE.finditer(page.low)):
        words = match[0]
        # "usual" stays on the page as a sign of where to look; nothing else is read after this.
        page.low = page.low[: match.start()] + (words if words.startswith("usual") else "\0" * len(words)) + page.low[match.end() :]
    named = re.search(r"[^\0\s.,;:!?](?:[^\0.,;:!?\n]*[^\0\s.,;:!?])?", page.low.replace("usual", "\0" * 5))
    if not named or not re.search(r"[^\W\d_]{2}", named[0]):
        return None
    page.note("bundle", named.start(), named.end())
    return page.words(named.start(), named.end())[:200]
