"""A whole ORDER through Zinc: taken on now, bought later, never for more than the confirmed maximum. The judge is the vendor's own ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card, CardKind
from halo_engine.model.execution import Attempt, Classification, Execution, ExecutionStatus
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, Found, NotThere, Partial, Pending, Unknown
from halo_engine.stages import execute as execute_stage
from halo_engine.stages.execute import Executing
from halo_engine.vendors import zinc as zinc_adapter
from halo_engine.vendors.zinc import Zinc
from halo_engine.vendors.zinc_wire import order_body
from halo_engine.verbs.order import Order
from halo_sim.faults import clear_faults
from tests.installation import Installation

BATTERIES = "B035L4KKAX"
#: (2 × $22.99 + $5.99) × 1.1, rounded up.
MAXIMUM = Money(cents=5717)


@pytest.fixture
def home(tmp_path: Path, clock: FakeClock) -> Iterator[Installation]:
    """A household that buys through Zinc."""
    installation = Installation.open(tmp_path / "home", clock=clock, merchant="zinc")
    yield installation
    installation.engine.close()


@pytest.fixture
def card(home: Installation) -> Card:
    """Two packs of batteries, waiting for their yes."""
    return home.ask("order 2 packs of AA batteries")


def attempts(home: Installation, execution: Execution) -> tuple[Attempt, ...]:
    with home.queries() as queries:
        return queries.execution(execution.id).attempts


def commits(home: Installation, execution: Execution) -> int:
    return sum(1 for attempt in attempts(home, execution) if attempt.step == "commit")


class TestADraft:
    def test_shows_the_range_and_says_why(self, card: Card) -> None:
        """What is known, what it may come to, and who sells."""
        assert card.kind is CardKind.DRAFT
        assert card.cost == "$45.98 – $57.17"
        assert any("never above it" in warning for warning in card.warnings)
        assert {fact.label: fact.text for fact in card.rows}["Vendor"] == "Amazon through Zinc"

    def test_shows_no_tax_that_nobody_knows(self, card: Card) -> None:
        """$0.00 would be a promise."""
        assert not {"Shipping", "Tax"} & {fact.label for fact in card.rows}

    def test_confirms_the_maximum(self, home: Installation, card: Card) -> None:
        """It is a term of its own, so it is in the hash."""
        with home.queries() as queries:
            terms = queries.draft(str(card.draft_id)).terms
        assert (terms.vendor, terms.total, terms.maximum) == ("zinc", Money(cents=4598), MAXIMUM)
        assert terms.hash != terms.model_copy(update={"maximum": MAXIMUM + Money(cents=1)}).hash

    def test_is_refused_when_the_maximum_is_more_than_the_budget(self, home: Installation) -> None:
        """The total alone would fit."""
        refused = home.ask("order 2 packs of AA batteries under $50")
        assert refused.kind is CardKind.UNAVAILABLE
        assert "$57.17" in refused.summary

    def test_is_held_to_the_spending_limit_by_its_maximum(self, tmp_path: Path) -> None:
        """Whoever confirms allows the maximum."""
        home = Installation.open(tmp_path / "strict", merchant="zinc", spending_limit_cents="5000")
        with pytest.raises(Exception, match=r"\$57\.17"):
            home.confirm(home.ask("order 2 packs of AA batteries"))

    def test_of_a_merchant_nobody_knows_is_a_plain_no(self, tmp_path: Path) -> None:
        """Not an error, and nothing is bought elsewhere instead."""
        home = Installation.open(tmp_path / "odd", merchant="cornershop")
        refused = home.ask("order 2 packs of AA batteries")
        assert refused.kind is CardKind.UNAVAILABLE
        assert "cornershop" in refused.summary
        assert home.ask("reorder").kind is CardKind.UNAVAILABLE


class TestAnExecution:
    def test_is_pending_and_then_done(self, home: Installation, card: Card) -> None:
        """One order, charged what it came to, with its receipt; meanwhile nobody is told that it is done."""
        execution = home.confirm(card)
        started = home.engine.execute(execution.id, wait_s=5)
        assert started.status is ExecutionStatus.ACCEPTED
        assert home.ledger() == ()
        done = home.engine.execute(execution.id, wait_s=600)
        (entry,) = home.ledger()
        assert done.status is ExecutionStatus.DONE
        assert done.final_cost == entry.charged == Money(cents=4995)
        assert (done.vendor_reference, done.vendor_key) == (entry.reference, entry.client_reference)
        assert entry.vendor == "zinc"
        assert home.verify().ok

    def test_gives_zinc_exactly_the_confirmed_maximum(self, home: Installation, card: Card) -> None:
        """Not a cent more, and the key fits."""
        execution = home.carry_out(card)
        assert home.ledger()[0].detail["max_price_cents"] == MAXIMUM.cents
        assert len(execution.vendor_key) <= 36

    @pytest.mark.parametrize("words", ["order 2 packs of AA batteries", "order dish soap", "order 1 pack of AA batteries", "reorder"])
    def test_never_charges_more_than_was_confirmed(self, home: Installation, words: str) -> None:
        """Small orders with shipping, large ones without."""
        ordered = home.ask(words)
        if ordered.kind is CardKind.CLARIFICATION:
            ordered = home.ask("1", answers=str(ordered.request_id))
        with home.queries() as queries:
            maximum = queries.draft(str(ordered.draft_id)).terms.maximum
        done = home.carry_out(ordered)
        assert done.status is ExecutionStatus.DONE
        assert home.ledger()[0].charged <= maximum

    def test_costs_less_when_the_price_fell(self, home: Installation) -> None:
        """A lower price is covered by the confirmation."""
        home.fault("price_up", target=BATTERIES, amount=100)
        dear = home.ask("order 2 packs of AA batteries")
        clear_faults(home.world)
        assert home.carry_out(dear).final_cost == Money(cents=4995)

    def test_stays_with_its_merchant_when_the_preference_changes(self, home: Installation, card: Card) -> None:
        """An order is looked up where it was placed."""
        execution = home.confirm(card)
        home.fault("lose_answer")
        home.engine.execute(execution.id, wait_s=1)
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE preference SET default_merchant = 'amazon'")
        assert home.engine.execute(execution.id, wait_s=600).status is ExecutionStatus.DONE
        assert [entry.vendor for entry in home.ledger()] == ["zinc"]

    def test_can_be_asked_for_by_a_day(self, home: Installation) -> None:
        """The wish is in the draft and in the check before the commit alike."""
        wished = home.ask("order 2 packs of AA batteries by friday")
        assert any("by 2026-03-06" in warning for warning in wished.warnings)
        assert home.carry_out(wished).status is ExecutionStatus.DONE

    def test_of_a_repeat_buys_the_same_again(self, home: Installation, card: Card) -> None:
        """REORDER, from Halo's own books."""
        home.carry_out(card)
        home.later(hours=1)
        home.carry_out(home.ask("reorder"))
        assert [(line["asin"], line["quantity"]) for line in home.bought()] == [(BATTERIES, 2)] * 2

    def test_of_a_repeat_knows_what_was_bought_without_halo(self, home: Installation) -> None:
        """REORDER, from Zinc's history."""
        assert home.carry_out(home.ask("reorder")).status is ExecutionStatus.DONE
        assert [line["asin"] for line in home.bought()] == ["B049TVMVXE", "B0RVAYKB2E", "B0EZRHW47C"]


