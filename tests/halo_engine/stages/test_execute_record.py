"""What the moves of an execution leave in the books and in the log, and when each comes after the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from halo_engine.model.canonical import sha256_hex
from halo_engine.model.card import Card
from halo_engine.model.errors import StoreDamaged, VendorFailed
from halo_engine.model.event import Event
from halo_engine.model.execution import Attempt, Classification, Execution, ExecutionStatus
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, HandOff, NotThere, Partial, Pending, Reason, Rejected, Retryable, Unknown
from halo_engine.verb import Refusal
from halo_engine.verbs.order import Order
from tests.halo_engine.store.raw import log_of, sql, without_triggers
from tests.installation import Installation

AMBIGUOUS, TRANSIENT, AUTH = Classification.AMBIGUOUS, Classification.TRANSIENT, Classification.AUTH
NO = Rejected(reason=Reason.PAYMENT, message="The card was declined.")
DONE = Done(reference="114-7", total=Money(cents=4995))


@pytest.fixture
def card(home: Installation) -> Card:
    """Two packs of batteries, waiting for their yes."""
    return home.ask("order 2 packs of AA batteries")


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Installation]:
    """Gives up what a vendor has accepted after 562 seconds."""
    home = Installation.open(tmp_path / "patient", accepted_lives_s="562")
    yield home
    home.engine.close()


def vendor(monkeypatch: pytest.MonkeyPatch, *, commit: Any = None, look_up: Any = None) -> list[str]:
    """Answers so from here on, every time; what it was asked."""
    asked: list[str] = []

    def answering(name: str, answer: Any) -> Callable[..., Any]:
        def answered(*_: Any, **__: Any) -> Any:
            asked.append(name)
            given = answer() if callable(answer) else answer
            if isinstance(given, Exception):
                raise given
            return given

        return answered

    for name, answer in (("commit", commit), ("look_up", look_up)):
        if answer is not None:
            monkeypatch.setattr(Order, name, answering(name, answer))
    return asked


def attempts(home: Installation, execution: Execution) -> tuple[Attempt, ...]:
    with home.queries() as queries:
        return queries.execution(execution.id).attempts


def ends(home: Installation, execution: Execution) -> list[tuple[str, str, Classification | None, int | None]]:
    """Of each attempt its step, how it ended, what that was, and how long is waited after it."""
    return [(each.step, each.status, each.classification, each.retry_delay_ms) for each in attempts(home, execution)]


def log(home: Installation, *event_types: str) -> list[Event]:
    return [event for event in log_of(home.engine._store, home.engine._home_id) if event.event_type in event_types]


class TestTheIntention:
    def test_is_on_record_before_the_vendor_is_called(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the moment from which on its answer is taken for lost."""
        execution, now = home.confirm(card), home.clock.now()
        seen: list[Execution] = []

        def looking() -> Done:
            with home.queries() as queries:
                detail = queries.execution(execution.id)
            seen.append(detail.execution)
            assert [(each.step, each.status, each.attempt_number, each.finished_at) for each in detail.attempts] == [
                ("commit", "begun", 1, None)
            ]
            return DONE

        vendor(monkeypatch, commit=looking)
        ended = home.engine.execute(execution.id, wait_s=0)
        (submitting,) = seen
        assert (submitting.status, submitting.version, submitting.submitted_at) == (ExecutionStatus.SUBMITTING, 1, now)
        assert submitting.due_at == now + timedelta(seconds=home.settings.request_lives_s)
        assert (ended.status, ended.version, ended.finished_at, ended.due_at) == (ExecutionStatus.DONE, 2, now, None)

    @pytest.mark.parametrize(("slept_s", "sent"), [(239, True), (240, False)])
    def test_is_good_until_a_request_could_outlive_it(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch, slept_s: int, sent: bool
    ) -> None:
        """A minute before its answer is taken for lost nothing is sent any more."""
        commit, outcomes = Order.commit, []

        def late(*args: Any, **kwargs: Any) -> Any:
            home.later(seconds=slept_s)
            outcomes.append(commit(*args, **kwargs))
            return outcomes[-1]

        monkeypatch.setattr(Order, "commit", late)
        home.engine.execute(home.confirm(card).id, wait_s=0)
        assert [isinstance(each, Done) for each in outcomes] == [sent]
        assert len(home.ledger()) == sent

    @pytest.mark.parametrize(("late_s", "status"), [(0, ExecutionStatus.DONE), (1, ExecutionStatus.TERMS_CHANGED)])
    def test_is_not_written_for_terms_that_expired_long_ago(
        self, home: Installation, card: Card, late_s: int, status: ExecutionStatus
    ) -> None:
        """To the second."""
        execution = home.confirm(card)
        home.later(seconds=home.settings.draft_lives_s + home.settings.sent_late_s + late_s)
        ended = home.engine.execute(execution.id, wait_s=0)
        assert ended.status is status
        assert ended.error_message == (None if status is ExecutionStatus.DONE else "The terms expired long before they could be sent.")

    def test_that_was_written_in_time_is_written_again_after_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first request was lost, and nobody else could send the second: it is the same one, under the same key."""
        hasty = Installation.open(tmp_path / "hasty", draft_lives_s="60", sent_late_s="0")
        hasty.fault("drop_before")
        done = hasty.carry_out(hasty.ask("order 2 packs of AA batteries"))
        assert [each.step for each in attempts(hasty, done)].count("commit") == 2
        assert (done.status, len(hasty.ledger())) == (ExecutionStatus.DONE, 1)
        hasty.engine.close()

    def test_is_never_to_do_what_was_not_confirmed(self, home: Installation) -> None:
        """Books that disagree about what it is, or under which key, send nothing."""
        for table, forgery in (
            ("execution", "UPDATE execution SET verb = 'REORDER' WHERE id = :id"),
            ("execution", "UPDATE execution SET vendor_key = 'halo-other' WHERE id = :id"),
            ("confirmation", "UPDATE confirmation SET draft_hash = 'x' WHERE draft_id = :draft"),
            ("confirmation", "DELETE FROM confirmation WHERE draft_id = :draft"),
        ):
            execution = home.confirm(home.ask("order 2 packs of AA batteries"))
            of = {"id": execution.id} if table == "execution" else {"draft": execution.draft_id}
            without_triggers(home.engine._store, table, forgery, **of)
            with pytest.raises(StoreDamaged, match="does not carry out what was confirmed"):
                home.engine.execute(execution.id, wait_s=0)
        assert home.ledger() == ()


class TestTermsThatMoved:
    def test_are_told_with_why(self, home: Installation, card: Card) -> None:
        """By us, or by whoever has it no more."""
        home.fault("price_up", target="B035L4KKAX", amount=150)
        moved = home.carry_out(card)
        assert (moved.status, moved.error_message) == (ExecutionStatus.TERMS_CHANGED, "The terms moved after they were confirmed.")
        with home.queries() as queries:
            assert queries.draft(str(moved.revised_draft_id)).request_id == card.request_id
        (created,) = (event for event in log(home, "draft.created") if event.entity_id == moved.revised_draft_id)
        assert (created.user_id, created.payload["revises"]) == (None, card.draft_id)

    def test_are_what_some_refusals_mean(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Those about the price, the stock or the hour have another offer, of which the vendor is asked anew; the others have none."""
        monkeypatch.setattr(Order, "alternative", lambda *_: None)
        for reason in Reason:
            asked = vendor(monkeypatch, commit=Rejected(reason=reason, message="No."), look_up=NotThere())
            ended = home.carry_out(home.ask("order 2 packs of AA batteries"))
            moved = reason in (Reason.PRICE, Reason.STOCK, Reason.SLOT_GONE)
            assert ended.status is (ExecutionStatus.TERMS_CHANGED if moved else ExecutionStatus.FAILED)
            assert (ended.error_message, bool(ended.revised_draft_id), ended.due_at) == ("No.", moved, None)
            assert asked == ["commit", "look_up", "look_up"]

    def test_without_another_offer_do_not_hide_an_order_that_shows_late(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is sold out, perhaps to us: the record has the last word before anybody is told that it failed."""
        shown = iter([NotThere(), DONE])
        vendor(monkeypatch, look_up=lambda: next(shown))
        monkeypatch.setattr(Order, "quote", lambda *_: Refusal(reason="It is sold out."))
        monkeypatch.setattr(Order, "alternative", lambda *_: None)
        assert home.carry_out(card).vendor_reference == "114-7"

    def test_without_another_offer_fail_with_why(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Order, "quote", lambda *_: Refusal(reason="It is sold out."))
        monkeypatch.setattr(Order, "alternative", lambda *_: None)
        ended = home.carry_out(card)
        assert (ended.status, ended.error_message) == (ExecutionStatus.FAILED, "It is sold out.")
        assert ends(home, ended) == [("requote", "failed", Classification.PRICE_OR_INVENTORY_CHANGE, None)]


class TestAnAttempt:
    def test_is_told_with_how_long_it_took(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """And leads to the draft that it is for."""

        def slow() -> Unknown:
            home.later(seconds=1.5)
            return Unknown(message="lost")

        vendor(monkeypatch, commit=slow, look_up=DONE)
        done = home.carry_out(card)
        first, second = log(home, "execution.attempt_finished")
        assert first.payload == {
            "attempt_number": 1,
            "step": "commit",
            "status": "unknown",
            "classification": "ambiguous",
            "retry_delay_ms": None,
            "took_ms": 1500,
            "reason": "lost",
        }
        assert (second.payload["attempt_number"], second.payload["took_ms"], second.payload["classification"]) == (2, 0, None)
        (confirmed,) = log(home, "draft.confirmed")
        assert {event.correlation_id for event in (first, second)} == {confirmed.correlation_id}
        for each, kept in zip((first, second), attempts(home, done), strict=True):
            assert (kept.finished_at, each.entity_id) == (home.clock.now(), done.id)

    def test_that_ends_before_it_began_took_no_time(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """The clock was set back."""

        def slow() -> Done:
            home.later(seconds=-2)
            return DONE

        vendor(monkeypatch, commit=slow)
        home.carry_out(card)
        assert log(home, "execution.attempt_finished")[-1].payload["took_ms"] == 0


class TestAnOutcomeThatNobodyKnows:
    def test_is_looked_up_after_each_of_the_waits_and_then_is_a_persons(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vendor(monkeypatch, commit=Unknown(message="lost"), look_up=Unknown(message="unreadable"))
        ended = home.carry_out(card)
        waits = [2000, 5000, 15_000, 60_000]
        assert ends(home, ended) == [
            ("commit", "unknown", AMBIGUOUS, None),
            *(("look_up", "unknown", AMBIGUOUS, wait) for wait in waits),
            ("look_up", "needs_attention", AMBIGUOUS, None),
        ]
        assert ended.error_message == "Whether this happened could not be found out: unreadable"

    def test_and_of_which_there_is_no_record_is_sent_again_so_many_times(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Once and three times more; each is looked up from the first wait on."""
        asked = vendor(monkeypatch, commit=Unknown(message="lost"), look_up=NotThere())
        ended = home.carry_out(card, wait_s=1200)
        assert asked == ["commit", *["look_up"] * 5] * 4
        one_round = [("look_up", "not_found", AMBIGUOUS, wait) for wait in (2000, 5000, 15_000, 60_000)]
        assert ends(home, ended)[1:5] == ends(home, ended)[-5:-1] == one_round
        assert ended.status is ExecutionStatus.NEEDS_ATTENTION
        assert ended.error_message == "The vendor has no record of it. It cannot be sent again safely."

    def test_but_the_vendor_refused_has_failed(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its own record says so: nobody has to ask it once more."""
        asked = vendor(monkeypatch, commit=Unknown(message="lost"), look_up=NO)
        ended = home.carry_out(card)
        assert (ended.status, ended.error_message) == (ExecutionStatus.FAILED, "The card was declined.")
        assert (ended.finished_at, ended.due_at) == (home.clock.now(), None)
        assert asked == ["commit", "look_up"]
        assert home.verify().ok


class TestWhatAVendorHasAccepted:
    def test_is_asked_after_less_and_less_often(self, patient: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """And ends with a person after the time it has: a wait that ends at that very second is still waited."""
        vendor(monkeypatch, commit=Pending(reference="7"), look_up=Pending(reference="7"))
        begun = patient.clock.now()
        ended = patient.carry_out(patient.ask("order 2 packs of AA batteries"), wait_s=900)
        waits = [2000, 5000, 15_000, *[60_000] * 10]
        assert ends(patient, ended) == [
            ("commit", "accepted", None, 2000),
            *(("look_up", "accepted", None, wait) for wait in waits[1:]),
            ("look_up", "needs_attention", AMBIGUOUS, None),
        ]
        assert ended.finished_at == begun + timedelta(seconds=622)
        assert (ended.vendor_reference, ended.error_message) == ("7", "The vendor accepted it as 7 and never finished.")

    def test_and_says_nothing_of_any_more_is_looked_up_from_the_first_wait_on(
        self, patient: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As many times as anything else that is not known."""
        answers = iter([Pending(reference="7")] * 3)
        vendor(monkeypatch, commit=Pending(reference="7"), look_up=lambda: next(answers, Unknown(message="?")))
        ended = patient.carry_out(patient.ask("order 2 packs of AA batteries"))
        assert [wait for *_, wait in ends(patient, ended)][4:] == [2000, 5000, 15_000, 60_000, None]

    def test_and_has_no_record_of_is_not_sent_again(self, patient: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """It took it: that it is not there is no word of a lost request."""
        asked = vendor(monkeypatch, commit=Pending(reference="7"), look_up=NotThere())
        ended = patient.carry_out(patient.ask("order 2 packs of AA batteries"))
        assert (ended.status, asked.count("commit")) == (ExecutionStatus.NEEDS_ATTENTION, 1)


class TestARetry:
    def test_waits_as_long_as_the_vendor_wishes_and_as_was_promised(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whichever is longer."""
        for wish_s, least_ms, most_ms in ((None, 5000, 5500), (1, 5000, 5500), (200, 200_000, 200_000)):
            answers = iter([Retryable(message="Busy.", retry_after_s=wish_s)])
            vendor(monkeypatch, commit=lambda answers=answers: next(answers, DONE))
            done = home.carry_out(home.ask("order 2 packs of AA batteries"))
            (_, status, kind, wait), last = ends(home, done)
            assert (done.status, status, kind, last) == (ExecutionStatus.DONE, "failed", TRANSIENT, ("commit", "done", None, None))
            assert least_ms <= (wait or 0) <= most_ms

    def test_with_a_new_credential_is_made_at_once_and_once(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor(monkeypatch, commit=Retryable(message="Who are you?", auth=True))
        at_first = home.clock.now()
        ended = home.carry_out(card, wait_s=1)
        assert ends(home, ended) == [("commit", "failed", AUTH, None)] * 2
        assert (ended.status, ended.error_message, ended.finished_at) == (ExecutionStatus.FAILED, "Who are you?", at_first)

    def test_that_is_not_made_asks_for_the_record_where_something_was_sent(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Four refusals unread, and an order that is there all the same."""
        asked = vendor(monkeypatch, commit=Retryable(message="Busy."), look_up=DONE)
        ended = home.carry_out(card)
        assert asked == [*["commit"] * 4, "look_up"]
        assert (ended.status, ended.vendor_reference) == (ExecutionStatus.NEEDS_ATTENTION, "114-7")
        assert ended.error_message == "The vendor has it already, as 114-7, and these books do not know of it."

    def test_that_is_not_made_asks_for_the_record_also_of_the_last_request(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Three times the terms could not be had, and then the one request was refused unread."""
        quote, troubles = Order.quote, iter([VendorFailed("It is down.")] * 3)

        def recovering(*args: Any) -> Any:
            if trouble := next(troubles, None):
                raise trouble
            return quote(*args)

        monkeypatch.setattr(Order, "quote", recovering)
        asked = vendor(monkeypatch, commit=Retryable(message="Busy."), look_up=DONE)
        ended = home.carry_out(card)
        assert (asked, ended.status) == (["commit", "look_up"], ExecutionStatus.NEEDS_ATTENTION)

    def test_that_is_not_made_asks_nobody_where_nothing_was_sent(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A vendor that cannot be asked for its terms cannot be asked for its record either."""

        def away(*_: Any) -> Any:
            raise VendorFailed("It is down.")

        monkeypatch.setattr(Order, "quote", away)
        asked = vendor(monkeypatch, look_up=DONE)
        ended = home.carry_out(card)
        assert (ended.status, ended.error_message, asked) == (ExecutionStatus.FAILED, "It is down.", [])
        assert [each.step for each in attempts(home, ended)] == ["requote"] * 4


class TestTheEnd:
    def test_of_an_effect_is_kept_with_its_receipt(self, home: Installation, card: Card) -> None:
        """By its hash in the log, behind the effect."""
        done = home.carry_out(card)
        with home.queries() as queries:
            receipt = queries.receipt(done.id)
        assert (receipt.type, receipt.execution_id, receipt.created_at) == ("amazon.order", done.id, home.clock.now())
        assert receipt.id.startswith("rct_")
        (stored,) = log(home, "receipt.stored")
        assert stored.entity_id == receipt.id
        assert stored.payload == {
            "execution_id": done.id,
            "type": "amazon.order",
            "external_reference_id": done.vendor_reference,
            "content_sha256": sha256_hex(receipt.content_text.encode()),
        }
        (confirmed,) = log(home, "draft.confirmed")
        assert stored.correlation_id == confirmed.correlation_id

    def test_is_told_with_where_it_came_from(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """And with what was taken, under which number."""
        vendor(monkeypatch, commit=Partial(reference="9", total=Money(cents=100), done=("one",), not_done=("other",)))
        ended = home.carry_out(card)
        moves = log(home, "execution.submitting", "execution.partial")
        assert [(event.payload["came_from"], event.payload["version"]) for event in moves] == [("confirmed", 1), ("submitting", 2)]
        told = ("vendor_reference", "charged_cents", "currency", "reason", "revised_draft_id", "handoff_url")
        assert [moves[0].payload[name] for name in told] == [None] * 6
        assert [moves[1].payload[name] for name in told] == ["9", 100, "USD", "Not done: other.", None, None]
        assert (moves[1].payload["draft_id"], moves[1].payload["draft_hash"]) == (ended.draft_id, ended.draft_hash)

    def test_by_hand_says_where(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        vendor(monkeypatch, commit=HandOff(url="https://example.com/cart", message="A captcha."))
        ended = home.carry_out(card)
        assert (ended.handoff_url, ended.error_message) == ("https://example.com/cart", "A captcha.")
        assert ends(home, ended) == [("commit", "handed_off", None, None)]
        assert home.verify().ok


class TestAnAnswerThatCameLate:
    def test_is_kept_where_it_says_that_something_is_there(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody else has given it up meanwhile, and that stands."""
        answers = (DONE, Partial(reference="9"), Pending(reference="7"), HandOff(url="https://example.com", message="A captcha."), NO)
        given = iter(answers)

        def late() -> Any:
            home.engine._executing.give_up(execution.id, "Nobody knows.")
            return next(given)

        vendor(monkeypatch, commit=late)
        for _ in answers:
            execution = home.confirm(home.ask("order 2 packs of AA batteries"))
            ended = home.engine.execute(execution.id, wait_s=1)
            assert (ended.status, ended.error_message) == (ExecutionStatus.NEEDS_ATTENTION, "Nobody knows.")
        keys = ("outcome", "vendor_reference", "charged_cents", "currency")
        assert [[event.payload[key] for key in keys] for event in log(home, "execution.answer_came_late")] == [
            ["done", "114-7", 4995, "USD"],
            ["partial", "9", None, None],
            ["pending", "7", None, None],
            ["handoff", None, None, None],
        ]


class TestWhoeverCarriesItOn:
    def test_and_dies_after_the_end_changes_nothing(self, home: Installation, card: Card) -> None:
        """Neither is it given up then."""
        done = home.carry_out(card)
        before = ends(home, done)
        home.engine._executing.take_over(done.id)
        assert home.engine._executing.give_up(done.id, "Why?").execution == done
        assert home.engine.execute(done.id, wait_s=0) == done
        assert ends(home, done) == before

    def test_and_dies_is_on_record_and_could_write_no_more(self, home: Installation, card: Card) -> None:
        execution = home.confirm(card)
        home.engine._executing.take_over(execution.id)
        with home.queries() as queries:
            assert queries.execution(execution.id).execution == execution.model_copy(update={"version": 1})
        assert ends(home, execution) == [("take_over", "take_over", None, None)]
        assert attempts(home, execution)[0].finished_at == home.clock.now()

    def test_and_dies_so_many_times_in_a_row_is_not_followed_by_another(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was carried on in between kills nobody."""
        vendor(monkeypatch, commit=Retryable(message="Busy."))
        execution = home.confirm(card)
        for _ in range(3):
            home.engine._executing.take_over(execution.id)
        home.engine.execute(execution.id, wait_s=0)
        for died in range(home.settings.worker_deaths + 1):
            with home.queries() as queries:
                assert queries.execution(execution.id).execution.status is ExecutionStatus.CONFIRMED, died
            home.engine._executing.take_over(execution.id)
        with home.queries() as queries:
            ended = queries.execution(execution.id).execution
        assert (ended.status, ended.error_message) == (ExecutionStatus.NEEDS_ATTENTION, "6 workers died while they carried this on.")
        assert (ended.finished_at, ended.due_at) == (home.clock.now(), None)
        assert attempts(home, ended)[-1].error_message == ended.error_message
        assert ends(home, ended)[-1] == ("give_up", "give_up", None, None)


class TestWhatIsDueLater:
    def test_waits_no_longer_than_the_longest_of_all_waits(self, home: Installation, card: Card) -> None:
        """Whoever sent the request may still tell its answer: the version stays."""
        execution, now = home.confirm(card), home.clock.now()
        for ahead_s, waits_s in ((3, 3), (600, 600), (601, 600)):
            due_at = now + timedelta(seconds=ahead_s)
            sql(home.engine._store, f"UPDATE execution SET due_at = '{due_at:%Y-%m-%d %H:%M:%S.%f}'")
            waiting = home.engine.execute(execution.id, wait_s=0)
            assert (waiting.due_at, waiting.version) == (now + timedelta(seconds=waits_s), 0)
            with home.engine._store.reading() as books:
                assert books.executions.look(execution.id) == waiting
