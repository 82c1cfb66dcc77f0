"""The offline parser as it ships: how much of what people type it understands, and that nothing anybody can send makes it fail."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_cli import evaluation
from halo_cli.evaluation import Report
from halo_engine.model.intent import UNSUPPORTED
from halo_engine.parsing.offline import OfflineParser
from halo_engine.parsing.parser import finish
from halo_engine.verbs import VERBS
from tests.halo_engine.parsing.samples import context, said

PARSER = OfflineParser(tuple(verb.spec for verb in VERBS.values()))


@cache
def _report() -> Report:
    """Every shipped request, read as `halo eval` reads it."""
    return evaluation.run(evaluation.cases(()), PARSER.parse)


class TestTheShippedCases:
    def test_are_many(self) -> None:
        """Figures on a handful mean nothing."""
        assert len(_report().outcomes) >= 600

    def test_have_the_right_verb(self) -> None:
        """Of all that is typed."""
        assert _report().verb_right >= 0.97

    def test_are_wholly_understood(self) -> None:
        """Every field, exactly, of household commands."""
        asked = Report(tuple(outcome for outcome in _report().outcomes if outcome.case.verb != UNSUPPORTED))
        assert asked.right >= 0.85

    @pytest.mark.parametrize("which", ["injections", "languages"])
    def test_that_only_look_like_requests_are_none(self, which: str) -> None:
        """A command in another's words, and one in a language that Halo does not read."""
        acted = [outcome.case.text for outcome in _report().harms(evaluation.ACTED) if outcome.case.set == which]
        assert acted == []

    def test_have_entities_that_are_words_of_the_text(self) -> None:
        """Offsets count in the text as given."""
        for outcome in _report().outcomes:
            for entity in outcome.said.entities:
                assert outcome.case.text[entity.start : entity.end] == entity.text

    def test_mean_the_same_to_many_at_once(self) -> None:
        """A text's answer does not depend on what is read beside it."""
        cases = [outcome.case for outcome in _report().outcomes[:120]]
        with ThreadPoolExecutor(4) as pool:
            at_once = list(pool.map(lambda case: PARSER.parse(case.text, case.context), cases))
        assert at_once == [outcome.said for outcome in _report().outcomes[:120]]


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
        assert intent == finish(intent, PARSER._specs)

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

    def test_that_comes_to_the_point_at_its_end_is_understood(self) -> None:
        """A long story first, and what is wanted last."""
        story = "We had a long day at the lake with the kids and the dog, and everybody was tired and happy when we came home. " * 6
        intent = PARSER.parse(story + "Please order 2 packs of AA batteries.", context())
        assert said(intent.params) == {"items": [{"name": "AA batteries", "quantity": 2}]}
        assert all(entity.start >= len(story) for entity in intent.entities)

    def test_that_is_too_long_says_what_it_left(self) -> None:
        """An order that goes on for pages is read from its start, and the rest is not silently lost."""
        story = "We are out of it since the weekend, and the children have had their cereal dry for two days now. "
        intent = PARSER.parse("Order milk. " + story * 60, context())
        assert said(intent.params) == {"items": [{"name": "milk", "quantity": 1}]}
        assert intent.remainder is not None


class TestAPlace:
    def test_ends_where_the_day_begins(self) -> None:
        """In capitals and without commas."""
        intent = PARSER.parse("BOOK NOPA TMRW 7PM 4 PPL!!!", context())
        assert (intent.params["venue"], intent.params["date"]) == ("NOPA", "2026-03-05")
        assert [entity.text for entity in intent.entities] == ["NOPA", "TMRW", "7PM", "4 PPL"]


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
