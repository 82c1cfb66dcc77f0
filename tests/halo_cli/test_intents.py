"""Requests to `halo parse`, one at a time and as a stream."""

from __future__ import annotations

import io
import json
import threading
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from halo_cli import intents
from halo_cli.intents import read_lines, read_one
from halo_engine.model.errors import InvalidInput
from halo_engine.model.intent import Intent


def echo(text: str, **given: Any) -> Intent:
    """A reader that says back what it was given."""
    return Intent(verb="ECHO", confidence=1.0, params={"text": text, **given})


class TestOne:
    def test_needs_only_the_text(self) -> None:
        assert read_one(echo, {"text": "hi"})["params"] == {"text": "hi", "now": None, "zone": None, "requested": []}

    def test_reads_a_moment_without_offset_in_the_zone(self) -> None:
        seen: list[Any] = []

        def keep(text: str, **given: Any) -> Intent:
            seen.append(given)
            return echo(text)

        read_one(keep, {"text": "x", "now": "2026-03-06T18:00:00", "tz": "America/New_York", "requested": ["time"]})
        read_one(keep, {"text": "x", "now": "2026-03-06T18:00:00Z"})
        assert seen[0] == {
            "now": datetime(2026, 3, 6, 18, tzinfo=ZoneInfo("America/New_York")),
            "zone": "America/New_York",
            "requested": ("time",),
        }
        assert seen[1]["now"] == datetime(2026, 3, 6, 18, tzinfo=UTC)

    @pytest.mark.parametrize(
        "asked",
        [
            {},
            {"text": None},
            {"text": 7},
            {"text": "x", "tz": "Mars/Olympus"},
            {"text": "x", "tz": "../../etc/passwd"},
            {"text": "x", "tz": ""},
            {"text": "x", "tz": "\ud800"},
            {"text": "x", "now": "yesterday"},
            {"text": "x", "now": "0001-01-01T00:00:00"},
            {"text": "x", "now": "9999-12-31T23:59:59-12:00"},
            {"text": "x", "now": 5},
            {"text": "x", "requested": "time"},
            {"text": "x", "requested": [1]},
        ],
    )
    def test_refuses_what_cannot_be_read(self, asked: dict[str, Any]) -> None:
        with pytest.raises(InvalidInput):
            read_one(echo, asked)


class TestStream:
    def answers(self, raw: bytes, *, max_chars: int = 1000) -> list[str]:
        return [answer.get("params", {}).get("text", "error") for answer in read_lines(echo, io.BytesIO(raw), max_chars=max_chars)]

    def test_answers_every_line_in_order_also_after_bad_ones(self) -> None:
        raw = b'{"text":"one"}\nnot json\n[1]\n\n{"text":"two"}\n\xff\xfe\n{"text":"three"}'
        assert self.answers(raw) == ["one", "error", "error", "error", "two", "error", "three"]

    def test_a_line_that_never_ends_is_one_error_and_is_not_held(self) -> None:
        raw = b'{"text":"' + b"a" * 100_000 + b'"}\n{"text":"after"}\n'
        assert self.answers(raw, max_chars=10) == ["error", "after"]

    def test_deeply_nested_json_is_an_error(self) -> None:
        assert self.answers(b"[" * 5000 + b'\n{"text":"after"}\n') == ["error", "after"]

    def test_the_error_says_what_is_expected(self) -> None:
        answer = next(read_lines(echo, io.BytesIO(b"x\n"), max_chars=10))
        assert answer["error"]["code"] == "invalid_input"
        assert json.dumps(answer)


class TestStreamThatEndsBadly:
    @pytest.mark.parametrize(("broken", "raised"), [(OSError(5, "Input/output error"), InvalidInput), (MemoryError(), MemoryError)])
    def test_says_so_after_the_answers_it_has(self, broken: Exception, raised: type[Exception]) -> None:
        """Lines that break off are no end of the lines."""

        class Breaks(io.BytesIO):
            def readline(self, size: int | None = -1, /) -> bytes:
                if line := super().readline(size):
                    return line
                raise broken

        answers = read_lines(echo, Breaks(b'{"text":"one"}\n'), max_chars=10)
        assert next(answers)["params"]["text"] == "one"
        with pytest.raises(raised):
            next(answers)

    def test_raises_what_nobody_foresaw(self) -> None:
        """A bug in reading one line is not swallowed, and not read past."""

        def read(text: str, **given: Any) -> Intent:
            return echo(str(1 // len(text)), **given)

        answers = read_lines(read, io.BytesIO(b'{"text":"x"}\n{"text":""}\n{"text":"x"}\n'), max_chars=10)
        assert next(answers)["params"]["text"] == "1"
        with pytest.raises(ZeroDivisionError):
            next(answers)
        assert list(answers) == []

    def test_waits_for_nothing_that_is_not_begun(self) -> None:
        """Somebody who has had enough leaves; of fifty lines only those in hand are still read."""
        before, gate, begun = set(threading.enumerate()), threading.Event(), []

        def read(text: str, **given: Any) -> Intent:
            begun.append(text)
            if text != "0":
                gate.wait(30)
            return echo(text, **given)

        lines = io.BytesIO(b"".join(b'{"text":"%d"}\n' % number for number in range(50)))
        answers = read_lines(read, lines, max_chars=10)
        assert next(answers)["params"]["text"] == "0"
        answers.close()
        gate.set()
        for thread in set(threading.enumerate()) - before:
            thread.join(30)
        assert len(begun) <= 3
        assert lines.closed


class TestWhatIsHeld:
    def test_is_bounded_however_long_the_lines_are(self) -> None:
        """Many short lines are read ahead, or a few long ones."""
        read_on = 0

        class Counts(io.BytesIO):
            def readline(self, size: int | None = -1, /) -> bytes:
                nonlocal read_on
                line = super().readline(size)
                read_on += len(line)
                return line

        long = json.dumps({"text": "a" * 1_000_000}).encode() + b"\n"
        answered = most = 0
        for _ in read_lines(echo, Counts(long * 60), max_chars=100_000):
            answered += len(long)
            most = max(most, read_on - answered)
        assert answered == 60 * len(long)
        # One line more is in the hands of whoever waits for a place.
        assert most <= intents._PLACES * intents._PLACE_BYTES + 2 * len(long)
