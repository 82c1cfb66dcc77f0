"""Reading words: whatever the parser says, only what the verbs' own forms allow gets through."""

from __future__ import annotations

from typing import Any

import pytest

from halo_engine.model.errors import InvalidInput
from halo_engine.model.intent import UNSUPPORTED, Intent
from halo_engine.parsing.fallback import Plain
from halo_engine.parsing.parser import ParseContext
from halo_engine.stages.parse import Parse, storable
from halo_engine.verbs import VERBS
from tests.installation import NOON

CONTEXT = ParseContext(now=NOON, zone="America/New_York")


class Says:
    """A parser in the hands of an attacker: it answers whatever it is told to."""

    name = "says"

    def __init__(self, **intent: Any) -> None:
        self._intent = Intent(**({"confidence": 1.0} | intent))

    def parse(self, text: str, context: ParseContext) -> Intent:
        return self._intent


def read(parser: Says, text: str = "words") -> Intent:
    return Parse(Plain(parser), VERBS, max_text_chars=1000, minimum_confidence=0.5).read(text, CONTEXT)


class TestReading:
    @pytest.mark.parametrize("text", ["", "   ", "\n\t"])
    def test_nothing_is_refused(self, text: str) -> None:
        """No words are no wish."""
        with pytest.raises(InvalidInput):
            read(Says(verb="ORDER"), text)

    def test_far_too_much_is_refused(self) -> None:
        """There is an end to what is read."""
        with pytest.raises(InvalidInput, match=r"1,000 characters"):
            read(Says(verb="ORDER"), "x" * 1001)

    def test_fills_in_what_is_missing(self) -> None:
        """A verb says which of its fields no words have filled."""
        assert read(Says(verb="CANCEL", params={})).missing_fields == ("subscription",)

    def test_a_guess_is_not_a_request(self) -> None:
        """Below the household's threshold nothing is drafted."""
        assert read(Says(verb="CANCEL", params={"subscription": "gym"}, confidence=0.49)).verb == UNSUPPORTED

    @pytest.mark.parametrize(
        "intent",
        [
            {"verb": "TRANSFER", "params": {"to": "me", "amount": 10**6}},
            {"verb": "CONFIRM", "params": {}},
            {"verb": "ORDER", "params": {"items": [{"name": "tv", "quantity": 10**9}]}},
            {"verb": "ORDER", "params": {"items": [{"name": "tv", "payee": "mallory"}]}},
            {"verb": "ORDER", "params": {"items": [{"name": "x" * 10_000}]}},
            {"verb": "ORDER", "params": {"items": [{"name": "tv", "quantity": True}]}},
            {"verb": "BOOK", "params": {"date": "2026-02-30"}},
            {"verb": "BOOK", "params": {"party_size": -1}},
        ],
    )
    def test_what_no_verb_knows_is_unsupported(self, intent: dict[str, Any]) -> None:
        """A model can fill the form and nothing else: no other verb, no other field, no absurd amount."""
        assert read(Says(**intent)).verb == UNSUPPORTED


class TestStorable:
    def test_keeps_every_character_that_can_be_kept(self) -> None:
        """Only a zero byte and half a surrogate pair are replaced, one for one."""
        assert storable("a\x00b\ud800c\x1b[31m é 🙂") == "a�b�c\x1b[31m é 🙂"
