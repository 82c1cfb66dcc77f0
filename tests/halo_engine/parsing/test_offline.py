from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.model.intent import UNSUPPORTED, Intent
from halo_engine.parsing.offline import OfflineParser
from halo_engine.parsing.parser import GUESS, ParseContext, finish
from tests.halo_engine.parsing.samples import SPECS, context, said

UTTERANCES = Path(__file__).parents[3] / "fixtures" / "utterances"
PARSER = OfflineParser(SPECS)

_REQUESTS = ("order", "reorder", "cancel", "book", "unsupported", "changes", "known")


def _cases() -> list[Any]:
    cases = []
    for name in _REQUESTS:
        document = yaml.safe_load((UTTERANCES / f"{name}.yaml").read_text(encoding="utf-8"))
        shared = {key: value for key, value in document.items() if key != "cases"}
        cases += [pytest.param(shared | case, id=f"{name}: {case['text']}") for case in document["cases"]]
    return cases


def _context_of(case: dict[str, Any]) -> ParseContext:
    current = case.get("current")
    return ParseContext(
        now=datetime.fromisoformat(case["now"]),
        zone=case["zone"],
        requested=tuple(case.get("requested", ())),
        current=finish(Intent(verb=current["verb"], confidence=1, params=current["params"]), SPECS) if current else None,
        subscriptions=tuple(case.get("subscriptions", ())),
        bundles=tuple(case.get("bundles", ())),
    )


class TestUtterances:
    @pytest.mark.parametrize("case", _cases())
    def test_mean_what_they_say(self, case: dict[str, Any]) -> None:
        """Every shipped utterance has its verb, params, missing fields and remainder."""
        context = _context_of(case)
        intent = PARSER.parse(case["text"], context)
        assert intent.verb == case["verb"]
        if case.get("understood") is False:
            assert context.current is not None
            assert intent.confidence < GUESS
            assert intent.params == context.current.params
        else:
            assert said(intent.params) == case.get("params", {})
            assert intent.confidence >= GUESS
            assert intent.remainder == case.get("remainder")
            assert "missing" not in case or list(intent.missing_fields) == case["missing"]

    @pytest.mark.parametrize("case", _cases())
    def test_have_entities_that_are_words_of_the_text(self, case: dict[str, Any]) -> None:
        """Offsets count in the text as given."""
        for entity in PARSER.parse(case["text"], _context_of(case)).entities:
            assert case["text"][entity.start : entity.end] == entity.text


_PIECES = (
    "order|cancel|book|reorder|a|12 pack|of|for|at|7|7:30pm|next friday|under $40|by|and|,|.|\n|\0|🍕|İ|\ud800|\u202e|\x1b[2J|ß|٣|3/7|march|31|"
    "subscription|the|usual|but|no|two|dozen|milk|table|(|x3"
)
_WORDS = st.sampled_from(_PIECES.split("|"))
_SENTENCES = st.one_of(st.text(), st.lists(_WORDS, max_size=25).map(" ".join))
_CURRENTS = st.sampled_from(
    [None, "order milk and 2 eggs", "reorder the usual", "cancel streamly", "book a table for two at Nopa tomorrow at 7"]
)
_ASKED = st.lists(
    st.sampled_from(["items", "subscription", "place", "party_size", "date", "time", "first_name", "last_name", "odd"]), max_size=3
)


class TestAnyText:
    @given(text=_SENTENCES, current=_CURRENTS, asked=_ASKED)
    def test_is_read_without_raising_and_with_exact_offsets(self, text: str, current: str | None, asked: list[str]) -> None:
        """Nothing a person can send makes the parser fail, and every entity is the text between its offsets."""
        standing = PARSER.parse(current, context()) if current else None
        intent = PARSER.parse(text, context(current=standing, requested=tuple(asked)))
        assert all(text[entity.start : entity.end] == entity.text for entity in intent.entities)
        assert standing is None or intent.verb == standing.verb
        assert intent == finish(intent, SPECS)

    @pytest.mark.parametrize(
        "text",
        [
            "a" * 1_000_000,
            " " * 1_000_000,
            "order " * 200_000,
            "order " + "a " * 500_000,
            "order " + "1" * 1_000_000,
            "order " + "a, " * 300_000,
            "please " * 150_000 + "order milk",
            "book " + "for " * 250_000,
            "book a table at " + "a." * 500_000,
            "book a table " + "between 7 and " * 70_000,
            "cancel " + "my " * 300_000,
            "reorder the usual but " + "no " * 300_000,
            "\0" * 1_000_000,
            "🍕" * 250_000,
            "\n" * 1_000_000,
            "order milk" + "!" * 1_000_000,
            "order " + "two dozen " * 100_000,
            "order milk under " + "$1,000" * 150_000,
        ],
        ids=lambda text: repr(text[:24]),
    )
    def test_of_a_megabyte_returns(self, text: str) -> None:
        """Only the first couple of thousand characters are read, and no pattern runs away on them."""
        assert PARSER.parse(text, context()).verb

    def test_that_only_mentions_a_command_deep_inside_is_not_a_request(self) -> None:
        """A page with a command in it is not a command."""
        page = "Thank you for your letter. " * 100 + "Order milk. " + "Kind regards. " * 100
        assert PARSER.parse(page, context()).verb == UNSUPPORTED

    def test_that_is_too_long_says_what_it_left(self) -> None:
        """An order that goes on for pages is read from its start, and the rest is not silently lost."""
        intent = PARSER.parse("order milk. " + "And a story follows. " * 500, context())
        assert said(intent.params) == {"items": [{"name": "milk", "quantity": 1}]}
        assert intent.remainder is not None


class TestTheHousehold:
    def test_reads_days_in_its_own_zone(self) -> None:
        """Tomorrow in Auckland is another day than in California at the same moment."""
        there = PARSER.parse("book nopa tomorrow at 7 for 2", context(zone="Pacific/Auckland"))
        here = PARSER.parse("book nopa tomorrow at 7 for 2", context())
        assert (there.params["date"], here.params["date"]) == ("2026-03-06", "2026-03-05")

    def test_must_have_a_real_zone(self) -> None:
        """A zone that does not exist, or a path in its place, is refused."""
        for zone in ("Mars/Olympus", "../../etc/passwd", ""):
            with pytest.raises(ValueError, match="zone"):
                context(zone=zone)

    def test_must_say_its_time_with_an_offset(self) -> None:
        """A time without a zone could be any of twenty-four."""
        with pytest.raises(ValueError, match="timezone"):
            context(now=datetime(2026, 3, 4))  # noqa: DTZ001  naive on purpose
