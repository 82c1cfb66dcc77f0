"""Executing: exactly what was confirmed, once, whatever the vendor does. The judge is always the vendors' own ledger."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from halo_engine.model.card import Card, CardKind
from halo_engine.model.errors import Conflict, StoreDamaged, VendorFailed
from halo_engine.model.execution import Attempt, Classification, ExecutionStatus
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, HandOff, NotThere, Partial, Pending, Reason, Rejected, Retryable, Unknown
from halo_engine.stages import execute as execute_stage
from halo_engine.stages.execute import Executing
from halo_engine.verbs import VERBS
from halo_engine.verbs.book import Book
from halo_engine.verbs.order import Order
from halo_sim.faults import clear_faults
from tests.installation import Installation

BATTERIES = "B035L4KKAX"


@pytest.fixture
def card(home: Installation) -> Card:
    """Two packs of batteries, waiting for their yes."""
    return home.ask("order 2 packs of AA batteries")


def attempts(home: Installation, execution_id: str) -> tuple[Attempt, ...]:
    with home.queries() as queries:
        return queries.execution(execution_id).attempts


def kinds(home: Installation, execution_id: str) -> list[tuple[str, Classification | None]]:
    return [(attempt.step, attempt.classification) for attempt in attempts(home, execution_id)]


class TestAnExecution:
    def test_does_what_was_confirmed_and_keeps_the_receipt(self, home: Installation, card: Card) -> None:
        """One order, for the confirmed amount, with its receipt in the books."""
        execution = home.carry_out(card)
        (entry,) = home.ledger()
        assert execution.status is ExecutionStatus.DONE
        assert execution.final_cost == entry.charged == Money(cents=4995)
        assert (execution.vendor_reference, execution.vendor_key) == (entry.reference, entry.client_reference)
        with home.queries() as queries:
            assert queries.receipt(execution.id).external_reference_id == entry.reference
        assert home.verify().ok

    def test_carried_out_again_does_nothing_more(self, home: Installation, card: Card) -> None:
        """Executing what has ended returns it as it ended."""
        execution = home.carry_out(card)
        assert home.engine.execute(execution.id, wait_s=600) == execution
        assert len(home.ledger()) == 1

    def test_costs_less_when_the_price_fell(self, home: Installation) -> None:
        """A lower price is covered by the confirmation, and only that is charged."""
        home.fault("price_up", target=BATTERIES, amount=100)
        dear = home.ask("order 2 packs of AA batteries")
        clear_faults(home.world)
        assert dear.cost == "$52.12"
        assert home.carry_out(dear).final_cost == Money(cents=4995) == home.ledger()[0].charged

    def test_of_altered_terms_is_refused_before_anything_is_sent(self, home: Installation, card: Card) -> None:
        """The books are checked against what was confirmed before the vendor hears of it."""
        execution = home.confirm(card)
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE execution SET draft_hash = '{'0' * 64}' WHERE id = '{execution.id}'")
        with pytest.raises(StoreDamaged):
            home.engine.execute(execution.id, wait_s=1)
        assert home.ledger() == ()


class TestTermsThatMoved:
    def test_stop_it_with_a_revised_draft_and_the_difference(self, home: Installation, card: Card) -> None:
        """A price that rose after the yes is a new decision."""
        home.fault("price_up", target=BATTERIES, amount=150)
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.TERMS_CHANGED
        assert home.ledger() == ()
        with home.queries() as queries:
            revised = queries.draft(str(execution.revised_draft_id))
        assert revised.revises == card.draft_id
        assert {change.field: (change.before, change.after) for change in revised.changes}["total"] == ("$49.95", "$53.20")
        assert kinds(home, execution.id) == [("requote", Classification.PRICE_OR_INVENTORY_CHANGE)]

    def test_can_be_confirmed_anew(self, home: Installation, card: Card) -> None:
        """The revised draft is a draft like any other."""
        home.fault("price_up", target=BATTERIES, amount=150)
        stopped = home.carry_out(card)
        done = home.carry_out(home.engine.retry(stopped.id, member=None))
        assert done.final_cost == Money(cents=5320) == home.ledger()[0].charged
        assert home.verify().ok

    def test_by_one_cent_are_still_another_decision(self, home: Installation, card: Card) -> None:
        """There is no tolerance: what was confirmed is the most."""
        home.fault("price_up", target=BATTERIES, amount=1)
        assert home.carry_out(card).status is ExecutionStatus.TERMS_CHANGED
        assert home.ledger() == ()

    def test_between_the_check_and_the_call_are_refused_by_the_vendor(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The confirmed price travels with the order as a ceiling, so the last word is safe too."""
        commit = Order.commit

        def late(verb: Order, *args: Any, **kwargs: Any) -> Any:
            home.fault("price_up", target=BATTERIES, amount=1)
            return commit(verb, *args, **kwargs)

        monkeypatch.setattr(Order, "commit", late)
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.TERMS_CHANGED
        assert home.ledger() == ()

    def test_to_sold_out_fail_with_the_reason(self, home: Installation, card: Card) -> None:
        """What can no longer be had, and nothing else either, is a plain failure that can be retried."""
        home.fault("out_of_stock", target=BATTERIES)
        execution = home.carry_out(card)
        assert execution.status in (ExecutionStatus.FAILED, ExecutionStatus.TERMS_CHANGED)
        assert home.ledger() == ()

    def test_of_a_slot_offer_the_nearest_table_anew(self, home: Installation) -> None:
        """A table that went is replaced by a draft for the nearest one, which nobody has confirmed yet."""
        dinner = home.ask("book a table for two at Nopa tomorrow at 7:30pm")
        home.fault("slot_gone")
        execution = home.carry_out(dinner)
        assert execution.status is ExecutionStatus.TERMS_CHANGED
        assert home.ledger() == ()
        with home.queries() as queries:
            revised = queries.draft(str(execution.revised_draft_id))
        assert "when" in {change.field for change in revised.changes}


