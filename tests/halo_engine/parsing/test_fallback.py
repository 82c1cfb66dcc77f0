from __future__ import annotations

import pytest

from halo_engine.model.errors import ParserFailed
from halo_engine.model.intent import Intent
from halo_engine.model.reading import Reading, Spoke
from halo_engine.parsing.fallback import Plain, Unread, WithFallback
from halo_engine.parsing.parser import ParseContext, Parser
from tests.halo_engine.parsing.samples import context


class _Offline:
    name = "offline"

    def parse(self, text: str, context: ParseContext) -> Intent:
        return Intent(verb="CANCEL", confidence=0.9)


class _Down:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, text: str, context: ParseContext) -> Reading:
        raise self._error


def _failure() -> Unread:
    error = Unread("late", "The language model did not answer.")
    error.spoke = Spoke(parser="openai", latency_ms=5, model="tiny", prompt_tokens=7, attempts=3)
    return error


class TestWithFallback:
    def test_lets_the_other_answer_and_says_why(self) -> None:
        """Who spoke, why it was not the one that was asked, and what that one cost."""
        reading = WithFallback(_Down(_failure()), _Offline).read("cancel streamly", context())
        assert reading.intent.verb == "CANCEL"
        spoke = reading.spoke
        assert (spoke.parser, spoke.fallback_reason, spoke.model, spoke.prompt_tokens, spoke.attempts) == ("offline", "late", "tiny", 7, 3)

    def test_makes_the_other_only_when_it_is_needed_and_once(self) -> None:
        """It takes a third of a second to load."""
        made: list[Parser] = []

        def make() -> Parser:
            made.append(_Offline())
            return made[-1]

        reader = WithFallback(_Down(_failure()), make)
        assert made == []
        reader.read("a", context())
        reader.read("b", context())
        assert len(made) == 1

    def test_leaves_a_good_answer_alone(self) -> None:
        """No second opinion."""
        reader = WithFallback(Plain(_Offline()), lambda: pytest.fail("nobody else was to be asked"))
        spoke = reader.read("a", context()).spoke
        assert (spoke.parser, spoke.fallback_reason) == ("offline", None)

    def test_hides_no_bug(self) -> None:
        """Only a failure to read is answered by the other."""
        with pytest.raises(ZeroDivisionError):
            WithFallback(_Down(ZeroDivisionError()), _Offline).read("a", context())


class TestPlain:
    def test_times_a_parser_that_says_nothing_of_itself(self) -> None:
        """In milliseconds, under its own name."""
        ticks = iter((1.0, 1.25))
        spoke = Plain(_Offline(), monotonic=lambda: next(ticks)).read("a", context()).spoke
        assert (spoke.parser, spoke.latency_ms, spoke.model) == ("offline", 250, None)


class TestUnread:
    def test_is_the_failure_that_programs_know(self) -> None:
        """Its code is that of every parser's failure."""
        assert isinstance(_failure(), ParserFailed)
        assert _failure().code == "parser_failed"
