"""Third-party sets as examples: CLINC150, HWU64, SLURP, SNIPS, Home Assistant, NLU++, Taskmaster-4, WebShop, RESTAURANTS-8K.

Only training and development parts are read, from a folder that is named on the command line; none of them is in this project. What a
set does not label is not learnt from it. NOTICE beside the model names the sets and their licences.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halo_engine.model.intent import UNSUPPORTED
from halo_engine.parsing.labels import SPAN_TYPES
from halo_engine.parsing.training.examples import Example, Span, is_held_back
from halo_engine.parsing.values.dates import read_day
from halo_engine.parsing.values.times import read_time

_NOTHING: frozenset[str] = frozenset()
_TABLE_SLOTS = frozenset({"people", "date", "time", "first_name", "last_name"})

_CLINC = {"order": "ORDER", "restaurant_reservation": "BOOK", "schedule_maintenance": "BOOK"}
_CLINC_REPLIES = {"yes": "confirm", "no": "cancel", "maybe": "unsure"}
_HOME = {"takeaway_order": "ORDER"}

#: Percent of a set's training part that is kept for development where it has no part of its own.
_HELD = 12


@dataclass(frozen=True)
class Parts:
    """Examples to learn from, and those that only measure."""

    train: list[Example]
    development: list[Example]


def read_all(folder: Path) -> Parts:
    """Every set in `folder`, the files named as in the list below. Raises FileNotFoundError for one that is missing."""
    train: list[Example] = []
    development: list[Example] = []
    for name, read, part in _FILES:
        rows = (json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines())
        for example in read(rows, name.split(".")[0]):
            held = part == "dev" or (part == "both" and is_held_back(example.text, _HELD))
            (development if held else train).append(example)
    return Parts(train, development)


def _clinc(rows: Iterator[Any], source: str) -> Iterator[Example]:
    for row in rows:
        intent = row["intent"]
        verb = _CLINC.get(intent, UNSUPPORTED)
        reply = _CLINC_REPLIES.get(intent)
        yield Example(row["text"], f"{source}.{intent}", verb, annotated=_NOTHING, reply=reply)


def _at_home(rows: Iterator[Any], source: str) -> Iterator[Example]:
    for row in rows:
        yield Example(row["text"], f"{source}.{row['intent']}", _HOME.get(row["intent"], UNSUPPORTED), annotated=_NOTHING)


_SNIPS_SLOTS = {
    "party_size_number": "people",
    "party_size_description": "people",
    "restaurant_name": "venue",
    "city": "location",
    "state": "location",
    "country": "location",
    "poi": "location",
}


def _snips(rows: Iterator[Any], source: str) -> Iterator[Example]:
    for number, row in enumerate(rows):
        if row["intent"] != "BookRestaurant":
            # Six of seven are about something else; a fifth of them says as much.
            if number % 5 == 0:
                yield Example(" ".join(row["tokens"]), f"{source}.{row['intent']}", UNSUPPORTED, annotated=_NOTHING)
            continue
        yield _snips_booking(row["tokens"], row["tags"], source)


def _snips_booking(tokens: list[str], tags: list[str], source: str) -> Example:
    spans: list[Span] = []
    annotated = set(SPAN_TYPES)
    if any("restaurant_type" in tag or "cuisine" in tag or "served_dish" in tag for tag in tags):
        # Whether "an italian restaurant" is a place is not labelled here.
        annotated -= {"venue"}
    for slot, start, end in _tagged(tokens, tags):
        words = " ".join(tokens)[start:end]
        kind = _SNIPS_SLOTS.get(slot) or (_when(words) if slot == "timeRange" else None)
        if kind:
            spans.append(Span(kind, start, end))
        elif slot == "timeRange":
            annotated -= {"date", "time"}
    return Example(" ".join(tokens), f"{source}.BookRestaurant", "BOOK", tuple(_merged(spans)), frozenset(annotated))


def _tagged(tokens: list[str], tags: list[str]) -> Iterator[tuple[str, int, int]]:
    at, slot, start, end = 0, "", 0, 0
    for token, tag in zip([*tokens, ""], [*tags, "O"], strict=True):
        if slot and not tag.startswith("I-"):
            yield slot, start, end
            slot = ""
        if tag.startswith("B-"):
            slot, start = tag[2:], at
        end, at = at + len(token), at + len(token) + 1


def _when(words: str) -> str | None:
    """Whether these words are a day or a time; None where they are both, or neither that is understood."""
    from datetime import date

    day, time = read_day(words, date(2026, 3, 4)), read_time(words, "table")
    return "date" if day and not time else "time" if time and not day else None


def _merged(spans: list[Span]) -> Iterator[Span]:
    """ "beauregard delaware" is one location, not a city and a state."""
    last: Span | None = None
    for span in sorted(spans, key=lambda span: span.start):
        if last and last.type == span.type == "location" and span.start == last.end + 1:
            last = Span("location", last.start, span.end)
            continue
        if last:
            yield last
        last = span
    if last:
        yield last


def _restaurants(rows: Iterator[Any], source: str) -> Iterator[Example]:
    for row in rows:
        spans = tuple(Span(span["slot"], span["start"], span["end"]) for span in row["spans"])
        requested = tuple(dict.fromkeys(row["requested"]))
        # An answer that names what was asked for belongs to the booking. What the other turns want is not labelled.
        verb = "BOOK" if requested and spans else None
        yield Example(row["text"], source, verb, spans, _TABLE_SLOTS, requested)


def _taskmaster(rows: Iterator[Any], source: str) -> Iterator[Example]:
    seen: set[str] = set()
    for row in rows:
        calls = {call[0] for call in row["api_calls"]}
        if row["text"].lower() in seen:
            continue
        seen.add(row["text"].lower())
        if "add_order_item" in calls and row["index"] == 0:
            yield Example(row["text"], f"{source}.order", "ORDER", annotated=_NOTHING)
        elif calls == {"finish_order"}:
            yield Example(row["text"], f"{source}.yes", UNSUPPORTED, annotated=_NOTHING, reply="confirm")
        elif calls == {"get_menu_items"} and row["text"].rstrip().endswith("?") and row["text"].lower().startswith(("what", "how", "do ")):
            yield Example(row["text"], f"{source}.question", UNSUPPORTED, annotated=_NOTHING)


def _webshop(rows: Iterator[Any], source: str) -> Iterator[Example]:
    for number, row in enumerate(rows):
        if number % 6 == 0:
            yield Example(row["text"], source, "ORDER", annotated=_NOTHING)


def _nlupp(rows: Iterator[Any], source: str) -> Iterator[Example]:
    for row in rows:
        if row["domain"] == "banking":
            yield Example(row["text"], f"{source}.banking", UNSUPPORTED, annotated=_NOTHING)


_FILES: tuple[tuple[str, Callable[[Iterator[Any], str], Iterator[Example]], str], ...] = (
    ("clinc150.train", _clinc, "train"),
    ("clinc150.oos_train", _clinc, "train"),
    ("clinc150.val", _clinc, "dev"),
    ("clinc150.oos_val", _clinc, "dev"),
    ("hwu64.train", _at_home, "train"),
    ("hwu64.valid", _at_home, "dev"),
    ("slurp.devel", _at_home, "dev"),
    ("home_assistant.half", _at_home, "both"),
    ("snips.train", _snips, "train"),
    ("snips.valid", _snips, "dev"),
    ("restaurants8k.train", _restaurants, "both"),
    ("taskmaster4.user_turns", _taskmaster, "both"),
    ("webshop_goals", _webshop, "both"),
    ("nlupp.folds0-14", _nlupp, "both"),
)