class TestALostAnswer:
    def test_after_the_effect_is_found_and_not_repeated(self, home: Installation, card: Card) -> None:
        """The order went through and its answer did not: looking it up finds it."""
        home.fault("lose_answer")
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1
        assert kinds(home, execution.id) == [("commit", Classification.AMBIGUOUS), ("look_up", None)]
        assert home.verify().ok

    def test_shows_as_checking_meanwhile(self, home: Installation, card: Card) -> None:
        """While nobody knows, nobody is told that it failed."""
        home.fault("lose_answer")
        home.fault("hide_orders", times=99)
        execution = home.carry_out(card, wait_s=1)
        assert execution.status is ExecutionStatus.UNKNOWN
        assert home.card(execution).kind is CardKind.CHECKING

    def test_of_an_order_that_shows_late_is_not_sent_again(self, home: Installation, card: Card) -> None:
        """A vendor that shows an order only at the third look has still been asked once."""
        home.fault("lose_answer")
        home.fault("hide_orders", times=3)
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1

    def test_before_the_effect_is_sent_again_under_the_same_key(self, home: Installation, card: Card) -> None:
        """When the vendor steadily has no record of it, the very same request goes out once more."""
        home.fault("drop_before")
        execution = home.carry_out(card)
        (entry,) = home.ledger()
        assert execution.status is ExecutionStatus.DONE
        assert entry.client_reference == execution.vendor_key

    def test_of_a_vendor_without_keys_goes_to_a_person(self, home: Installation) -> None:
        """Resy recognises no repeats: what it has no record of is not booked again by itself."""
        dinner = home.ask("book a table for two at Nopa tomorrow at 7:30pm")
        home.fault("drop_before")
        execution = home.carry_out(dinner)
        assert execution.status is ExecutionStatus.NEEDS_ATTENTION
        assert home.ledger() == ()

    def test_of_a_booking_that_went_through_is_found(self, home: Installation) -> None:
        """The list of reservations tells."""
        dinner = home.ask("book a table for two at Nopa tomorrow at 7:30pm")
        home.fault("lose_answer")
        assert home.carry_out(dinner).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1

    def test_of_a_cancellation_that_went_through_is_found(self, home: Installation) -> None:
        """The subscription says that it ends."""
        card = home.ask("cancel streamly")
        home.fault("lose_answer")
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1


