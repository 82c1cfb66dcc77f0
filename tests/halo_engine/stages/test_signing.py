"""A yes that is signed: what is signed, what is refused, and what the books and the log keep of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from halo_engine.model.card import Card
from halo_engine.model.errors import (
    AlreadyConfirmed,
    DraftExpired,
    HaloError,
    NeedsAnother,
    NotAuthorised,
    NotFound,
    SignatureExpired,
    SignatureInvalid,
    SignatureRequired,
    SignatureUsed,
    StoreFailed,
    TermsChanged,
)
from halo_engine.model.money import Money
from halo_engine.model.signing import check_shown
from halo_engine.stages import confirm as confirm_stage
from tests.halo_engine.store.raw import without_triggers
from tests.installation import Installation
from tests.signing import Signer, a_signer, sign_above

BATTERIES = "order 2 packs of AA batteries"


@pytest.fixture
def card(home: Installation) -> Card:
    return home.ask(BATTERIES, member="Sam")


@pytest.fixture
def phone(home: Installation) -> Signer:
    """Alex's."""
    return a_signer(home)


def refusal(home: Installation, phone: Signer, card: Card, signature: str | None) -> type[HaloError]:
    with pytest.raises(HaloError) as caught:
        phone.confirm(home, card, signature)
    return type(caught.value)


def rows(home: Installation, statement: str) -> list[Any]:
    with home.engine._store.transaction() as books:
        return list(books.connection.exec_driver_sql(statement))


def last_event(home: Installation, event_type: str) -> dict[str, Any]:
    (found, *_) = rows(home, f"SELECT event_payload_json FROM event_log WHERE event_type = '{event_type}' ORDER BY seq DESC")
    payload: dict[str, Any] = json.loads(found[0])
    return payload


