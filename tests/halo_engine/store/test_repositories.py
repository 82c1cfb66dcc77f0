"""What is put into the books comes out the same, and only to the household it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest

from halo_engine.model.errors import NotFound, NotInitialised, StoreFailed
from halo_engine.model.execution import Attempt, Classification, ExecutionStatus
from halo_engine.model.household import Usual, UsualItem
from halo_engine.model.ids import Prefix
from halo_engine.model.intent import Intent
from halo_engine.model.money import Money
from halo_engine.model.receipt import Receipt
from halo_engine.store.session import Store
from tests.halo_engine.model.samples import NOON, usd
from tests.halo_engine.store.family import Family
from tests.halo_engine.store.raw import Struck, count

HOSTILE = "'; DROP TABLE draft; -- \" %s {0} :id ../../etc/passwd \r\n\t\u202e\u200b 👍🏽" + "🎉" * 10_000


class TestHouseholds:
    def test_come_back_with_everyone_in_them(self, family: Family) -> None:
        """The household, its members in the order they moved in, and what it prefers."""
        with family.store.transaction() as books:
            assert books.households.home() == family.household
            assert books.households.members(family.household.id) == (family.owner, family.child)
            assert books.households.preference(family.household.id) == family.preference

    def test_find_a_member_by_name_in_any_case_by_id_or_the_first(self, family: Family) -> None:
        """Whoever speaks without a name is the one who founded it."""
        with family.store.transaction() as books:
            found = [books.households.member(family.household.id, who) for who in ("kim", "KIM", family.child.id, None)]
        assert found == [family.child, family.child, family.child, family.owner]

    def test_know_nobody_of_another_household(self, family: Family, strangers: Family) -> None:
        """By id neither; the hint names only who lives here."""
        with family.store.transaction() as books, pytest.raises(NotFound) as refused:
            books.households.member(family.household.id, strangers.owner.id)
        assert refused.value.hint == "The members are: Alex, Kim."

    def test_are_missing_from_empty_books(self, store: Store) -> None:
        """Nobody has moved in."""
        with store.transaction() as books:
            assert books.households.first() is None
            with pytest.raises(NotInitialised):
                books.households.home()


class TestRequests:
    def test_come_back_word_for_word(self, family: Family) -> None:
        """What a person said is stored as it was said, whatever it contains."""
        request = family.request(HOSTILE)
        with family.store.transaction() as books:
            assert books.requests.get(family.household.id, request.id) == request

    def test_remember_the_question_that_is_open(self, family: Family) -> None:
        """Until it is answered."""
        request, understood = family.request(), Intent(verb="BOOK", confidence=1.0, missing_fields=("time",))
        for question in ({"field": "time", "options": [{"label": "7 pm"}]}, None):
            with family.store.transaction() as books:
                books.requests.understand(request.id, understood, question)
            with family.store.transaction() as books:
                now = books.requests.get(family.household.id, request.id)
            assert (now.intent, now.clarification, now.text) == (understood, question, request.text)


class TestExecutions:
    def test_come_back_with_their_confirmation(self, family: Family) -> None:
        """By id, by household and by draft."""
        draft = family.draft()
        execution = family.execution(draft)
        with family.store.transaction() as books:
            confirmation = books.executions.confirmation(draft.id)
            assert books.executions.get(execution.id) == execution == books.executions.of_draft(draft.id)
            assert confirmation is not None
            assert (confirmation.draft_hash, confirmation.user_id) == (draft.draft_hash, family.owner.id)

    def test_keep_every_field(self, family: Family) -> None:
        """Times to the microsecond, the amount with its currency, what the vendor said."""
        before = family.execution()
        at = NOON + timedelta(microseconds=123_456)
        fields = {"submitted_at": at, "due_at": at, "finished_at": at, "vendor_reference": "114-1", "final_cost": usd(3690)}
        after = before.move(ExecutionStatus.SUBMITTING, **fields, error_message=HOSTILE, revised_draft_id="dft_x", handoff_url="https://x")
        with family.store.transaction() as books:
            books.executions.replace(before, after)
        with family.store.transaction() as books:
            assert books.executions.get(before.id) == after

    def test_list_their_attempts_oldest_first(self, family: Family) -> None:
        """An attempt is written when it begins and again when it ends."""
        execution = family.execution()
        begun = [
            Attempt(
                id=family.clock.new_id(Prefix.ATTEMPT),
                execution_id=execution.id,
                attempt_number=n,
                step="commit",
                started_at=NOON,
                status="begun",
            )
            for n in (2, 1)
        ]
        ended = begun[0].model_copy(
            update={"finished_at": NOON, "status": "failed", "classification": Classification.TRANSIENT, "retry_delay_ms": 5000}
        )
        for attempt in (*begun, ended):
            with family.store.transaction() as books:
                books.executions.put_attempt(attempt)
        with family.store.transaction() as books:
            assert books.executions.attempts(execution.id) == (begun[1], ended)

    def test_tell_the_last_that_was_done_of_each_verb(self, family: Family) -> None:
        """The newest one, and none that is not finished."""
        family.execution()
        for minutes in (2, 1):
            execution = family.execution()
            done = execution.model_copy(
                update={
                    "status": ExecutionStatus.DONE,
                    "version": 1,
                    "finished_at": NOON + timedelta(minutes=minutes),
                    "final_cost": usd(minutes),
                }
            )
            with family.store.transaction() as books:
                books.executions.replace(execution, done)
        with family.store.transaction() as books:
            assert [last.final_cost for last in books.executions.last_done(family.household.id)] == [usd(2)]

    def test_tell_of_nothing_where_nothing_was_done_here(self, family: Family, strangers: Family) -> None:
        """One that goes on, and one that somebody else's household has done."""
        family.execution()
        theirs = strangers.execution()
        with family.store.transaction() as books:
            books.executions.replace(theirs, theirs.model_copy(update={"status": ExecutionStatus.DONE, "version": 1, "finished_at": NOON}))
        with family.store.transaction() as books:
            assert books.executions.last_done(family.household.id) == ()
            assert [last.id for last in books.executions.last_done(strangers.household.id)] == [theirs.id]

    def test_know_what_they_cost_in_its_own_currency(self, family: Family) -> None:
        """Without a cost there is none, whatever the column says."""
        before = family.execution()
        after = before.move(ExecutionStatus.SUBMITTING, final_cost=Money(cents=5, currency="EUR"))
        with family.store.transaction() as books:
            assert books.executions.get(before.id).final_cost is None
            books.executions.replace(before, after)
        with family.store.transaction() as books:
            assert books.executions.get(before.id).final_cost == Money(cents=5, currency="EUR")

    def test_that_have_not_ended_are_those_of_every_household(self, family: Family, strangers: Family) -> None:
        ended, open_ones = family.execution(), {family.execution().id, strangers.execution().id}
        with family.store.transaction() as books:
            books.executions.replace(ended, ended.move(ExecutionStatus.FAILED))
        with family.store.transaction() as books:
            assert {each.id for each in books.executions.unfinished()} == open_ones


