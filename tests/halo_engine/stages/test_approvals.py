"""A household's own rules in the confirm transaction: who may, two people, and somebody else than who asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from halo_engine.clock import FakeClock
from halo_engine.model.errors import (
    AlreadyCancelled,
    DraftExpired,
    HaloError,
    NeedsAnother,
    NotAuthorised,
    TermsChanged,
)
from halo_engine.model.event import Event
from halo_engine.model.execution import Execution
from halo_engine.model.household import Role
from halo_engine.model.money import Money
from halo_engine.model.policy import Case, NotTheAskerAlone, TwoPeople, Verdict
from halo_engine.model.rules import ConfirmRules
from halo_engine.store import approvals, tables
from halo_engine.store.event_log import EventLog
from tests.halo_engine.stages.ruling import (
    COST,
    batteries,
    executions,
    found_by_the_rules,
    log,
    not_the_asker,
    of_drafts,
    people,
    refused,
    rule,
    stands,
    two_people,
)
from tests.halo_engine.store.raw import count, sql
from tests.installation import Installation


class TestARolesAmount:
    @pytest.mark.parametrize(("up_to", "expected"), [(COST - 1, NotAuthorised), (COST, None), (COST + 1, None)])
    def test_is_held_to_the_cent(self, home: Installation, up_to: int, expected: type[HaloError] | None) -> None:
        """A child who was allowed that much may confirm it, and not one cent more."""
        rule(home, lambda rules: rules.allowing(Role.CHILD, "ORDER", up_to=Money(cents=up_to)))
        assert refused(home, batteries(home), "Kim") is expected
        assert executions(home) == (expected is None)

    def test_in_another_currency_allows_nothing(self, home: Installation) -> None:
        """However much it is."""
        rule(home, lambda rules: rules.allowing(Role.CHILD, "ORDER", up_to=Money(cents=10**9, currency="EUR")))
        assert refused(home, batteries(home), "Kim") is NotAuthorised

    def test_can_be_none_for_one_verb(self, home: Installation) -> None:
        """Adults may order and not cancel, though that costs nothing."""
        rule(home, lambda rules: rules.forbidding(Role.ADULT, "CANCEL"))
        assert refused(home, home.ask("cancel streamly"), "Sam") is NotAuthorised
        assert refused(home, batteries(home), "Sam") is None

    def test_never_passes_the_spending_limit(self, tmp_path: Path) -> None:
        """What the installation does not spend, no household's rule allows."""
        frugal = Installation.open(tmp_path / "frugal", spending_limit_cents=str(COST - 1))
        rule(frugal, lambda rules: rules.allowing(Role.OWNER, "ORDER", up_to=Money(cents=10**9)))
        assert refused(frugal, batteries(frugal), "Alex") is NotAuthorised
        frugal.engine.close()

    def test_counts_from_the_next_yes_on(self, home: Installation) -> None:
        """Also for a draft that stood before it was changed."""
        card = batteries(home)
        rule(home, lambda rules: rules.forbidding(Role.ADULT, "ORDER"))
        assert refused(home, card, "Sam") is NotAuthorised
        assert stands(home, card).approval == ("Alex may confirm.",)


