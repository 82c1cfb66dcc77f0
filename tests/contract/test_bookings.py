"""Contract tests 8 to 11: a table is booked once, on the agreed terms, and never in the place of another one."""

from __future__ import annotations

import pytest

from halo_engine.model.execution import ExecutionStatus
from tests.contract.worlds import DINNER, House, is_book, is_hold


class Test08SlotGone:
    @pytest.mark.parametrize("operation", ["resy.details", "resy.book"])
    def test_between_details_and_book_is_404_alternatives_and_nothing_booked(self, house: House, operation: str) -> None:
        """The table is taken while it is held, or while it is booked: another one is offered, which needs its own yes."""
        home = house.installation
        card = house.draft(DINNER)
        home.fault("slot_gone", target=operation)
        ended = home.carry_out(card)
        assert (ended.status, home.ledger()) == (ExecutionStatus.TERMS_CHANGED, ())
        with home.queries() as queries:
            assert queries.draft(str(ended.revised_draft_id)).draft_hash != card.draft_hash


class Test09BookTimesOutAfterTheEffect:
    def test_the_list_shows_it_outcome_done_and_no_second_book(self, house: House) -> None:
        """Resy knows no idempotency key, so the list of reservations is the only proof."""
        home = house.installation
        card = house.draft(DINNER)
        home.fault("lose_answer", target="resy.book")
        ended = home.carry_out(card)
        (entry,) = home.ledger()
        assert (ended.status, ended.vendor_reference) == (ExecutionStatus.DONE, entry.reference)
        assert house.wire.count(is_book) == 1


class Test10ConflictWithAnotherReservation:
    def test_412_with_other_specs_is_shown_and_replace_is_never_sent(self, house: House) -> None:
        """Two dinners in one evening: the first one stays."""
        home = house.installation
        first = home.carry_out(home.ask("book a table for two at Hearth & Vine tomorrow at 7:30pm"))
        card = house.draft("book a table for two at Thai Basil House tomorrow at 7:30pm")
        home.fault("ignore_keys")
        ended = home.carry_out(card)
        assert (ended.status, first.status) == (ExecutionStatus.FAILED, ExecutionStatus.DONE)
        assert "reservation at Hearth & Vine" in str(ended.error_message)
        assert len(home.ledger()) == 1
        assert house.wire.count(is_book) >= 1
        assert not any(b"replace=1" in request.content for request in house.wire.sent)


class Test11FeeOrPolicyChanges:
    def test_between_commit_0_and_commit_1_stops(self, house: House) -> None:
        """The fee rises when Halo has asked for the last time: the hold says so, and nothing is booked."""
        home = house.installation
        card = house.draft("book a table for two at Ishq & Ember on Thursday at 7pm")
        house.just_before(is_hold, "fee_changed", amount=1000)
        ended = home.carry_out(card)
        assert ended.status is ExecutionStatus.TERMS_CHANGED
        assert "fee" in str(ended.error_message)
        assert (house.wire.count(is_book), home.ledger()) == (0, ())
