"""What a yes, and the refusal of one, leaves in the books and in the log; and what the person is told to do next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from halo_engine.clock import FakeClock
from halo_engine.model.card import Card
from halo_engine.model.device import DeviceKind
from halo_engine.model.errors import (
    AlreadyConfirmed,
    DraftExpired,
    HaloError,
    NotAuthorised,
    SignatureInvalid,
    StoreDamaged,
)
from halo_engine.model.execution import ExecutionStatus
from halo_engine.stages.confirm import vendor_key
from halo_engine.store.approvals import Approvals
from halo_engine.store.event_log import EventLog
from tests.halo_engine.stages.ruling import batteries, log, of_drafts, people, refused, rule, two_people
from tests.halo_engine.store.raw import count, without_triggers
from tests.installation import Installation
from tests.signing import a_signer, sign_above


@pytest.fixture
def card(home: Installation) -> Card:
    """A draft that waits for its yes, asked for by Kim."""
    return batteries(home)


def told(home: Installation, event_type: str) -> dict[str, Any]:
    """What the newest event of that type tells."""
    return [event.payload for event in log(home) if event.event_type == event_type][-1]


def meanwhile(monkeypatch: pytest.MonkeyPatch, where: type, name: str, clock: FakeClock, seconds: float) -> None:
    """Time passes in there."""
    real: Callable[..., Any] = getattr(where, name)

    def slow(*args: Any, **kwargs: Any) -> Any:
        clock.advance(timedelta(seconds=seconds))
        return real(*args, **kwargs)

    monkeypatch.setattr(where, name, slow)


class TestAYes:
    def test_is_told_with_all_that_it_was_held_against(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whose, to what, how much of their day it found used, and how long it took to decide."""
        for member in ("Sam", "Sam", "Alex"):
            home.confirm(batteries(home), member=member)
        home.later(seconds=42)
        meanwhile(monkeypatch, Approvals, "spent", home.clock, 1.5)
        execution = home.confirm(card, member="Sam")
        payload = told(home, "draft.confirmed")
        assert payload.pop("confirmation_id").startswith("cnf_")
        assert {verdict["allowed"] for verdict in payload.pop("verdicts")} == {True}
        assert "committed" in payload.pop("reasons")
        _, sam, kim = people(home)
        assert payload == {
            "draft_hash": card.draft_hash,
            "revision": 1,
            "execution_id": execution.id,
            "maximum_cents": 4995,
            "currency": "USD",
            "confirmation_latency_ms": 42_000,
            "people_needed": 1,
            "approved_by": [sam],
            "asked_by": [kim],
            "spent_cents": 9990,
            "household_spent_cents": 14_985,
            "device_id": None,
            "signature_sha256": None,
            "key_thumbprint": None,
            "took_ms": 1500,
        }

    def test_is_the_first_of_a_day_that_nothing_was_spent_on(self, home: Installation, card: Card) -> None:
        home.confirm(card, member="Alex")
        payload = told(home, "draft.confirmed")
        assert (payload["spent_cents"], payload["household_spent_cents"]) == (0, 0)

    def test_starts_an_execution_with_the_number_of_its_draft(self, home: Installation, card: Card) -> None:
        """So that books put back from before the yes give the vendor the same key again."""
        execution = home.confirm(card)
        assert execution.id == f"exe_{str(card.draft_id).removeprefix('dft_')}"
        assert (execution.status, execution.version, execution.started_at) == (ExecutionStatus.CONFIRMED, 0, home.clock.now())

    def test_said_before_its_card_was_shown_took_no_time(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """A clock that was set back makes no durations below nothing."""
        home.later(seconds=-5)
        meanwhile(monkeypatch, Approvals, "spent", home.clock, -3)
        home.confirm(card)
        payload = told(home, "draft.confirmed")
        assert (payload["confirmation_latency_ms"], payload["took_ms"]) == (0, 0)

    def test_happens_when_its_turn_has_come(self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever had to wait for another writer has not said it before."""
        at_first = home.clock.now()
        meanwhile(monkeypatch, EventLog, "hold", home.clock, 10)
        execution = home.confirm(card)
        with home.queries() as queries:
            assert queries.execution(execution.id).confirmation.confirmed_at == at_first + timedelta(seconds=10)

    def test_whose_turn_comes_when_the_draft_is_over_is_too_late(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meanwhile(monkeypatch, EventLog, "hold", home.clock, home.settings.draft_lives_s)
        with pytest.raises(DraftExpired):
            home.confirm(card)


class TestAKeptYes:
    def test_is_no_refusal(self, home: Installation, card: Card) -> None:
        two_people(home)
        assert refused(home, card, "Sam") is not None
        assert of_drafts(home) == ["draft.created", "draft.approved"]
        payload = told(home, "draft.approved")
        assert {verdict["policy"] for verdict in payload["verdicts"] if not verdict["allowed"]} == {"two_people"}
        known = ("draft_hash", "revision", "maximum_cents", "currency", "device_id", "signature_sha256", "key_thumbprint")
        assert [payload[name] for name in known] == [card.draft_hash, 1, 4995, "USD", None, None, None]

    def test_said_and_signed_again_is_the_one_there_is(self, home: Installation, card: Card) -> None:
        """A second signature says no more than the first: the log tells of one, and the books hold it."""
        two_people(home)
        phone = a_signer(home)
        for _ in range(2):
            with pytest.raises(NotAuthorised):
                phone.confirm(home, card, phone.signed(home, card))
        assert of_drafts(home) == ["draft.created", "draft.approved"]
        assert count(home.engine._store, "confirmation_signature") == 1
        payload = told(home, "draft.approved")
        assert (payload["device_id"], len(payload["signature_sha256"]), len(payload["key_thumbprint"])) == (phone.device_id, 64, 43)
        assert home.verify().ok

    def test_that_is_signed_after_it_was_said_is_more_than_it_was(self, home: Installation, card: Card) -> None:
        """It goes into the log a second time: only with its signature may it count where one is wanted."""
        two_people(home)
        phone = a_signer(home)
        for signature in (None, phone.signed(home, card)):
            with pytest.raises(NotAuthorised):
                phone.confirm(home, card, signature)
        sign_above(home, 0)
        sams = a_signer(home, "Sam", key=1)
        assert sams.confirm(home, card, sams.signed(home, card))
        assert of_drafts(home) == ["draft.created", "draft.approved", "draft.approved", "draft.confirmed"]
        assert home.verify().ok

    def test_is_not_counted_where_nobody_else_is_wanted_any_more(self, home: Installation, card: Card) -> None:
        """The rule was taken back: whoever confirms then does it alone."""
        two_people(home)
        assert refused(home, card, "Sam") is not None
        rule(home, lambda rules: rules.with_two_people_above(None))
        home.confirm(card, member="Alex")
        assert told(home, "draft.confirmed")["approved_by"] == people(home)[:1]


class TestARefusedYes:
    def test_is_on_record_with_what_can_be_a_hash_of_what_was_presented(self, home: Installation, card: Card) -> None:
        """Kept short: it may be anything."""
        with pytest.raises(HaloError):
            home.engine.confirm(str(card.draft_id), draft_hash="~<b>" + "a" * 100, member="Alex")
        assert told(home, "draft.confirmation_refused") == {"reason": "terms_changed", "presented_hash": "b" + "a" * 60}

    def test_says_that_nothing_was_done(self, home: Installation, card: Card) -> None:
        """To a child, to a program and to a device that is no member's any more, each with what can be done about it."""
        phone, program = a_signer(home), home.engine.devices.add("Desk", by=None, kind=DeviceKind.PROGRAM).device.id
        keyless = home.engine.devices.add("Old", by=None).device.id
        signature = phone.signed(home, card)
        say = partial(home.engine.confirm, str(card.draft_id), draft_hash=str(card.draft_hash))
        home.engine.devices.revoke(phone.device_id, by=None)
        tries: list[tuple[type[HaloError], str, dict[str, str]]] = [
            (NotAuthorised, "Nothing was done.", {"member": "Kim"}),
            (NotAuthorised, "Nothing was done.", {"member": "Alex", "device_id": program}),
            (
                SignatureInvalid,
                "Nothing was done. Enrol it once more: halo devices add NAME",
                {"member": "Alex", "device_id": phone.device_id, "signature": signature},
            ),
            (
                SignatureInvalid,
                "Enrol it once more with its key, or make one for this terminal: halo devices add NAME --this-terminal",
                {"member": "Alex", "device_id": keyless, "signature": signature},
            ),
        ]
        for kind, hint, given in tries:
            with pytest.raises(kind) as said:
                say(**given)
            assert said.value.hint == hint
            assert said.value.message.endswith(".")

    def test_of_what_is_on_its_way_leads_to_it(self, home: Installation, card: Card) -> None:
        changed = home.engine.modify(str(card.draft_id), "make it 3", member="Alex")
        execution = home.confirm(changed)
        with pytest.raises(AlreadyConfirmed) as said:
            home.confirm(card)
        assert said.value.hint.endswith(f"See how it went with: halo show {execution.id}")

    @pytest.mark.parametrize("gone", ["confirmation", "execution"])
    def test_of_damaged_books_starts_nothing(self, home: Installation, card: Card, gone: str) -> None:
        """The draft says that it was confirmed, and by whom, or what became of it, is not there."""
        home.confirm(card)
        without_triggers(home.engine._store, gone, f"DELETE FROM {gone}")
        with pytest.raises(StoreDamaged, match="A confirmed draft has no execution in the books"):
            home.confirm(card)
        assert home.ledger() == ()


class TestTheKeyThatAVendorKnows:
    def test_is_the_same_in_every_release(self) -> None:
        """Another one for the same execution would be bought once more. It has 32 characters."""
        assert vendor_key(b"\x01" * 32, "exe_01kjtdpp80ewsr5kkf8hzdf739") == "halo-34d2d643a6a7c77c22dda520cfe"