class TestAnAnswerThatStaysLost:
    """An order that the vendor shows too late: nobody may say that nothing was done, and nothing may be bought again."""

    @pytest.mark.parametrize("trouble", ["price_up", "out_of_stock", "unavailable"])
    def test_goes_to_a_person_whatever_happens_next(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch, trouble: str
    ) -> None:
        """At the second check the price is up, it is sold out, or the vendor is down: the first order may still be there."""
        home.fault("lose_answer")
        home.fault("hide_orders", times=5)
        quote, quotes = Order.quote, iter(range(9))

        def troubled(verb: Order, *args: Any) -> Any:
            if next(quotes) == 1:
                home.fault(trouble, **({"times": 999} if trouble == "unavailable" else {"target": BATTERIES}))
            return quote(verb, *args)

        monkeypatch.setattr(Order, "quote", troubled)
        execution = home.carry_out(card, wait_s=1200)
        assert execution.status is ExecutionStatus.NEEDS_ATTENTION
        assert "Nothing was done" not in home.card(execution).summary
        assert len(home.ledger()) == 1
        with pytest.raises(Conflict):
            home.engine.retry(execution.id, member=None)

    def test_and_comes_after_it_was_given_up_is_in_the_log(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """A booking made by a worker that was taken for dead is found by the log's check, with its reference."""
        dinner = home.ask("book a table for two at Nopa tomorrow at 7:30pm")
        execution = home.confirm(dinner)
        commit = Book.commit

        def late(verb: Book, *args: Any, **kwargs: Any) -> Any:
            outcome = commit(verb, *args, **kwargs)
            home.later(seconds=home.settings.request_lives_s)
            home.fault("unavailable", times=999)
            assert home.engine.execute(execution.id, wait_s=600).status is ExecutionStatus.NEEDS_ATTENTION
            return outcome

        monkeypatch.setattr(Book, "commit", late)
        home.engine.execute(execution.id, wait_s=600)
        assert len(home.ledger()) == 1
        assert any("after it had been given up" in problem for problem in home.verify().problems)

    @pytest.mark.parametrize("words", ["order 2 packs of AA batteries", "book a table for two at Nopa tomorrow at 7:30pm"])
    @pytest.mark.parametrize("slept_s", [240, 300, 3000])
    def test_and_was_never_sent_is_not_sent_by_whoever_slept_through_its_time(
        self, home: Installation, monkeypatch: pytest.MonkeyPatch, words: str, slept_s: int
    ) -> None:
        """A worker that was stopped before its call wakes when others may have acted on its silence: it sends nothing."""
        execution = home.confirm(home.ask(words))
        verb = Order if execution.verb == "ORDER" else Book
        commit, sleeps = verb.commit, iter([slept_s])

        def late(*args: Any, **kwargs: Any) -> Any:
            for seconds in sleeps:
                home.later(seconds=seconds)
                outcome = commit(*args, **kwargs)
                assert isinstance(outcome, Retryable)
                assert home.ledger() == ()
                return outcome
            return commit(*args, **kwargs)

        monkeypatch.setattr(verb, "commit", late)
        assert home.engine.execute(execution.id, wait_s=slept_s + 600).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1
        assert home.verify().ok


class TestAYesFromLongAgo:
    def test_spends_nothing(self, home: Installation, card: Card) -> None:
        """What was confirmed and never sent is drafted anew when somebody asks for it months later."""
        execution = home.confirm(card)
        home.later(days=90)
        assert home.engine.execute(execution.id, wait_s=60).status is ExecutionStatus.TERMS_CHANGED
        assert home.ledger() == ()


class TestAVendorInTrouble:
    def test_is_asked_again_after_5_30_and_120_seconds_then_it_fails(self, home: Installation, card: Card) -> None:
        """The specification's back-off, and then the reason."""
        start = home.clock.now()
        home.fault("unavailable", times=999)
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.FAILED
        *waits, last = (attempt.retry_delay_ms for attempt in attempts(home, execution.id))
        assert last is None
        # Each up to a tenth longer, by chance.
        assert [wait is not None and least <= wait <= least * 1.1 for wait, least in zip(waits, (5_000, 30_000, 120_000), strict=True)] == [
            True
        ] * 3
        assert waits != [5_000, 30_000, 120_000]
        assert home.clock.now() - start >= timedelta(seconds=155)
        assert home.ledger() == ()

    def test_that_recovers_has_one_order(self, home: Installation, card: Card) -> None:
        """A retry is one order when it succeeds."""
        execution = home.confirm(card)
        home.fault("unavailable", times=4)
        assert home.engine.execute(execution.id, wait_s=600).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1

    def test_with_an_expired_token_is_signed_in_to_anew(self, home: Installation, card: Card) -> None:
        """A token that ran out between the card and the yes costs nobody anything."""
        home.fault("token_expired")
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1

    def test_whose_guard_is_broken_is_told_on(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """If the vendor charges more than confirmed all the same, the card and the log's check say so."""
        charged = Done(reference="113-1", total=Money(cents=9999))
        monkeypatch.setattr(Order, "commit", lambda *_, **__: charged)
        execution = home.carry_out(card)
        assert "more than was confirmed" in str(execution.error_message)
        assert any("charged more than confirmed" in problem for problem in home.verify().problems)


class TestAnAnswer:
    """Each outcome a vendor can give ends, or goes on, where the table says."""

    @pytest.mark.parametrize(
        ("outcome", "status"),
        [
            (Partial(reference="1", total=Money(cents=2497), done=("one",), not_done=("other",)), ExecutionStatus.PARTIAL),
            (Rejected(reason=Reason.PAYMENT, message="The card was declined."), ExecutionStatus.FAILED),
            (Rejected(reason=Reason.RESTRICTED, message="Adults only."), ExecutionStatus.FAILED),
            (HandOff(url="https://example.com", message="A captcha."), ExecutionStatus.HANDED_OFF),
        ],
    )
    def test_ends_it(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch, outcome: Any, status: ExecutionStatus) -> None:
        """Definite answers are final."""
        monkeypatch.setattr(Order, "commit", lambda *_, **__: outcome)
        assert home.carry_out(card).status is status
        assert home.verify().ok

    def test_that_it_is_pending_is_followed_up_until_done(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Accepted is not done: the vendor is asked until it is."""
        answers = iter([Pending(reference="7"), Unknown(message="?"), Done(reference="7", total=Money(cents=4995))])
        monkeypatch.setattr(Order, "commit", lambda *_, **__: Pending(reference="7"))
        monkeypatch.setattr(Order, "look_up", lambda *_, **__: next(answers))
        assert home.carry_out(card).status is ExecutionStatus.DONE

    def test_that_stays_pending_too_long_goes_to_a_person(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """There is an end to every wait, and it is not "failed": the vendor may still do it."""
        patient = Installation.open(tmp_path / "patient", accepted_lives_s="600")
        monkeypatch.setattr(Order, "commit", lambda *_, **__: Pending(reference="7"))
        monkeypatch.setattr(Order, "look_up", lambda *_, **__: Pending(reference="7"))
        execution = patient.carry_out(patient.ask("order 2 packs of AA batteries"), wait_s=900)
        assert execution.status is ExecutionStatus.NEEDS_ATTENTION
        patient.engine.close()

    def test_nobody_can_get_goes_to_a_person(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """When looking up never tells, it ends where a person has to look, and cannot be retried blindly."""
        monkeypatch.setattr(Order, "commit", lambda *_, **__: Unknown(message="lost"))
        monkeypatch.setattr(Order, "look_up", lambda *_, **__: Unknown(message="unreadable"))
        execution = home.carry_out(card)
        assert execution.status is ExecutionStatus.NEEDS_ATTENTION
        with pytest.raises(Conflict):
            home.engine.retry(execution.id, member=None)


class TestAnswersThatContradictThemselves:
    """Before anybody is told that nothing was done, the vendor's own record has the last word."""

    def test_a_no_beside_an_order_that_is_there_is_taken_for_done(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was done, and refused as a repeat."""
        commit = Order.commit

        def refused(*args: Any, **kwargs: Any) -> Any:
            assert isinstance(commit(*args, **kwargs), Done)
            return Rejected(reason=Reason.PAYMENT, message="The card was declined.")

        monkeypatch.setattr(Order, "commit", refused)
        execution = home.carry_out(card)
        assert (execution.status, execution.final_cost) == (ExecutionStatus.DONE, Money(cents=4995))
        assert len(home.ledger()) == 1
        assert home.verify().ok

    @pytest.mark.parametrize("trouble", ["price_up", "out_of_stock"])
    def test_terms_that_moved_do_not_hide_an_order_that_is_there(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch, trouble: str
    ) -> None:
        """Books that do not know of their own order ask a person, and offer no second one."""
        home.fault(trouble, target=BATTERIES)
        monkeypatch.setattr(Order, "look_up", lambda *_, **__: Done(reference="114-7", total=Money(cents=4995)))
        execution = home.carry_out(card)
        assert (execution.status, execution.vendor_reference) == (ExecutionStatus.NEEDS_ATTENTION, "114-7")
        assert execution.revised_draft_id is None

    def test_a_failure_does_not_hide_an_order_that_is_there(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """The refusal is told once more after the record was asked, and shows it."""
        shown = iter([NotThere(), Done(reference="114-7", total=Money(cents=4995))])
        monkeypatch.setattr(Order, "commit", lambda *_, **__: Rejected(reason=Reason.PAYMENT, message="The card was declined."))
        monkeypatch.setattr(Order, "look_up", lambda *_, **__: next(shown))
        execution = home.carry_out(card)
        assert (execution.status, execution.vendor_reference) == (ExecutionStatus.NEEDS_ATTENTION, "114-7")

    def test_a_record_that_cannot_be_asked_says_nothing(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """A refusal stands then: it came from the vendor, too."""
        monkeypatch.setattr(Order, "commit", lambda *_, **__: Rejected(reason=Reason.PAYMENT, message="The card was declined."))
        monkeypatch.setattr(Order, "look_up", _trouble)
        assert home.carry_out(card).status is ExecutionStatus.FAILED

    def test_an_alternative_that_cannot_be_had_is_none(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """The execution ends all the same, with the reason it had."""
        monkeypatch.setattr(Order, "commit", lambda *_, **__: Rejected(reason=Reason.STOCK, message="It is sold out."))
        monkeypatch.setattr(Order, "alternative", _trouble)
        quote, quotes = Order.quote, iter(range(9))
        monkeypatch.setattr(Order, "quote", lambda *args: quote(*args) if next(quotes) == 0 else _trouble())
        execution = home.carry_out(card)
        assert (execution.status, execution.error_message) == (ExecutionStatus.FAILED, "It is sold out.")


class TestTroubleBeforeTheCall:
    def test_in_a_read_of_the_verb_is_tried_again(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing was sent yet, by the contract of a verb."""
        commit, troubles = Order.commit, iter([True])
        monkeypatch.setattr(Order, "commit", lambda *args, **kwargs: _trouble() if next(troubles, False) else commit(*args, **kwargs))
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1

    def test_in_a_look_up_is_no_answer(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """The outcome stays unknown, and is looked up once more."""
        look_up, troubles = Order.look_up, iter([True])
        home.fault("lose_answer")
        monkeypatch.setattr(Order, "look_up", lambda *args, **kwargs: _trouble() if next(troubles, False) else look_up(*args, **kwargs))
        assert home.carry_out(card).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1


def _trouble(*_: Any, **__: Any) -> Any:
    raise VendorFailed("The vendor cannot be asked.")


class TestAClockThatWasAhead:
    def test_does_not_keep_an_execution_waiting_for_years(self, home: Installation, card: Card) -> None:
        """What was to happen next year happens within the longest wait there is."""
        execution = home.confirm(card)
        with home.engine._store._engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE execution SET due_at = '2027-03-03 17:00:00.000000' WHERE id = '{execution.id}'")
        waiting = home.engine.execute(execution.id, wait_s=0)
        assert waiting.due_at is not None
        assert waiting.due_at - home.clock.now() <= timedelta(days=1)
        assert home.ledger() == ()


class TestAnAnswerToWhatWasTakenOver:
    def test_that_it_was_not_done_is_no_news(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only an effect that comes late has to be in the log: whoever took over has asked for everything else."""
        execution = home.confirm(card)
        commit, late = Order.commit, iter([True])

        def slow(*args: Any, **kwargs: Any) -> Any:
            if not next(late, False):
                return commit(*args, **kwargs)
            home.later(seconds=home.settings.request_lives_s)
            assert home.engine.execute(execution.id, wait_s=600).status is ExecutionStatus.DONE
            return Retryable(message="Too late.")

        monkeypatch.setattr(Order, "commit", slow)
        assert home.engine.execute(execution.id, wait_s=600).status is ExecutionStatus.DONE
        with home.queries() as queries:
            assert "execution.answer_came_late" not in {each.event_type for each in queries.execution(execution.id).events}
        assert len(home.ledger()) == 1


class TestAWorkerThatDied:
    def test_between_intention_and_answer_is_waited_out_and_looked_up(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The order goes on after its buyer died; recovery waits longer than it can live, looks it up, and finds it."""
        execution = home.confirm(card)
        with monkeypatch.context() as dying:
            dying.setattr(Executing, "_record", _die)
            with pytest.raises(SystemExit):
                home.engine.execute(execution.id, wait_s=600)
        assert home.engine.execute(execution.id, wait_s=1).status is ExecutionStatus.SUBMITTING
        assert home.engine.execute(execution.id, wait_s=600).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1
        assert home.verify().ok

    def test_and_wakes_after_another_took_over_writes_nothing(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The late worker's answer is fenced off; the execution ends once."""
        execution = home.confirm(card)
        record = Executing._record

        def late(stage: Executing, job: Any, attempt: Any, outcome: Any) -> Any:
            if attempt.step == "commit":
                monkeypatch.setattr(Executing, "_record", record)
                home.clock.advance(timedelta(seconds=home.settings.request_lives_s))
                assert home.engine.execute(execution.id, wait_s=600).status is ExecutionStatus.DONE
            return record(stage, job, attempt, outcome)

        monkeypatch.setattr(Executing, "_record", late)
        assert home.engine.execute(execution.id, wait_s=600).status is ExecutionStatus.DONE
        assert len(home.ledger()) == 1
        assert home.verify().ok


def _die(*_: Any) -> None:
    raise SystemExit


class TestAPlantedBug:
    """Each takes one safeguard away and shows that the ledger or the log then tells."""

    def test_requote_skipped_leaves_only_the_vendors_own_guard(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without (1), and with a vendor that ignores the ceiling, more is charged than was confirmed; the log's check finds it."""
        monkeypatch.setattr(execute_stage, "is_covered_by", lambda *_: True)
        home.fault("price_up", target=BATTERIES, amount=150)
        home.fault("ignore_expectations", times=9)
        home.carry_out(card)
        assert home.ledger()[0].charged > Money(cents=4995)
        assert any("charged more" in problem for problem in home.verify().problems)

    def test_a_lost_answer_taken_for_a_no_buys_twice(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without (5), the person is told that it failed, asks again, and has two orders."""

        def failed(stage: Executing, job: Any, attempt: Attempt, message: str) -> Any:
            return stage._fail(job, attempt, Classification.PERMANENT, message)

        monkeypatch.setattr(Executing, "_unknown", failed)
        # Behind it stands another safeguard: "failed" is said only where the vendor's record does not say otherwise.
        monkeypatch.setattr(Executing, "_shown", lambda *_: None)
        home.fault("lose_answer")
        first = home.carry_out(card)
        home.carry_out(home.engine.retry(first.id, member=None))
        assert len(home.ledger()) == 2

    def test_a_new_key_for_every_try_buys_twice(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a key made anew each time, neither the vendor nor the look-up recognises the first order."""
        commit = Order.commit
        monkeypatch.setattr(
            Order, "commit", lambda verb, *args, key, context: commit(verb, *args, key=home.clock.token_hex(8), context=context)
        )
        home.fault("lose_answer")
        home.carry_out(card)
        assert len(home.ledger()) == 2

    def test_an_answer_recorded_without_its_receipt_is_found(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """An effect without a receipt is a broken promise that the log's check names."""
        monkeypatch.setattr("halo_engine.store.receipts.Receipts.add", lambda *_: None)
        monkeypatch.setattr("halo_engine.model.event.ReceiptStored.event_type", "receipt.forgotten")
        home.carry_out(card)
        assert any("no receipt" in problem for problem in home.verify().problems)


@pytest.mark.parametrize(
    ("words", "is_safe"),
    [
        ("order 2 packs of AA batteries", True),
        ("reorder my last order", True),
        ("cancel streamly", True),
        ("book a haircut at Shear Joy on friday at 3pm", True),
        ("book a table for two at Nopa tomorrow at 7:30pm", False),
    ],
)
def test_every_draft_says_whether_it_may_be_sent_again(home: Installation, words: str, is_safe: bool) -> None:
    """The decision to send again is the vendor's who is asked, and not the verb's."""
    with home.queries() as queries:
        terms = queries.draft(str(home.ask(words).draft_id)).terms
    assert VERBS[terms.verb].repeats_safely(terms) is is_safe