class TestReceipts:
    def test_come_back_and_are_one_per_execution_and_type(self, family: Family) -> None:
        """The second of a type is refused by the database."""
        receipt = Receipt(
            id=family.clock.new_id(Prefix.RECEIPT),
            execution_id=family.execution().id,
            type="amazon.order",
            content_text=HOSTILE,
            external_reference_id="114-1",
            created_at=NOON,
        )
        with family.store.transaction() as books:
            books.receipts.add(receipt)
        with family.store.transaction() as books:
            assert books.receipts.of_execution(receipt.execution_id) == receipt
            assert books.receipts.of_execution("exe_without") is None
        with pytest.raises(StoreFailed), family.store.transaction() as books:
            books.receipts.add(receipt.model_copy(update={"id": family.clock.new_id(Prefix.RECEIPT)}))


class TestUsuals:
    def usual(self, family: Family, name: str, quantity: int = 1) -> Usual:
        items = (UsualItem(reference="B0", name="Coffee", quantity=quantity),)
        return Usual(id=family.clock.new_id(Prefix.USUAL), household_id=family.household.id, name=name, items=items, created_at=NOON)

    @pytest.mark.parametrize(
        ("name", "called"), [("breakfast", "BREAKFAST"), ("Éclairs", "éCLAIRS"), ("ЗАВТРАК", "завтрак"), ("Straße", "STRASSE")]
    )
    def test_are_found_by_name_in_any_case(self, family: Family, name: str, called: str) -> None:
        """In any alphabet, and saving one again replaces what is in it."""
        first = self.usual(family, name)
        for usual in (first, self.usual(family, called, quantity=3)):
            with family.store.transaction() as books:
                books.usuals.save(usual)
        with family.store.transaction() as books:
            assert books.usuals.all(family.household.id) == (first.model_copy(update={"items": self.usual(family, name, 3).items}),)
            assert books.usuals.remove(family.household.id, called).name == name
            assert books.usuals.all(family.household.id) == ()

    def test_belong_to_one_household(self, family: Family, strangers: Family) -> None:
        """Neither seen nor removed by another."""
        with family.store.transaction() as books:
            books.usuals.save(self.usual(family, "breakfast"))
            assert books.usuals.all(strangers.household.id) == ()
            with pytest.raises(NotFound):
                books.usuals.remove(strangers.household.id, "breakfast")


