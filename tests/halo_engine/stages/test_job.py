"""What its attempts say of an execution: whether it was sent, whether it may have happened, and whether these books can know."""

from __future__ import annotations

from typing import Any, cast

import pytest

from halo_engine.model.execution import Attempt, Classification
from halo_engine.model.ids import Prefix
from halo_engine.model.money import Money
from halo_engine.model.outcome import Done, Partial
from halo_engine.stages.job import Job
from halo_engine.verb import Context, Verb
from tests.halo_engine.model import samples
from tests.halo_engine.model.samples import NOON, an_id, usd

AMBIGUOUS, TRANSIENT = Classification.AMBIGUOUS, Classification.TRANSIENT


def job(*attempts: tuple[str, Classification | None]) -> Job:
    """With those attempts, as (step, classification)."""
    made = (
        Attempt(
            id=an_id(Prefix.ATTEMPT, number),
            execution_id=an_id(Prefix.EXECUTION),
            attempt_number=number,
            step=step,
            started_at=NOON,
            status="ended",
            classification=classification,
        )
        for number, (step, classification) in enumerate(attempts, 1)
    )
    nobody_asks: Any = None
    return Job(samples.execution(), samples.draft(), cast(Verb[Any], nobody_asks), cast(Context, nobody_asks), tuple(made))


class TestAJob:
    def test_has_the_terms_of_its_draft(self) -> None:
        assert job().terms == samples.terms()

    @pytest.mark.parametrize(
        ("attempts", "sent"),
        [
            ([], False),
            ([("requote", TRANSIENT), ("look_up", None)], False),
            ([("restored", AMBIGUOUS)], False),
            ([("requote", TRANSIENT), ("commit", None)], True),
        ],
    )
    def test_was_sent_once_a_request_may_have_reached_the_vendor(
        self, attempts: list[tuple[str, Classification | None]], sent: bool
    ) -> None:
        """Asking for terms or for a record sends nothing."""
        assert job(*attempts).was_sent is sent

    @pytest.mark.parametrize(
        ("attempts", "may_have"),
        [
            ([], False),
            ([("commit", None)], False),
            ([("commit", TRANSIENT), ("requote", TRANSIENT)], False),
            ([("look_up", AMBIGUOUS)], False),
            ([("requote", TRANSIENT), ("commit", AMBIGUOUS)], True),
            ([("restored", AMBIGUOUS)], True),
            ([("restored", None)], False),
        ],
    )
    def test_may_have_happened_where_an_answer_was_lost(self, attempts: list[tuple[str, Classification | None]], may_have: bool) -> None:
        """To a request, or with the time that a backup does not know of; a look-up that told nothing did nothing."""
        assert job(*attempts).may_have_happened is may_have

    def test_was_restored_where_one_attempt_says_so(self) -> None:
        assert job(("commit", AMBIGUOUS), ("restored", AMBIGUOUS), ("look_up", None)).was_restored
        assert not job(("commit", AMBIGUOUS), ("look_up", None)).was_restored

    def test_counts_the_failures_of_one_kind(self) -> None:
        """Each kind has tries of its own."""
        made = job(("requote", TRANSIENT), ("commit", AMBIGUOUS), ("requote", TRANSIENT), ("requote", Classification.AUTH))
        assert [made.failures(kind) for kind in Classification] == [2, 1, 0, 1, 0]


class TestWhatTheVendorShows:
    @pytest.mark.parametrize(
        ("charged", "is_other"),
        [(usd(3691), False), (usd(3692), True), (Money(cents=1, currency="EUR"), True), (None, False)],
        ids=["the most there was", "a cent more", "another currency", "nothing said"],
    )
    def test_is_of_another_yes_where_it_is_more_than_this_one_allows(self, charged: Money | None, is_other: bool) -> None:
        """In books that were put back; in others nobody else can have confirmed."""
        restored, own = job(("restored", AMBIGUOUS)), job(("commit", AMBIGUOUS))
        for found in (Done(reference="1", total=charged), Partial(reference="1", total=charged)):
            assert restored.is_of_another_yes(found) is is_other
            assert own.is_of_another_yes(found) is False
