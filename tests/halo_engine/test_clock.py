"""The clock: aware time, waiting that can be moved, and identifiers in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halo_engine.clock import Clock, FakeClock, SystemClock
from halo_engine.model.ids import Prefix, prefix_of
from tests.halo_engine.store.raw import at_once
from tests.installation import NOON


@pytest.fixture(params=["system", "fake"])
def either(request: pytest.FixtureRequest) -> Clock:
    """Both clocks keep the same promises."""
    return SystemClock() if request.param == "system" else FakeClock(NOON)


class TestEveryClock:
    def test_tells_an_aware_time_in_utc(self, either: Clock) -> None:
        """Whatever zone the machine is in."""
        assert either.now().utcoffset() == timedelta(0)

    def test_returns_from_waiting_when_the_time_has_come(self, either: Clock) -> None:
        """Not before."""
        at = either.now() + timedelta(milliseconds=5)
        either.sleep_until(at)
        assert either.now() >= at

    def test_does_not_wait_for_the_past(self, either: Clock) -> None:
        """Nor go back to it."""
        before = either.now()
        either.sleep_until(before - timedelta(days=1))
        assert before <= either.now() < before + timedelta(seconds=5)

    def test_makes_identifiers_that_sort_as_they_were_made(self, either: Clock) -> None:
        """Thousands of them, many in one millisecond."""
        made = [either.new_id(Prefix.EVENT) for _ in range(5000)]
        assert made == sorted(set(made))
        assert {prefix_of(identifier) for identifier in made} == {Prefix.EVENT}

    def test_makes_no_identifier_twice_for_several_threads(self, either: Clock) -> None:
        """A server has many."""

        def some() -> list[str]:
            return [either.new_id(Prefix.EVENT) for _ in range(2000)]

        made = [identifier for answer in at_once(*[some] * 4) if isinstance(answer, list) for identifier in answer]
        assert (len(made), len(set(made))) == (8000, 8000)

    @pytest.mark.parametrize("nbytes", [1, 16, 32])
    def test_gives_as_much_chance_as_asked(self, either: Clock, nbytes: int) -> None:
        """In hexadecimal, and never the same."""
        tokens = {either.token_hex(nbytes) for _ in range(2 if nbytes == 1 else 100)}
        assert {len(bytes.fromhex(token)) for token in tokens} == {nbytes}
        assert nbytes == 1 or len(tokens) == 100


class TestSystemClock:
    def test_keeps_identifiers_in_order_when_the_time_steps_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A corrected wall clock does not make what is new look old."""
        clock = SystemClock()
        monkeypatch.setattr(SystemClock, "now", lambda _self: NOON)
        first = clock.new_id(Prefix.EVENT)
        monkeypatch.setattr(SystemClock, "now", lambda _self: NOON - timedelta(hours=1))
        assert clock.new_id(Prefix.EVENT) > first


class TestFakeClock:
    def test_stands_still_until_it_is_moved(self) -> None:
        """By as much as it is told."""
        clock = FakeClock(NOON)
        assert clock.now() == clock.now() == NOON
        clock.advance(timedelta(minutes=30))
        assert clock.now() == NOON + timedelta(minutes=30)

    def test_is_moved_by_sleeping(self) -> None:
        """Which takes no time."""
        clock = FakeClock(NOON)
        clock.sleep_until(NOON + timedelta(days=365))
        assert clock.now() == NOON + timedelta(days=365)

    def test_is_set_in_any_zone(self) -> None:
        """And tells UTC."""
        clock = FakeClock(datetime(2026, 3, 3, 12, tzinfo=timezone(timedelta(hours=-5))))
        assert (clock.now(), clock.now().tzinfo) == (NOON, UTC)

    @given(st.integers())
    def test_repeats_chance_for_the_same_seed(self, seed: int) -> None:
        """A failure can be played again."""
        one, again = FakeClock(NOON, seed=seed), FakeClock(NOON, seed=seed)
        assert [one.token_hex(8), one.new_id(Prefix.DRAFT)] == [again.token_hex(8), again.new_id(Prefix.DRAFT)]
