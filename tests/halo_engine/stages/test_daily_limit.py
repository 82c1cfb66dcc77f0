"""What may be confirmed in 24 hours: by one member, by everybody, one after the other and all at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card
from halo_engine.model.errors import HaloError, NotAuthorised
from halo_engine.model.policy import NOTHING_SPENT
from halo_engine.store.approvals import Approvals
from halo_sim.faults import clear_faults
from tests.halo_engine.store.raw import at_once
from tests.installation import NOON, Installation
from tests.torture.crowd import Meet, together

BATTERIES = "order 2 packs of AA batteries"
#: Each of these costs $49.95: four of them fit into a member's day, and six into the household's.
LIMITS: dict[str, Any] = {"daily_spending_limit_cents": "20000", "household_daily_spending_limit_cents": "30000"}
FIT_ONE, FIT_ALL = 4, 6


@pytest.fixture
def frugal(tmp_path: Path) -> Iterator[Installation]:
    home = Installation.open(tmp_path / "home", **LIMITS)
    yield home
    home.engine.close()


def drafts(home: Installation, number: int) -> list[Card]:
    return [home.ask(BATTERIES, member="Kim") for _ in range(number)]


def how_many(home: Installation, cards: list[Card], member: str) -> int:
    """How many of these a member can confirm."""
    done = 0
    for card in cards:
        with suppress(NotAuthorised):
            home.confirm(card, member=member)
            done += 1
    return done


class TestADay:
    def test_is_full_for_one_and_then_for_all(self, frugal: Installation) -> None:
        """With the numbers in the refusal; the log says what was counted, and is whole."""
        cards = drafts(frugal, 8)
        assert how_many(frugal, cards[:5], "Alex") == FIT_ONE
        with pytest.raises(NotAuthorised, match=r"Alex may confirm \$200\.00 in 24 hours, \$199\.80 of it is used, and this is \$49\.95"):
            frugal.confirm(cards[4], member="Alex")
        assert how_many(frugal, cards[4:], "Sam") == FIT_ALL - FIT_ONE
        with pytest.raises(NotAuthorised, match=r"the household may confirm \$300\.00 in 24 hours"):
            frugal.confirm(cards[7], member="Sam")
        assert frugal.verify().ok

    def test_is_the_last_24_hours(self, frugal: Installation) -> None:
        """To the second, and not since midnight."""
        assert how_many(frugal, drafts(frugal, 4), "Alex") == FIT_ONE
        frugal.later(seconds=86_399)
        (late,) = drafts(frugal, 1)
        assert how_many(frugal, [late], "Alex") == 0
        frugal.later(seconds=1)
        assert how_many(frugal, [late], "Alex") == 1

    def test_counts_what_it_came_to_and_not_what_had_no_effect(self, frugal: Installation) -> None:
        """What failed gives its part back."""
        cards = drafts(frugal, 6)
        executions = [frugal.confirm(card, member="Alex") for card in cards[:4]]
        frugal.fault("unavailable", times=99)
        assert frugal.engine.execute(executions[0].id, wait_s=600).status.value == "failed"
        clear_faults(frugal.world)
        assert how_many(frugal, drafts(frugal, 2), "Alex") == 1

    def test_is_not_in_the_way_of_what_costs_nothing(self, frugal: Installation) -> None:
        """A subscription can be ended on any day."""
        assert how_many(frugal, drafts(frugal, 4), "Alex") == FIT_ONE
        assert frugal.confirm(frugal.ask("cancel streamly"), member="Alex")


def confirmed(home: Installation) -> int:
    with home.queries() as queries:
        return sum(line.kind == "execution" for line in queries.activity(limit=99))


def confirm_each(home: Path, cards: list[Card], number: int, settings: dict[str, Any], meet: Meet) -> int:
    """In one of several processes."""
    mine = Installation.reopen(home, clock=FakeClock(NOON, seed=100 + number), **settings)
    meet()
    done = how_many(mine, cards, ("Alex", "Sam")[number % 2])
    mine.engine.close()
    return done


@pytest.fixture(params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Installation, dict[str, Any]]]:
    url = {"database_url": request.getfixturevalue("postgres_url")} if request.param == "postgres" else {}
    settings = {**LIMITS, **url}
    home = Installation.open(tmp_path / "home", **settings)
    yield home, settings
    home.engine.close()


class TestManyAtOnce:
    def test_in_threads_never_confirm_more_than_a_day_has(self, shared: tuple[Installation, dict[str, Any]]) -> None:
        """Eight yeses of one member to eight drafts at the same moment: as many as fit, and no other."""
        home, _ = shared
        cards = drafts(home, 8)
        said = at_once(*(partial(home.confirm, card, member="Alex") for card in cards))
        assert sum(not isinstance(each, HaloError) for each in said) == FIT_ONE == confirmed(home)
        assert home.verify().ok

    def test_in_processes_never_confirm_more_than_a_day_has(self, shared: tuple[Installation, dict[str, Any]]) -> None:
        """Four of them, for both members: what fits for the household."""
        home, settings = shared
        cards = drafts(home, 8)
        place = home.settings.home
        # Who forks holds no connection of its own.
        home.engine.close()
        done = together([partial(confirm_each, place, cards[n::4], n, settings) for n in range(4)])
        assert sum(done) <= FIT_ALL
        home = Installation.reopen(place, clock=FakeClock(NOON, seed=99), **settings)
        # Whoever was refused for the other member's sake can still be asked: nothing is left over, and nothing is too much.
        done.append(how_many(home, cards, "Alex"))
        done.append(how_many(home, cards, "Sam"))
        assert confirmed(home) == FIT_ALL
        assert home.verify().ok
        home.engine.close()


class TestAPlantedBug:
    def test_what_was_spent_and_is_not_counted_makes_a_day_too_long(self, frugal: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """More is confirmed than fits: the tests above can fail."""
        monkeypatch.setattr(Approvals, "spent", lambda *_, **__: NOTHING_SPENT)
        assert how_many(frugal, drafts(frugal, 6), "Alex") == FIT_ONE + 2
