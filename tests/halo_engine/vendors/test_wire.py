"""Answers that were read before."""

from __future__ import annotations

import httpx
import pytest

from halo_engine.vendors.http import Answer
from halo_engine.vendors.wire import LastRead, UnreadableError


def answer(body: bytes) -> Answer:
    return Answer(status=200, headers=httpx.Headers(), body=body)


class Counting:
    """Reads a body as its length, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, given: Answer) -> int:
        self.times += 1
        if not given.body:
            raise UnreadableError("nothing")
        return len(given.body)


class TestLastRead:
    def test_reads_the_same_bytes_once(self) -> None:
        known, reading = LastRead[int](2), Counting()
        assert [known.read(answer(b"same"), reading) for _ in range(3)] == [4, 4, 4]
        assert reading.times == 1

    def test_reads_other_bytes_anew(self) -> None:
        known, reading = LastRead[int](2), Counting()
        assert [known.read(answer(body), reading) for body in (b"one", b"three", b"one")] == [3, 5, 3]
        assert reading.times == 2

    def test_keeps_no_more_than_asked(self) -> None:
        known, reading = LastRead[int](2), Counting()
        for body in (b"1", b"22", b"333", b"1"):
            known.read(answer(body), reading)
        assert reading.times == 4

    def test_keeps_no_failure(self) -> None:
        known, reading = LastRead[int](2), Counting()
        for _ in range(2):
            with pytest.raises(UnreadableError):
                known.read(answer(b""), reading)
        assert reading.times == 2