class TestTwoPeople:
    def test_confirm_by_saying_yes_to_the_same_hash(self, anywhere: Installation) -> None:
        """The first yes is kept and does nothing; the second one starts the one execution, and the log proves both."""
        two_people(anywhere)
        card = batteries(anywhere)
        with pytest.raises(NeedsAnother, match=r"\$49.95 needs two people. Sam has said yes; Alex still has to.") as kept:
            anywhere.confirm(card, member="Sam")
        assert kept.value.hint == "The yes of Sam is kept. Nothing was done yet."
        assert (executions(anywhere), anywhere.ledger()) == (0, ())
        assert anywhere.carry_out(card, member="Alex").status.value == "done"
        assert of_drafts(anywhere) == ["draft.created", "draft.approved", "draft.confirmed"]
        alex, sam, _ = people(anywhere)
        confirmed = next(event for event in log(anywhere) if event.event_type == "draft.confirmed")
        assert (confirmed.payload["people_needed"], set(confirmed.payload["approved_by"])) == (2, {alex, sam})
        assert anywhere.verify().ok

    @pytest.mark.parametrize(("above", "expected"), [(COST - 1, NeedsAnother), (COST, None), (COST + 1, None)])
    def test_are_needed_above_the_amount_to_the_cent(self, home: Installation, above: int, expected: type[HaloError] | None) -> None:
        """At the amount itself one is enough."""
        two_people(home, above)
        assert refused(home, batteries(home), "Sam") is expected

    def test_are_not_one_person_twice(self, anywhere: Installation) -> None:
        """The same yes again is the one there is: nothing new is written, and nothing is done."""
        two_people(anywhere)
        card = batteries(anywhere)
        assert [refused(anywhere, card, "Sam") for _ in range(3)] == [NeedsAnother] * 3
        assert of_drafts(anywhere) == ["draft.created", "draft.approved"]
        assert (executions(anywhere), count(anywhere.engine._store, "draft_approval")) == (0, 1)
        assert refused(anywhere, card, "Alex") is None

    def test_are_not_one_and_a_child(self, home: Installation) -> None:
        """A child's yes is refused, put on record, and counts for nothing; also where it comes first."""
        two_people(home)
        card = batteries(home)
        assert [refused(home, card, who) for who in ("Kim", "Sam", "Kim")] == [NotAuthorised, NeedsAnother, NotAuthorised]
        assert of_drafts(home)[1:] == ["draft.confirmation_refused", "draft.approved", "draft.confirmation_refused"]

    def test_both_say_yes_to_what_stands_now(self, home: Installation) -> None:
        """A draft that was changed in between needs both again."""
        two_people(home)
        card = batteries(home)
        assert refused(home, card, "Sam") is NeedsAnother
        changed = home.engine.modify(str(card.draft_id), "make it 3", member="Kim")
        assert changed.approval == ("$74.92 needs two people: Alex and Sam.",)
        assert refused(home, card, "Alex") is TermsChanged
        assert refused(home, changed, "Alex") is NeedsAnother
        assert executions(home) == 0
        assert refused(home, changed, "Sam") is None
        assert home.verify().ok

    def test_have_the_time_that_the_draft_has(self, home: Installation) -> None:
        """A yes that was kept keeps nothing alive."""
        two_people(home)
        card = batteries(home)
        assert refused(home, card, "Sam") is NeedsAnother
        home.later(seconds=home.settings.draft_lives_s)
        assert refused(home, card, "Alex") is DraftExpired
        assert executions(home) == 0

    def test_are_nobody_once_it_was_cancelled(self, home: Installation) -> None:
        """No is final."""
        two_people(home)
        card = batteries(home)
        assert refused(home, card, "Sam") is NeedsAnother
        home.engine.cancel(str(card.draft_id), member="Kim")
        assert refused(home, card, "Alex") is AlreadyCancelled

    def test_may_both_at_the_moment_of_the_second_yes(self, anywhere: Installation) -> None:
        """Whoever was made a child meanwhile has not said it; made an adult again, they have."""
        two_people(anywhere)
        card = batteries(anywhere)
        assert refused(anywhere, card, "Sam") is NeedsAnother
        anywhere.engine.membership.change_role("Sam", Role.CHILD, by="Alex")
        assert refused(anywhere, card, "Alex") is NeedsAnother
        assert executions(anywhere) == 0
        assert stands(anywhere, card).approval == ("$49.95 needs two people, but only Alex may confirm.",)
        anywhere.engine.membership.change_role("Sam", Role.ADULT, by="Alex")
        assert refused(anywhere, card, "Alex") is None
        assert anywhere.verify().ok

    def test_are_needed_by_the_rules_of_the_second_yes(self, home: Installation) -> None:
        """A rule that is taken back does nothing by itself; the next yes is enough."""
        two_people(home)
        card = batteries(home)
        assert refused(home, card, "Sam") is NeedsAnother
        rule(home, lambda rules: rules.with_two_people_above(None))
        assert executions(home) == 0
        assert refused(home, card, "Sam") is None
        assert home.verify().ok

    def test_get_one_execution_for_both_yeses_again(self, home: Installation) -> None:
        """After the second, each of them is told of the same one."""
        two_people(home)
        card = batteries(home)
        assert refused(home, card, "Sam") is NeedsAnother
        assert len({home.confirm(card, member=who).id for who in ("Alex", "Sam", "Alex")}) == 1

    @pytest.mark.parametrize("second", [("Alex", "Alex"), ("Alex", "Jo")])
    def test_are_one_execution_when_two_say_the_second_yes_at_once(self, anywhere: Installation, second: tuple[str, str]) -> None:
        """Also where they are two more people."""
        two_people(anywhere)
        anywhere.engine.membership.add("Jo", Role.ADULT, by=None)
        cards = [batteries(anywhere) for _ in range(4)]
        for card in cards:
            assert refused(anywhere, card, "Sam") is NeedsAnother
            got = at_once([partial(anywhere.confirm, card, member=who) for who in second * 2])
            assert len({execution.id for execution in got if isinstance(execution, Execution)}) == 1
        assert executions(anywhere) == len(cards)
        assert anywhere.verify().ok

    def test_are_one_execution_when_both_say_the_first_yes_at_once(self, anywhere: Installation) -> None:
        """One of them is told that another is needed, and the other one is that."""
        two_people(anywhere)
        for _ in range(4):
            card = batteries(anywhere)
            got = at_once([partial(anywhere.confirm, card, member=who) for who in ("Alex", "Sam")])
            assert sorted(type(each).__name__ for each in got) == ["Execution", "NeedsAnother"]
        assert anywhere.verify().ok