class TestTermsThatMoved:
    @pytest.mark.parametrize("cents", [1, 150])
    def test_stop_it_before_anything_is_sent(self, home: Installation, card: Card, cents: int) -> None:
        """A price that rose is a new decision, also where it would have stayed below the maximum."""
        home.fault("price_up", target=BATTERIES, amount=cents)
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.TERMS_CHANGED
        assert commits(home, execution) == 0
        home.later(minutes=5)
        assert home.ask("order dish soap").kind is not CardKind.FAILED
        assert home.ledger() == ()

    def test_at_the_till_are_refused_by_zinc_and_become_a_revised_draft(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the check and the purchase, beyond the maximum: no order, and a new card with the new price."""
        self.raise_at_commit(home, monkeypatch, cents=600)
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.TERMS_CHANGED
        assert home.ledger() == ()
        with home.queries() as queries:
            revised = queries.draft(str(execution.revised_draft_id))
        assert revised.terms.total == Money(cents=5798)
        assert revised.terms.maximum > MAXIMUM
        done = home.carry_out(home.engine.retry(execution.id, member=None))
        assert done.status is ExecutionStatus.DONE
        assert home.ledger()[0].charged <= revised.terms.maximum

    def test_at_the_till_within_the_maximum_are_what_was_confirmed(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The maximum was shown, and is kept."""
        self.raise_at_commit(home, monkeypatch, cents=100)
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert Money(cents=4995) < home.ledger()[0].charged <= MAXIMUM

    def raise_at_commit(self, home: Installation, monkeypatch: pytest.MonkeyPatch, *, cents: int) -> None:
        commit = Order.commit

        def late(verb: Order, *args: Any, **kwargs: Any) -> Any:
            home.fault("price_up", target=BATTERIES, amount=cents)
            monkeypatch.setattr(Order, "commit", commit)
            return commit(verb, *args, **kwargs)

        monkeypatch.setattr(Order, "commit", late)

    def test_to_sold_out_at_the_till_buy_nothing(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Zinc takes the order on, and cannot fill it."""
        execution = home.confirm(card)
        home.engine.execute(execution.id, wait_s=1)
        home.fault("out_of_stock", target=BATTERIES, amount=1)
        ended = home.engine.execute(execution.id, wait_s=600)
        assert ended.status in (ExecutionStatus.FAILED, ExecutionStatus.TERMS_CHANGED)
        assert home.ledger() == ()


class TestALostAnswer:
    def test_after_it_was_taken_on_is_found_and_not_repeated(self, home: Installation, card: Card) -> None:
        """Unknown, pending, done: sent once."""
        home.fault("lose_answer")
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.DONE
        assert (commits(home, execution), len(home.ledger())) == (1, 1)
        assert home.verify().ok

    def test_before_it_was_taken_on_is_sent_again_under_the_same_key(self, home: Installation, card: Card) -> None:
        """Zinc steadily has no record of it."""
        home.fault("drop_before")
        execution = home.carry_out(card)
        (entry,) = home.ledger()
        assert execution.status is ExecutionStatus.DONE
        assert (commits(home, execution), entry.client_reference) == (2, execution.vendor_key)

    def test_that_shows_so_late_that_it_is_sent_again_is_still_one_order(self, home: Installation, card: Card) -> None:
        """The repeat meets 409 `already_exists`, which is looked up."""
        home.fault("lose_answer")
        home.fault("hide_orders", times=5)
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.DONE
        assert (commits(home, execution), len(home.ledger())) == (2, 1)

    def test_to_a_repeat_that_is_not_shown_either_waits_on(self, home: Installation, card: Card) -> None:
        """409 and no order in sight: unknown, never a no, and in the end the one order."""
        home.fault("lose_answer")
        home.fault("hide_orders", times=7)
        execution = home.carry_out(card, wait_s=1200)
        assert execution.status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1

    def test_shows_as_checking_meanwhile(self, home: Installation, card: Card) -> None:
        """While nobody knows, nobody is told that it failed."""
        home.fault("lose_answer")
        home.fault("hide_orders", times=99)
        execution = home.carry_out(card, wait_s=1)
        assert home.card(execution).kind is CardKind.CHECKING


class TestAVendorInTrouble:
    def test_is_asked_again_and_has_one_order(self, home: Installation, card: Card) -> None:
        """429 before anything happened."""
        home.fault("rate_limited", target="zinc.place_order")
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.DONE
        assert (commits(home, execution), len(home.ledger())) == (2, 1)

    def test_while_it_is_buying_is_waited_for(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """An order that takes ten minutes, with a look-up that fails in the middle of them, goes to no person."""
        answers: Iterator[Found] = iter([*[Pending(reference="7")] * 10, Unknown(message="503"), Done(reference="7", total=MAXIMUM)])
        monkeypatch.setattr(Zinc, "find", lambda *_: next(answers))
        assert home.carry_out(card, wait_s=3600).status is ExecutionStatus.DONE

    def test_while_it_is_buying_is_not_asked_all_the_time(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two seconds at first, a minute in the end."""
        asked: list[Any] = []

        def find(*_: Any) -> Pending:
            asked.append(home.clock.now())
            return Pending(reference="7")

        monkeypatch.setattr(Zinc, "find", find)
        home.carry_out(card, wait_s=600)
        pauses = [later - earlier for earlier, later in pairwise(asked)]
        assert pauses[:2] == [timedelta(seconds=5), timedelta(seconds=15)]
        assert set(pauses[2:]) == {timedelta(seconds=60)}

    def test_that_charges_more_than_its_ceiling_is_told_on(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """The card and the log's check say so, of a part as of the whole."""
        over = MAXIMUM + Money(cents=1)
        for outcome in (Done(reference="1", total=over), Partial(reference="1", total=over, done=("one",), not_done=("other",))):
            monkeypatch.setattr(Zinc, "find", lambda *_, outcome=outcome: outcome)
            execution = home.carry_out(home.ask("order 2 packs of AA batteries"))
            assert "more than was confirmed" in str(execution.error_message)
        assert sum("charged more than confirmed" in problem for problem in home.verify().problems) == 2

    def test_that_skips_an_item_has_done_a_part(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was bought and what was not; never topped up by itself."""
        # As an account that buys what it can: Halo itself never wishes for that.
        monkeypatch.setattr(zinc_adapter, "order_body", lambda basket: {**order_body(basket), "fulfillment": {"items": "best_effort"}})
        usual = home.ask("reorder")
        execution = home.confirm(usual)
        home.engine.execute(execution.id, wait_s=1)
        home.fault("out_of_stock", target="B0EZRHW47C")
        ended = home.engine.execute(execution.id, wait_s=600)
        assert ended.status is ExecutionStatus.PARTIAL
        assert ended.error_message == "Not done: 2 × B0EZRHW47C."
        assert [line["asin"] for line in home.bought()] == ["B049TVMVXE", "B0RVAYKB2E"]
        assert home.verify().ok


class TestAPlantedBug:
    """Each takes one safeguard away and shows that the ledger or the log then tells."""

    def test_a_ceiling_that_is_relaxed_is_found(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """With another `max_price` than the confirmed one, a price that rises at the till is paid; the log's check finds it."""
        monkeypatch.setattr(zinc_adapter, "order_body", lambda basket: {**order_body(basket), "max_price": 90_000})
        monkeypatch.setattr(zinc_adapter, "_taken", lambda *_: Unknown(message="not looked at"))
        TestTermsThatMoved().raise_at_commit(home, monkeypatch, cents=600)
        home.carry_out(card)
        assert home.ledger()[0].charged > MAXIMUM
        assert any("charged more" in problem for problem in home.verify().problems)

    def test_a_requote_that_is_skipped_pays_a_price_nobody_saw(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Below the maximum Zinc has no reason to stop: only the check before the commit does."""
        monkeypatch.setattr(execute_stage, "is_covered_by", lambda *_: True)
        home.fault("price_up", target=BATTERIES, amount=150)
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert home.ledger()[0].charged > Money(cents=4995)

    def test_a_conflict_taken_for_a_no_is_caught_by_the_engine(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without the look-up behind a 409 the adapter says no; after a lost answer the engine does not believe it, and asks a person."""
        refused = Zinc._refused

        def believed(adapter: Zinc, status: int, error: Any, external_id: str) -> Any:
            monkeypatch.setattr(Zinc, "find", lambda *_: NotThere())
            return refused(adapter, 400, error.model_copy(update={"code": "x"}), external_id)

        with monkeypatch.context() as bug:
            bug.setattr(Zinc, "_refused", believed)
            home.fault("lose_answer")
            home.fault("hide_orders", times=5)
            first = home.carry_out(card)
        monkeypatch.undo()
        assert first.status is ExecutionStatus.NEEDS_ATTENTION
        assert len(home.ledger()) == 1

    def test_a_pending_order_taken_for_done_has_no_cost_to_show(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If 201 were an order, a receipt would be written for what Zinc then fails to buy."""
        monkeypatch.setattr(zinc_adapter, "outcome_of", lambda order: Done(reference=order.id, total=None))
        execution = home.carry_out(card)
        home.fault("out_of_stock", target=BATTERIES)
        home.later(minutes=5)
        home.ask("order dish soap")
        assert execution.status is ExecutionStatus.DONE
        assert home.ledger() == ()

    def test_a_new_key_for_every_try_buys_twice(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Neither Zinc nor the look-up recognises the first order."""
        commit = Order.commit
        monkeypatch.setattr(
            Order, "commit", lambda verb, *args, key, context: commit(verb, *args, key=home.clock.token_hex(8), context=context)
        )
        home.fault("lose_answer")
        home.carry_out(card, wait_s=1200)
        assert len(home.ledger()) >= 2

    def test_a_lost_answer_taken_for_a_no_buys_twice(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first order is bought behind the person's back."""

        def failed(stage: Executing, job: Any, attempt: Attempt, message: str) -> Any:
            return stage._fail(job, attempt, Classification.PERMANENT, message)

        monkeypatch.setattr(Executing, "_unknown", failed)
        # Behind it stands another safeguard: "failed" is said only where the vendor's record does not say otherwise.
        monkeypatch.setattr(Executing, "_shown", lambda *_: None)
        home.fault("lose_answer")
        first = home.carry_out(card)
        home.carry_out(home.engine.retry(first.id, member=None))
        assert len(home.ledger()) == 2
