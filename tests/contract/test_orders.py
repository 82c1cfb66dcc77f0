"""Contract tests 1 to 7: an order is placed once, at the agreed price, whatever happens on the way. The judge is the vendors' ledger."""

from __future__ import annotations

from halo_engine.model.card import CardKind
from halo_engine.model.execution import ExecutionStatus
from halo_engine.model.money import Money
from tests.contract.worlds import BATTERIES, House, is_login, is_place


class Test01DropAfterTheEffect:
    def test_halo_restarts_reconciles_and_the_journal_shows_exactly_one_order(self, house: House) -> None:
        """Place, lose the connection after the side effect, restart, reconcile."""
        home = house.installation
        execution = home.confirm(house.draft(BATTERIES))
        home.fault("lose_answer", target="amazon.place_order")
        assert home.engine.execute(execution.id, wait_s=0).status is ExecutionStatus.UNKNOWN
        house.restart()
        ended = home.engine.execute(execution.id, wait_s=600)
        (entry,) = home.ledger()
        assert (ended.status, ended.vendor_reference, ended.final_cost) == (ExecutionStatus.DONE, entry.reference, entry.charged)
        assert house.wire.count(is_place) == 1
        assert home.verify().ok


class Test02DropBeforeTheEffect:
    def test_reconcile_says_not_placed_one_more_post_with_the_same_id_one_order(self, house: House) -> None:
        """The same symptom and no order: it is sent again under the very same id."""
        home = house.installation
        card = house.draft(BATTERIES)
        home.fault("drop_before", target="amazon.place_order")
        ended = home.carry_out(card)
        (entry,) = home.ledger()
        first, second = (request.content for request in house.wire.sent if is_place(request))
        assert first == second
        assert (ended.status, entry.client_reference) == (ExecutionStatus.DONE, ended.vendor_key)
        assert home.verify().ok


class Test03VisibilityDelay:
    def test_a_look_up_that_is_404_for_three_seconds_makes_no_second_order(self, house: House) -> None:
        """The order is there, and the look-up does not show it yet."""
        home = house.installation
        card = house.draft(BATTERIES)
        home.fault("lose_answer", target="amazon.place_order")
        home.fault("late_orders", amount=3)
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert len(home.ledger()) == house.wire.count(is_place) == 1


class Test04PriceUpAboveTheCeiling:
    def test_by_one_cent_is_rejected_by_the_vendor_and_asks_for_a_new_approval(self, house: House) -> None:
        """The price moves when Halo has looked for the last time: only the vendor's own guard is left."""
        home = house.installation
        card = house.draft(BATTERIES)
        house.just_before(is_place, "price_up", amount=1)
        ended = home.carry_out(card)
        assert (ended.status, house.wire.count(is_place)) == (ExecutionStatus.TERMS_CHANGED, 1)
        assert home.ledger() == ()
        with home.queries() as queries:
            revised = queries.draft(str(ended.revised_draft_id))
        assert revised.terms.total > Money(cents=4995)
        assert revised.draft_hash != card.draft_hash


class Test05ExpectationsIgnored:
    def test_halos_own_check_on_the_answer_raises_the_alarm(self, house: House) -> None:
        """The vendor charges more than was approved all the same: said on the card, and by the audit."""
        home = house.installation
        card = house.draft(BATTERIES)
        home.fault("ignore_expectations")
        house.just_before(is_place, "price_up", amount=150)
        ended = home.carry_out(card)
        (entry,) = home.ledger()
        assert entry.charged == ended.final_cost
        assert entry.charged > Money(cents=4995)
        assert "more than was confirmed" in str(ended.error_message)
        assert any("charged more than confirmed" in problem for problem in home.verify().problems)


class Test06TokenExpiry:
    def test_between_quote_and_commit_is_one_refresh_and_one_order(self, house: House) -> None:
        """The token dies when the order is already on its way: refused unread, refreshed, sent again."""
        home = house.installation
        card = house.draft(BATTERIES)
        house.just_before(is_place, "token_expired")
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert (house.wire.count(is_login), len(home.ledger())) == (1, 1)


class Test07TooManyRequests:
    def test_is_no_order_then_a_retry_after_the_delay_then_one_order(self, house: House) -> None:
        """429 on place; the vendor's own two seconds are less than Halo's five."""
        home = house.installation
        card = house.draft(BATTERIES)
        home.fault("rate_limited", target="amazon.place_order")
        before = home.clock.now()
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert (home.clock.now() - before).total_seconds() >= 5
        assert (house.wire.count(is_place), len(home.ledger())) == (2, 1)

    def test_with_a_silly_retry_after_is_waited_for_five_minutes_at_the_most(self, house: House) -> None:
        """Thirty thousand years are not taken at their word."""
        home = house.installation
        card = house.draft(BATTERIES)
        home.fault("rate_limited_silly", target="amazon.place_order")
        before = home.clock.now()
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert (home.clock.now() - before).total_seconds() <= 305

    def test_in_a_storm_gives_up_and_says_so(self, house: House) -> None:
        """With or without a Retry-After."""
        home = house.installation
        card = house.draft(BATTERIES)
        home.fault("rate_limited_bare", target="amazon", times=999)
        ended = home.carry_out(card)
        assert (ended.status, home.card(ended).kind) == (ExecutionStatus.FAILED, CardKind.FAILED)
        assert "fewer" in str(ended.error_message)
        assert home.ledger() == ()
