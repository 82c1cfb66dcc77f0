"""What needs attention is settled by a person: once, by somebody who could have confirmed it, and the books stay as they are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from halo_engine.audit import Audit
from halo_engine.model.card import CardKind
from halo_engine.model.errors import Conflict, HaloError, InvalidInput, NotAuthorised, NotFound, StoreDamaged
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, NotThere
from halo_engine.model.settlement import Finding, Settlement
from tests.halo_cli.tui.homes import in_need
from tests.halo_engine.store.raw import log_of, without_triggers
from tests.installation import Installation, household_plan

_HAPPENED = Settlement(outcome=Finding.HAPPENED, reference="RES-77", charged=Money(cents=2000))
_NOT = Settlement(outcome=Finding.DID_NOT_HAPPEN)


def settled_events(home: Installation) -> int:
    with home.queries() as queries:
        return sum(event.event_type == "execution.settled" for each in queries.attention(limit=9) for event in [each.settled] if event)


class TestSettling:
    def test_writes_what_was_found_and_leaves_the_execution_as_it_is(self, tmp_path: Path) -> None:
        """NEEDS_ATTENTION is an end, and is never left."""
        home, execution_id = in_need(tmp_path)
        home.engine.settle(execution_id, _HAPPENED, member="Sam")
        with home.queries() as queries:
            (item,) = queries.attention(limit=9)
            counts = queries.counts()
        assert item.execution.status is ExecutionStatus.NEEDS_ATTENTION
        assert item.settled
        assert item.settled.payload == {
            "draft_id": item.draft.id,
            "outcome": "happened",
            "reference": "RES-77",
            "charged_cents": 2000,
            "currency": "USD",
        }
        assert counts.attention == 0
        assert len(home.ledger()) == 0

    def test_as_not_having_happened_names_no_reference_and_no_money(self, tmp_path: Path) -> None:
        """And belongs to the story of its draft."""
        home, execution_id = in_need(tmp_path)
        settled = home.engine.settle(execution_id, _NOT, member=None)
        events = log_of(home.engine._store, home.engine._home_id)
        (found,) = (event for event in events if event.event_type == "execution.settled")
        (confirmed,) = (event for event in events if event.event_type == "draft.confirmed")
        assert found.payload == {
            "draft_id": settled.draft_id,
            "outcome": "did_not_happen",
            "reference": None,
            "charged_cents": None,
            "currency": None,
        }
        assert (found.entity_id, found.correlation_id) == (execution_id, confirmed.correlation_id)

    def test_keeps_the_log_verified(self, tmp_path: Path) -> None:
        """It is a move that the gate theorem knows."""
        home, execution_id = in_need(tmp_path)
        home.engine.settle(execution_id, _NOT, member=None)
        with Audit.open(home.settings, clock=home.clock) as audit:
            assert audit.verify().problems == ()

    def test_is_done_once(self, tmp_path: Path) -> None:
        """The second one is a conflict that says what was found, whatever it says itself."""
        home, execution_id = in_need(tmp_path)
        home.engine.settle(execution_id, _NOT, member=None)
        for again in (_NOT, _HAPPENED):
            with pytest.raises(Conflict, match="did not happen") as refused:
                home.engine.settle(execution_id, again, member="Sam")
            assert refused.value.hint == f"See: halo show {execution_id}"
        assert settled_events(home) == 1

    def test_by_two_at_the_same_time_is_done_once(self, tmp_path: Path) -> None:
        """Whoever comes second finds out."""
        home, execution_id = in_need(tmp_path)

        def settle(member: str) -> bool:
            try:
                home.engine.settle(execution_id, _NOT, member=member)
            except HaloError:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(settle, ["Alex", "Sam"] * 4)) == 1
        assert settled_events(home) == 1

    def test_is_for_whoever_could_have_confirmed_it(self, tmp_path: Path) -> None:
        home, execution_id = in_need(tmp_path)
        home.engine.membership.add("Robin", Role.GUEST, by=None)
        with pytest.raises(NotAuthorised, match="Robin") as refused:
            home.engine.settle(execution_id, _NOT, member="Robin")
        assert refused.value.hint == "Nothing was recorded."
        assert settled_events(home) == 0

    def test_of_what_does_not_need_it_is_a_conflict(self, tmp_path: Path) -> None:
        home = Installation.open(tmp_path)
        done = home.carry_out(home.ask("cancel streamly"))
        with pytest.raises(Conflict, match="done") as refused:
            home.engine.settle(done.id, _HAPPENED, member=None)
        assert refused.value.hint == "Nothing was recorded."

    def test_of_nothing_here_is_not_found(self, tmp_path: Path) -> None:
        """Neither of what is in nobody's books, nor of what is the neighbours'."""
        home, execution_id = in_need(tmp_path)
        with pytest.raises(NotFound):
            home.engine.settle(f"{execution_id[:-1]}0", _NOT, member=None)
        neighbours = home.engine.of(home.engine.found_household_beside(household_plan()).id)
        with pytest.raises(NotFound, match="no such execution"):
            neighbours.settle(execution_id, _NOT, member=None)
        with pytest.raises(NotFound, match="no such execution"):
            neighbours.look_again(execution_id)

    def test_takes_no_reference_that_is_none(self, tmp_path: Path) -> None:
        """One line, of a length that a vendor's has; spaces around it are nobody's."""
        home, execution_id = in_need(tmp_path)
        for reference in ("RES\n77", "R" * 121, "RES\x1b[31m77"):
            with pytest.raises(InvalidInput) as refused:
                home.engine.settle(execution_id, Settlement(outcome=Finding.HAPPENED, reference=reference), member=None)
            assert refused.value.hint == "One line of at most 120 characters."
        home.engine.settle(execution_id, Settlement(outcome=Finding.HAPPENED, reference=f" {'R' * 120} "), member=None)
        with home.queries() as queries:
            (item,) = queries.attention(limit=9)
        assert item.settled
        assert item.settled.payload["reference"] == "R" * 120


class TestAfterIt:
    def test_what_did_not_happen_is_asked_for_again(self, tmp_path: Path) -> None:
        """As a fresh draft, which needs a yes of its own."""
        home, execution_id = in_need(tmp_path)
        home.engine.settle(execution_id, _NOT, member=None)
        assert home.engine.retry(execution_id, member=None).kind is CardKind.DRAFT

    @pytest.mark.parametrize("found", [None, _HAPPENED])
    def test_nothing_else_is(self, tmp_path: Path, found: Settlement | None) -> None:
        """Before anybody looked, and after it was found to have happened."""
        home, execution_id = in_need(tmp_path)
        if found:
            home.engine.settle(execution_id, found, member=None)
        with pytest.raises(Conflict):
            home.engine.retry(execution_id, member=None)


class TestLookingAgain:
    def test_reads_the_vendors_record_and_changes_nothing(self, tmp_path: Path) -> None:
        """No booking there, and no event here."""
        home, execution_id = in_need(tmp_path)
        with home.queries() as queries:
            before = queries.counts()
        assert home.engine.look_again(execution_id) == NotThere()
        with home.queries() as queries:
            assert queries.counts() == before
        assert home.ledger() == ()

    def test_finds_what_is_there(self, tmp_path: Path) -> None:
        """A booking whose answer was lost, and that the vendor shows by now."""
        home = Installation.open(tmp_path)
        card = home.ask("order 2 packs of AA batteries")
        home.fault("lose_answer")
        home.fault("hide_orders", times=2)
        execution = home.carry_out(card, wait_s=1)
        assert execution.status is ExecutionStatus.UNKNOWN
        home.engine.look_again(execution.id)
        assert isinstance(home.engine.look_again(execution.id), Done)

    def test_asks_for_nothing_that_was_not_confirmed(self, tmp_path: Path) -> None:
        home, execution_id = in_need(tmp_path)
        without_triggers(home.engine._store, "confirmation", "DELETE FROM confirmation")
        with pytest.raises(StoreDamaged, match="does not carry out what was confirmed"):
            home.engine.look_again(execution_id)

    def test_asks_by_no_key_but_its_own(self, tmp_path: Path) -> None:
        """Books that name another key would show somebody else's order as this one."""
        home, execution_id = in_need(tmp_path)
        without_triggers(home.engine._store, "execution", "UPDATE execution SET vendor_key = 'halo-other'")
        with pytest.raises(StoreDamaged, match="does not carry out what was confirmed"):
            home.engine.look_again(execution_id)