class TestAnotherHousehold:
    def test_is_not_found(self, family: Family, strangers: Family) -> None:
        """I9: what belongs to others looks exactly like what is not there."""
        draft, execution, request = strangers.draft(), strangers.execution(), strangers.request()
        with family.store.transaction() as books:
            looks: list[tuple[Callable[[str], object], str]] = [
                (partial(books.drafts.get, family.household.id), draft.id),
                (partial(books.executions.get, household_id=family.household.id), execution.id),
                (partial(books.requests.get, family.household.id), request.id),
            ]
            for look, theirs in looks:
                assert refusal(look, theirs) == refusal(look, "nothing_at_all")


def refusal(look: Callable[[str], object], identifier: str) -> tuple[str, str]:
    """What is said about an identifier that may not be seen."""
    with pytest.raises(NotFound) as refused:
        look(identifier)
    return refused.value.message, refused.value.hint


class TestTransactions:
    def test_write_everything_or_nothing(self, family: Family) -> None:
        """An error in the middle takes back what was written before it."""
        requests = count(family.store, "execution_request")
        with suppress(Struck), family.store.transaction() as books:
            books.usuals.save(TestUsuals().usual(family, "lost"))
            raise Struck
        assert (count(family.store, "usual_bundle"), count(family.store, "execution_request")) == (0, requests)

    def test_have_one_time(self, family: Family) -> None:
        """Everything in one happened at one moment, which the clock gave."""
        with family.store.transaction() as books:
            assert books.now == family.clock.now()

    def test_refuse_a_time_without_a_zone(self, family: Family) -> None:
        """Nobody could say later when that was."""
        naive = family.request().model_copy(update={"id": "req_naive", "created_at": datetime(2026, 3, 3, 17)})  # noqa: DTZ001
        with pytest.raises(StoreFailed), family.store.transaction() as books:
            books.requests.add(naive)
        assert count(family.store, "execution_request") == 1

    def test_keep_a_moment_in_whatever_zone_it_is_given(self, family: Family) -> None:
        """It comes back in UTC."""
        tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
        request = family.request().model_copy(update={"id": "req_tokyo", "created_at": tokyo})
        with family.store.transaction() as books:
            books.requests.add(request)
        with family.store.transaction() as books:
            back = books.requests.get(family.household.id, "req_tokyo").created_at
        assert (back, back.utcoffset()) == (NOON, timedelta(0))