class TestAYes:
    """On SQLite and on PostgreSQL, where a reader does not wait by itself for somebody who writes."""

    @staticmethod
    def _said_while_the_rules_change(home: Installation) -> type[HaloError] | None:
        """What Sam is told, who says yes after the change has begun and before it is over."""
        home.confirm(batteries(home), member="Sam")
        card = batteries(home)
        with ThreadPoolExecutor(1, thread_name_prefix="yes") as pool:
            said: list[Future[type[HaloError] | None]] = []

            def change(rules: ConfirmRules) -> ConfirmRules:
                said.append(pool.submit(refused, home, card, "Sam"))
                with pytest.raises(TimeoutError):
                    said[0].result(timeout=0.3)
                return rules.with_two_people_above(Money(cents=0))

            rule(home, change)
            return said[0].result(timeout=30)

    def test_waits_for_a_change_of_the_rules_and_meets_the_new_ones(self, anywhere: Installation) -> None:
        """So that what the log says was in force was."""
        assert self._said_while_the_rules_change(anywhere) is NeedsAnother
        assert anywhere.verify().ok

    def test_that_does_not_wait_meets_rules_that_are_no_more(
        self, tmp_path: Path, clock: FakeClock, postgres_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The planted bug: the chain is held only when the yes is written, and then it is too late."""
        hold, append = EventLog.hold, EventLog.append

        def not_for_a_yes(log: EventLog, household_id: str) -> None:
            if not threading.current_thread().name.startswith("yes"):
                hold(log, household_id)

        def hold_now(log: EventLog, payload: Any, **where: Any) -> Event:
            hold(log, where["household_id"])
            return append(log, payload, **where)

        monkeypatch.setattr(EventLog, "hold", not_for_a_yes)
        monkeypatch.setattr(EventLog, "append", hold_now)
        home = Installation.open(tmp_path / "home", clock=clock, database_url=postgres_url)
        assert self._said_while_the_rules_change(home) is None
        assert "fewer people than were needed" in home.verify().problems[0]
        home.engine.close()


def at_once(tasks: list[Callable[[], Execution]]) -> list[Execution | HaloError]:
    """What came of each, all begun at the same moment."""
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[], Execution]) -> Execution | HaloError:
        barrier.wait()
        try:
            return task()
        except HaloError as error:
            return error

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


class TestWhoAsked:
    def test_does_not_confirm_alone(self, anywhere: Installation) -> None:
        """Their yes is kept, and somebody else's is enough."""
        not_the_asker(anywhere)
        card = batteries(anywhere, "Alex")
        assert card.approval == ("Alex asked for it, so somebody else has to confirm: Sam.",)
        assert [refused(anywhere, card, "Alex") for _ in range(2)] == [NeedsAnother] * 2
        assert executions(anywhere) == 0
        assert refused(anywhere, card, "Sam") is None
        assert anywhere.verify().ok

    @pytest.mark.parametrize(("up_to", "expected"), [(COST - 1, NeedsAnother), (COST, None)])
    def test_does_up_to_the_amount(self, home: Installation, up_to: int, expected: type[HaloError] | None) -> None:
        """To the cent."""
        not_the_asker(home, up_to)
        assert refused(home, batteries(home, "Alex"), "Alex") is expected

    def test_is_also_who_changed_it(self, home: Installation) -> None:
        """Otherwise whoever makes it thirty would confirm what nobody else has asked for."""
        not_the_asker(home)
        card = home.engine.modify(str(batteries(home, "Kim").draft_id), "make it 3", member="Sam")
        assert card.approval == ("Sam and Kim asked for it, so somebody else has to confirm: Alex.",)
        assert refused(home, card, "Sam") is NeedsAnother
        assert refused(home, card, "Alex") is None
        assert home.verify().ok

    def test_is_also_who_asked_before_it_expired(self, home: Installation) -> None:
        """A child who says "again" does not make it the child's."""
        not_the_asker(home)
        card = batteries(home, "Sam")
        home.later(hours=2)
        again = home.engine.retry(str(card.draft_id), member="Kim")
        assert refused(home, again, "Sam") is NeedsAnother
        assert refused(home, again, "Alex") is None
        assert home.verify().ok

    def test_is_also_who_changed_it_before_it_expired(self, home: Installation) -> None:
        not_the_asker(home)
        card = batteries(home, "Kim")
        home.engine.modify(str(card.draft_id), "make it 3", member="Sam")
        home.later(hours=2)
        assert refused(home, home.engine.retry(str(card.draft_id), member="Kim"), "Sam") is NeedsAnother

    def test_is_also_who_asked_what_somebody_else_answered(self, home: Installation) -> None:
        """A question is answered by a child; it is still what Sam wanted."""
        not_the_asker(home)
        question = home.ask("order AAA batteries", member="Sam")
        answered = home.ask("3", member="Kim", answers=question.request_id)
        # Cheap enough to be theirs alone, were it not for the rule.
        not_the_asker(home, 1)
        assert refused(home, answered, "Sam") is NeedsAnother

    def test_and_who_changed_it_are_two_who_can_confirm_together(self, home: Installation) -> None:
        """So that two grown people at home are never stuck."""
        not_the_asker(home)
        card = home.engine.modify(str(batteries(home, "Alex").draft_id), "make it 3", member="Sam")
        assert [refused(home, card, who) for who in ("Alex", "Sam")] == [NeedsAnother, None]
        assert home.verify().ok

    def test_may_be_one_of_two(self, home: Installation) -> None:
        """Where two people are needed, whoever asked and another one are."""
        two_people(home)
        not_the_asker(home)
        card = batteries(home, "Alex")
        assert [refused(home, card, who) for who in ("Alex", "Sam")] == [NeedsAnother, None]


class TestTheRecord:
    def test_says_what_every_rule_found(self, home: Installation) -> None:
        """Kept with the first yes and with the last."""
        two_people(home)
        card = batteries(home, "Sam")
        assert [refused(home, card, who) for who in ("Sam", "Alex")] == [NeedsAnother, None]
        found = {event.event_type: found_by_the_rules(home, event) for event in log(home) if "verdicts" in event.payload}
        assert found["draft.approved"] == [
            ("may_confirm", True, "Sam is an adult"),
            ("spending_limit", True, "the limit is $500.00, this is $49.95"),
            ("two_people", False, "2 have to say yes, and Sam did"),
            ("not_the_asker_alone", True, "Sam asked for it"),
            ("signed", True, "it need not be signed"),
            ("daily_limit", True, "Sam may confirm $1,000,000.00 in 24 hours, $0.00 of it is used, and this is $49.95"),
            ("household_daily_limit", True, "the household may confirm $1,000,000.00 in 24 hours, $0.00 of it is used, and this is $49.95"),
        ]
        assert all(allowed for _, allowed, _ in found["draft.confirmed"])
        assert [reason for _, _, reason in found["draft.confirmed"] if "Alex and Sam did" in reason] != []

    def test_can_forget_who_the_rules_named(self, home: Installation) -> None:
        """The log commits to the reasons, which name people; they stand beside it, where they can be erased."""
        home.carry_out(batteries(home, "Alex"), member="Alex")
        (confirmed,) = (event for event in log(home) if event.event_type == "draft.confirmed")
        assert set(confirmed.payload["reasons"]) == {"committed"}
        assert all(not each["reason"] for each in confirmed.payload["verdicts"])


class TestAPlantedBug:
    """Each takes one safeguard away: the behaviour above breaks, and where the log can tell, it does."""

    def test_one_person_counted_twice_confirms_alone(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """And the audit sees that one was not two."""

        def by_yeses(policy: TwoPeople, case: Case) -> Verdict:
            yeses = len(case.situation.approved_by) + 1
            return Verdict(policy=policy.name, allowed=yeses >= 2, reason="")

        monkeypatch.setattr(TwoPeople, "check", by_yeses)
        two_people(home)
        card = batteries(home)
        assert [refused(home, card, "Sam") for _ in range(2)] == [NeedsAnother, None]
        assert "fewer people than were needed" in home.verify().problems[0]

    def test_a_yes_to_an_earlier_hash_that_counts_lets_one_confirm_what_two_should(
        self, home: Installation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the audit sees that nobody else said it to these terms."""
        monkeypatch.setattr(approvals, "_APPROVED_BY", select(col(tables.DraftApproval.user_id)))
        two_people(home)
        card = batteries(home)
        assert refused(home, card, "Sam") is NeedsAnother
        changed = home.engine.modify(str(card.draft_id), "make it 3", member="Kim")
        assert refused(home, changed, "Alex") is None
        assert "fewer people than were needed" in home.verify().problems[0]

    def test_who_asked_not_asked_after_confirms_alone(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """And the audit sees that nobody else was there."""

        def always(policy: NotTheAskerAlone, _case: Case) -> Verdict:
            return Verdict(policy=policy.name, allowed=True, reason="")

        monkeypatch.setattr(NotTheAskerAlone, "check", always)
        not_the_asker(home)
        assert refused(home, batteries(home, "Alex"), "Alex") is None
        assert "nobody but who had asked for it" in home.verify().problems[0]

    def test_a_role_read_once_lets_who_lost_it_count(self, home: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        """The roles of the moment of the first yes are not those of the second."""

        def whoever_said_it(case: Case) -> Any:
            said = {*case.situation.approved_by, case.member.id}
            return tuple(each for each in case.situation.members if each.id in said)

        monkeypatch.setattr(Case, "approvers", whoever_said_it)
        two_people(home)
        card = batteries(home)
        assert refused(home, card, "Sam") is NeedsAnother
        home.engine.membership.change_role("Sam", Role.CHILD, by="Alex")
        assert refused(home, card, "Alex") is None

    def test_a_role_put_into_the_books_by_hand_is_noticed(self, home: Installation) -> None:
        """A child made an adult behind the log's back confirms; the audit names the member and the confirmation."""
        sql(home.engine._store, "UPDATE \"user\" SET role = 'adult' WHERE display_name = 'Kim'")
        home.carry_out(batteries(home, "Alex"), member="Kim")
        problems = " ".join(home.verify().problems)
        assert "was altered: the log says child" in problems
        assert "who may not" in problems

    def test_rules_put_into_the_books_by_hand_are_noticed(self, home: Installation) -> None:
        two_people(home)
        sql(home.engine._store, "UPDATE preference SET confirm_rules_json = NULL")
        assert any("rules of who may confirm were altered" in problem for problem in home.verify().problems)

    def test_a_yes_put_into_the_books_by_hand_is_not_in_the_log(self, home: Installation) -> None:
        """Whoever can write to the database can make it count, and the audit names it."""
        two_people(home)
        card = batteries(home)
        sql(
            home.engine._store,
            "INSERT INTO draft_approval (draft_hash, user_id, draft_id, given_at) VALUES (:hash, :sam, :draft, '2026-03-03 17:00:00.000000')",
            hash=card.draft_hash,
            sam=people(home)[1],
            draft=card.draft_id,
        )
        assert refused(home, card, "Alex") is None
        in_log, in_log_too, beside = home.verify().problems
        assert [problem.partition("): ")[2] for problem in (in_log, in_log_too)] == [
            f"draft {card.draft_id} was confirmed by fewer people than were needed",
            f"draft {card.draft_id} was confirmed with a yes that nobody gave",
        ]
        assert beside == f"a yes of {people(home)[1]} to {card.draft_hash} is in the books and not in the log"