class TestASignedYes:
    def test_starts_what_it_says(self, home: Installation, card: Card, phone: Signer) -> None:
        """Where the household wants it, and the log names device, signature and key by their hashes."""
        sign_above(home, 0)
        execution = phone.confirm(home, card, phone.signed(home, card))
        assert home.engine.execute(execution.id, wait_s=600).status.value == "done"
        payload = last_event(home, "draft.confirmed")
        assert payload["device_id"] == phone.device_id
        assert len(payload["signature_sha256"]) == 64
        assert len(payload["key_thumbprint"]) == 43
        assert home.verify().problems == ()

    def test_counts_where_none_is_wanted(self, home: Installation, card: Card, phone: Signer) -> None:
        """And is kept and checked there, too."""
        assert phone.confirm(home, card, phone.signed(home, card))
        assert len(rows(home, "SELECT 1 FROM confirmation_signature")) == 1

    def test_is_taken_once(self, home: Installation, card: Card, phone: Signer) -> None:
        """Again it is used, before and after the end, and nothing more happens."""
        signature = phone.signed(home, card)
        execution = phone.confirm(home, card, signature)
        assert refusal(home, phone, card, signature) is SignatureUsed
        home.engine.execute(execution.id, wait_s=600)
        assert refusal(home, phone, card, signature) is SignatureUsed
        assert len(home.bought()) == 1

    def test_lives_for_some_minutes(self, home: Installation, card: Card, phone: Signer) -> None:
        """Then another one is signed, as long as the draft lives."""
        signature = phone.signed(home, card)
        home.later(minutes=5)
        assert refusal(home, phone, card, signature) is SignatureExpired
        assert phone.confirm(home, card, phone.signed(home, card))

    def test_does_not_outlive_its_draft(self, home: Installation, card: Card, phone: Signer) -> None:
        """The last object ends with it."""
        home.later(minutes=29)
        signature = phone.signed(home, card)
        home.later(minutes=1)
        assert refusal(home, phone, card, signature) is DraftExpired

    def test_is_to_those_terms(self, home: Installation, card: Card, phone: Signer) -> None:
        """Not to the revision after it, and not to another draft, with whichever hash it is sent."""
        signature = phone.signed(home, card)
        changed = home.engine.modify(str(card.draft_id), "make it 3", member="Sam")
        assert refusal(home, phone, card, signature) is TermsChanged
        assert refusal(home, phone, changed, signature) is SignatureInvalid
        other = home.ask(BATTERIES, member="Sam")
        assert refusal(home, phone, other, signature) is SignatureInvalid

    def test_is_that_devices(self, home: Installation, card: Card, phone: Signer) -> None:
        """Not another one's of the same member, nor another member's with the same key, nor one whose device was revoked."""
        signature = phone.signed(home, card)
        for other in (a_signer(home, "Alex", key=0), a_signer(home, "Alex", key=1), a_signer(home, "Sam", key=0)):
            assert refusal(home, other, card, signature) is SignatureInvalid
        home.engine.devices.revoke(phone.device_id, by=None)
        assert refusal(home, phone, card, signature) is SignatureInvalid

    def test_comes_from_this_installation(self, home: Installation, card: Card, phone: Signer) -> None:
        """An object that somebody wrote without us, with our fields and their nonce, is not ours, whoever signed it."""
        said = json.loads(phone.fetch(home, card))
        for nonce in ("0" * 64, said["nonce"][:32] + "0" * 32, "0" * 32 + said["nonce"][32:]):
            forged = json.dumps({**said, "nonce": nonce}, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
            assert refusal(home, phone, card, phone.sign(forged)) is SignatureInvalid

    def test_is_a_devices(self, home: Installation, card: Card, phone: Signer) -> None:
        """One that nobody's device has sent is nobody's."""
        given = {"draft_hash": str(card.draft_hash), "member": "Alex", "signature": phone.signed(home, card)}
        with pytest.raises(SignatureInvalid, match="no device has said this"):
            home.engine.confirm(str(card.draft_id), **given)
        assert home.ledger() == ()

    def test_of_a_child_is_not_enough(self, home: Installation, card: Card) -> None:
        """A signature says who it was, and not that they may."""
        child = a_signer(home, "Kim")
        assert refusal(home, child, card, child.signed(home, card)) is NotAuthorised


class TestAnUnsignedYes:
    def test_is_refused_where_it_has_to_be_signed(self, home: Installation, card: Card, phone: Signer) -> None:
        """With what to do about it; recorded, and without an effect."""
        sign_above(home, 4994)
        with pytest.raises(SignatureRequired, match=r"has to be signed by a device of Alex\.$") as caught:
            phone.confirm(home, card, None)
        assert "--this-terminal" in caught.value.hint
        assert last_event(home, "draft.confirmation_refused")["reason"] == "signature_required"
        assert home.ledger() == ()

    def test_is_enough_up_to_the_amount(self, home: Installation, card: Card) -> None:
        """To the cent."""
        sign_above(home, 4995)
        assert home.confirm(card, member="Alex")

    def test_of_somebody_who_may_not_is_told_so(self, home: Installation, card: Card) -> None:
        """Signing would not help them."""
        sign_above(home, 0)
        with pytest.raises(NotAuthorised, match="child") as caught:
            home.confirm(card, member="Kim")
        assert not isinstance(caught.value, SignatureRequired)

    def test_of_what_was_confirmed_is_told_of_its_execution(self, home: Installation, card: Card, phone: Signer) -> None:
        """As ever: it starts nothing."""
        sign_above(home, 0)
        execution = phone.confirm(home, card, phone.signed(home, card))
        assert home.confirm(card, member="Alex").id == execution.id


class TestTwoPeople:
    def test_sign_both(self, home: Installation, card: Card, phone: Signer) -> None:
        """Each signature is kept; a kept yes sent again is used."""
        sign_above(home, 0)
        home.engine.membership.change_rules(lambda rules: rules.with_two_people_above(Money(cents=1)), by=None)
        sams = a_signer(home, "Sam", key=1)
        first = phone.signed(home, card)
        assert refusal(home, phone, card, first) is NeedsAnother
        assert refusal(home, phone, card, first) is SignatureUsed
        assert refusal(home, sams, card, None) is SignatureRequired
        assert sams.confirm(home, card, sams.signed(home, card))
        assert len(rows(home, "SELECT 1 FROM confirmation_signature")) == 2
        assert home.verify().problems == ()

    def test_find_a_yes_from_before_the_rule_worth_nothing(self, home: Installation, card: Card, phone: Signer) -> None:
        """It was not signed: it has to be said once more, signed, and the card says who is left."""
        home.engine.membership.change_rules(lambda rules: rules.with_two_people_above(Money(cents=1)), by=None)
        assert refusal(home, phone, card, None) is NeedsAnother
        sign_above(home, 0)
        sams = a_signer(home, "Sam", key=1)
        assert refusal(home, sams, card, sams.signed(home, card)) is NeedsAnother
        with home.queries() as queries:
            assert "Sam has said yes; Alex still has to." in queries.card(str(card.draft_id)).approval
        assert phone.confirm(home, card, phone.signed(home, card))
        assert home.verify().problems == ()


class TestTheObject:
    def test_is_what_the_card_shows(self, home: Installation, card: Card, phone: Signer) -> None:
        """Whoever signs can find out before."""
        given = phone.fetch(home, card)
        check_shown(given, draft_hash=str(card.draft_hash), device_id=phone.device_id)
        said = json.loads(given)
        assert said["amount"] == {"minor": 4995, "max_minor": 4995, "currency": "USD"}
        for name in ("draft_hash", "draft_id", "verb", "payee", "amount", "device", "irreversible", "household"):
            other = json.dumps({**said, name: "x"}, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
            with pytest.raises(SignatureInvalid, match=r"not what the card shows|not an object"):
                check_shown(other, draft_hash=str(card.draft_hash), device_id=phone.device_id)

    def test_is_another_one_each_time(self, home: Installation, card: Card, phone: Signer) -> None:
        """And nothing is kept of any."""
        assert phone.fetch(home, card) != phone.fetch(home, card)
        assert rows(home, "SELECT 1 FROM confirmation_signature") == []

    def test_is_given_for_a_draft_that_waits(self, home: Installation, card: Card, phone: Signer) -> None:
        """To a device with a key, of the member who asks."""
        with pytest.raises(NotFound):
            home.engine.signing_object(str(card.draft_id), device_id="dev_unknown", member="Alex")
        with pytest.raises(SignatureInvalid, match="does not speak for Sam"):
            home.engine.signing_object(str(card.draft_id), device_id=phone.device_id, member="Sam")
        keyless = home.engine.devices.add("Old", by=None).device
        with pytest.raises(SignatureInvalid, match="no key"):
            home.engine.signing_object(str(card.draft_id), device_id=keyless.id, member="Alex")
        home.confirm(card, member="Alex")
        with pytest.raises(AlreadyConfirmed):
            phone.fetch(home, card)


class TestTheAudit:
    @pytest.mark.parametrize(
        ("statement", "says"),
        [
            ("UPDATE confirmation_signature SET jws = jws || 'A'", "is in the books and not in the log"),
            ("UPDATE confirmation_signature SET draft_hash = 'x'", "was altered"),
            ("DELETE FROM confirmation_signature", "is in the log and not in the books"),
            ("UPDATE device SET signing_key_json = NULL", "is not one: it does not hold"),
            ("UPDATE confirmation SET maximum_cents = 1", "the confirmation of draft"),
        ],
    )
    def test_finds_what_was_altered_behind_its_back(self, home: Installation, card: Card, phone: Signer, statement: str, says: str) -> None:
        """The signature, the key it is held against, and the amount that counts against the limits."""
        sign_above(home, 0)
        phone.confirm(home, card, phone.signed(home, card))
        table = next(each for each in ("confirmation_signature", "device", "confirmation") if each in statement)
        without_triggers(home.engine._store, table, statement)
        assert any(says in problem for problem in home.verify().problems)

    def test_finds_a_yes_without_the_signature_that_was_needed(
        self, home: Installation, card: Card, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A Halo that forgot to ask for it is told on by its own log."""
        sign_above(home, 0)
        monkeypatch.setattr(confirm_stage, "refusals", lambda *_: ())
        home.confirm(card, member="Alex")
        assert any("without the signature that was needed" in problem for problem in home.verify().problems)


class TestOnEveryKindOfBooks:
    def test_a_signature_counts_once_and_is_kept(self, anywhere: Installation) -> None:
        """Of two people's, each; what is kept nobody changes."""
        sign_above(anywhere, 0)
        anywhere.engine.membership.change_rules(lambda rules: rules.with_two_people_above(Money(cents=1)), by=None)
        alex, sam = a_signer(anywhere), a_signer(anywhere, "Sam", key=1)
        card = anywhere.ask(BATTERIES, member="Sam")
        first, second = alex.signed(anywhere, card), sam.signed(anywhere, card)
        assert refusal(anywhere, alex, card, first) is NeedsAnother
        assert sam.confirm(anywhere, card, second)
        assert refusal(anywhere, alex, card, first) is SignatureUsed
        assert refusal(anywhere, sam, card, second) is SignatureUsed
        assert anywhere.verify().problems == ()
        for statement in ("UPDATE confirmation_signature SET jws = 'x'", "DELETE FROM confirmation_signature"):
            with pytest.raises(StoreFailed), anywhere.engine._store.transaction() as books:
                books.connection.exec_driver_sql(statement)
