"""Acts under a key, on both kinds of books: one turn at a time, and nothing is written out of turn."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model import event
from halo_engine.model.errors import FencedOff
from halo_engine.stages.acts import Acts, Turn
from halo_engine.store.acts import HELD, KEPT, Asked, Kept
from halo_engine.store.session import Store
from tests.halo_engine.store.family import Family


@pytest.fixture
def family(store: Store, clock: FakeClock) -> Family:
    return Family.found(store, clock)


@pytest.fixture
def acts(store: Store, clock: FakeClock) -> Acts:
    return Acts(store, clock)


def asked(family: Family, key: str = "batteries-1", body: str = "a" * 64) -> Asked:
    return Asked(household_id=family.household.id, user_id=family.owner.id, route="POST /v1/draft/create", key=key, body_sha256=body)


def begun(acts: Acts, what: Asked) -> Turn:
    turn = acts.begin(what)
    assert isinstance(turn, Turn)
    return turn


def happens(family: Family) -> None:
    """Something that an act does."""
    with family.store.transaction() as books:
        family.log(books, event.UsualRemoved(name="breakfast"), family.household.id)


class TestATurn:
    def test_is_one_at_a_time(self, acts: Acts, family: Family) -> None:
        """Of eight who begin the same at once, one does it."""
        gate = threading.Barrier(8)

        def begin(_: int) -> object:
            gate.wait()
            return acts.begin(asked(family))

        with ThreadPoolExecutor(8) as pool:
            turns = list(pool.map(begin, range(8)))
        assert [type(turn) for turn in turns if turn is not None] == [Turn]

    def test_is_another_for_another_key_or_member(self, acts: Acts, family: Family) -> None:
        theirs = asked(family).model_copy(update={"user_id": family.child.id})
        for what in (asked(family), asked(family, key="batteries-2"), theirs):
            begun(acts, what)

    def test_ends_with_an_answer_that_is_kept(self, acts: Acts, family: Family) -> None:
        acts.end(begun(acts, asked(family)), status=200, headers={"content-type": "application/json"}, answer='{"café": 1}')
        kept = acts.begin(asked(family))
        assert isinstance(kept, Kept)
        assert (kept.status, kept.answer, kept.headers) == (200, '{"café": 1}', {"content-type": "application/json"})

    def test_that_failed_is_somebody_elses_at_once(self, acts: Acts, family: Family) -> None:
        turn = begun(acts, asked(family))
        with turn.doing():
            happens(family)
        acts.let_go(turn)
        assert [each.event_type for each in begun(acts, asked(family)).reached] == ["usual.removed"]

    def test_lasts_from_the_last_thing_that_was_written(self, acts: Acts, family: Family, clock: FakeClock) -> None:
        turn = begun(acts, asked(family))
        clock.advance(HELD * 0.9)
        with turn.doing():
            happens(family)
        clock.advance(HELD * 0.9)
        assert acts.begin(asked(family)) is None
        clock.advance(HELD * 0.2)
        begun(acts, asked(family))


class TestOutOfTurn:
    def test_nothing_is_written(self, acts: Acts, family: Family, clock: FakeClock) -> None:
        """Whoever slept while another one took over: the whole transaction is undone, and no answer of theirs is kept."""
        late = begun(acts, asked(family))
        clock.advance(HELD * 2)
        turn = begun(acts, asked(family))
        with pytest.raises(FencedOff), late.doing():
            happens(family)
        with pytest.raises(FencedOff):
            acts.end(late, status=200, headers={}, answer="late")
        with pytest.raises(FencedOff):
            acts.let_go(late)
        with family.store.reading() as books:
            assert books.events.newest_payload(family.household.id, "usual.removed") is None
        with turn.doing():
            happens(family)
        acts.end(turn, status=200, headers={}, answer="in turn")
        kept = acts.begin(asked(family))
        assert isinstance(kept, Kept)
        assert kept.answer == "in turn"


class TestWhatIsKept:
    def test_is_told_from_another_body(self, acts: Acts, family: Family) -> None:
        """Whether or not it was answered yet."""
        turn = begun(acts, asked(family))
        for _ in range(2):
            kept = acts.begin(asked(family, body="b" * 64))
            assert isinstance(kept, Kept)
            assert kept.body_sha256 == "a" * 64
            acts.end(turn, status=200, headers={}, answer="{}")

    def test_goes_after_a_month(self, acts: Acts, family: Family, clock: FakeClock) -> None:
        acts.end(begun(acts, asked(family)), status=200, headers={}, answer="{}")
        clock.advance(KEPT * 1.01)
        begun(acts, asked(family))
