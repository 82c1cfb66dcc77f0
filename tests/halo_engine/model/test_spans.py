"""Which words gave which field."""

from __future__ import annotations

from typing import Any

from halo_engine.model.intent import Entity, Intent
from halo_engine.model.spans import spans_of, unsaid


def entity(text: str, said: str, kind: str) -> Entity:
    start = text.index(said)
    return Entity(type=kind, text=said, start=start, end=start + len(said))


def fields(text: str, params: dict[str, Any], *given: tuple[str, str]) -> dict[str, tuple[str, str]]:
    """The field and value of each of the words."""
    intent = Intent(verb="ORDER", confidence=1.0, entities=tuple(entity(text, said, kind) for said, kind in given), params=params)
    return {span.text: (span.field, span.value) for span in spans_of(text, intent)}


class TestSpans:
    def test_name_the_thing_that_a_count_belongs_to(self) -> None:
        """Of several things in one sentence."""
        params = {
            "items": [
                {"name": "paper towels", "quantity": 2, "attributes": []},
                {"name": "dish soap", "quantity": 3, "attributes": ["lemon"]},
            ]
        }
        given = (("2", "quantity"), ("paper towels", "item"), ("3", "quantity"), ("lemon", "attribute"), ("dish soap", "item"))
        assert fields("2 paper towels and 3 lemon dish soap", params, *given) == {
            "2": ("items[1].quantity", "2"),
            "paper towels": ("items[1].name", "paper towels"),
            "3": ("items[2].quantity", "3"),
            "lemon": ("items[2].attributes", "lemon"),
            "dish soap": ("items[2].name", "dish soap"),
        }

    def test_give_simple_fields_with_what_they_came_to(self) -> None:
        """A day of the week became a date."""
        params = {"venue": "Nopa", "date": "2026-03-06", "party_size": 4, "time": None}
        given = (("Nopa", "venue"), ("friday", "date"), ("4", "people"))
        assert fields("book Nopa friday for 4", params, *given) == {
            "Nopa": ("venue", "Nopa"),
            "friday": ("date", "2026-03-06"),
            "4": ("party_size", "4"),
        }

    def test_claim_nothing_they_cannot_tell(self) -> None:
        """An unknown type, an empty field, a thing that is in no list, and words that do not stand where they should."""
        assert fields("a lot of this", {"items": []}, ("lot", "mystery"), ("this", "item")) == {"lot": ("", ""), "this": ("", "")}
        elsewhere = Intent(verb="ORDER", confidence=1.0, entities=(Entity(type="item", text="soap", start=0, end=4),))
        assert spans_of("erased", elsewhere) == spans_of("", elsewhere) == ()


class TestUnsaid:
    def test_are_the_fields_that_nobody_spoke_of(self) -> None:
        """And that are filled all the same."""
        text = "reorder paper towels"
        params = {"source": "last", "changes": [], "bundle": None, "items": [{"name": "paper towels", "quantity": 1}]}
        intent = Intent(verb="REORDER", confidence=1.0, entities=(entity(text, "paper towels", "item"),), params=params)
        assert unsaid(intent, spans_of(text, intent)) == (("source", "last"),)
