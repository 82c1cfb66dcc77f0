"""An event's hash covers all of it."""

from __future__ import annotations

import hashlib
from datetime import timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from halo_engine.model import event as event_model
from halo_engine.model.canonical import canonical_json
from halo_engine.model.event import Event, Opening, Payload, is_commitment, leaf_hash
from tests.halo_engine.model.samples import NOON, event

OTHERWISE: dict[str, Any] = {
    "id": "evt_other",
    "household_id": "hsh_other",
    "seq": 2,
    "user_id": None,
    "entity_type": "execution",
    "entity_id": "dft_other",
    "event_type": "draft.confirmed",
    "payload": {"draft_hash": "ab" * 32, "more": None},
    "created_at": NOON + timedelta(microseconds=1),
    "prev_hash": "1" * 64,
    "correlation_id": "req_other",
    "causation_id": "evt_before",
    "schema_version": 1,
}


def unseen_changes() -> set[str]:
    """The fields that can be changed without the hash telling."""
    sealed = event()
    return {name for name, value in OTHERWISE.items() if sealed.model_copy(update={name: value}).expected_hash() == sealed.hash}


def without_payload(self: Event) -> str:
    """The planted bug: a hash that leaves the payload out."""
    return leaf_hash(canonical_json(self.model_dump(mode="json", exclude={"hash", "payload"})))


class TestHash:
    def test_covers_every_field(self) -> None:
        """Changing any one of them, by as little as a microsecond, gives another hash."""
        assert set(OTHERWISE) == set(Event.model_fields) - {"hash"}
        assert unseen_changes() == set()

    def test_without_the_payload_would_be_found_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The planted bug fails the test above, which names the field."""
        monkeypatch.setattr(Event, "expected_hash", without_payload)
        assert unseen_changes() == {"payload"}

    def test_does_not_know_the_zone_a_time_is_written_in(self) -> None:
        """The same moment read back in another zone is the same event."""
        sealed = event()
        elsewhere = sealed.model_copy(update={"created_at": NOON.astimezone(timezone(timedelta(hours=-5)))})
        assert elsewhere.expected_hash() == sealed.hash

    def test_is_the_leaf_hash_of_rfc_6962(self) -> None:
        """Written out by hand, so that neither form can change unnoticed: every log there is depends on them."""
        named = {"id": "evt_1", "household_id": "hsh_1", "user_id": "usr_1", "entity_id": "dft_1", "payload": {"draft_hash": "x"}}
        of_old = (
            '{"created_at":"2026-03-03T17:00:00.000000Z","entity_id":"dft_1","entity_type":"draft","event_type":"draft.cancelled",'
            f'"household_id":"hsh_1","id":"evt_1","payload":{{"draft_hash":"x"}},"prev_hash":"{"0" * 64}","schema":1,"seq":1,"user_id":"usr_1"}}'
        )
        assert event(**named, schema_version=1).hash == hashlib.sha256(b"\x00" + of_old.encode()).hexdigest()
        leaf = of_old.replace('{"created_at"', '{"causation_id":"evt_0","correlation_id":"req_1","created_at"').replace(
            '"schema":1', '"schema":2'
        )
        assert event(**named, causation_id="evt_0", correlation_id="req_1").hash == hashlib.sha256(b"\x00" + leaf.encode()).hexdigest()

    def test_is_refused_to_content_that_could_never_have_been_logged(self) -> None:
        """A lone surrogate has no bytes to hash."""
        with pytest.raises(ValueError, match="no canonical form"):
            event(payload={"text": "\ud800"})


class TestAnEvent:
    def test_counts_from_one(self) -> None:
        """There is nothing before the first."""
        assert event(seq=1).seq == 1
        with pytest.raises(ValidationError):
            event(seq=0)

    def test_of_the_first_form_is_on_no_trip(self) -> None:
        """As it is read where nothing of one was written down."""
        named = event().model_dump(exclude={"correlation_id", "causation_id", "schema_version"})
        of_old = Event.model_validate(named)
        assert (of_old.correlation_id, of_old.causation_id, of_old.schema_version) == ("", "", 1)


class TestPayload:
    @pytest.mark.parametrize("payload", Payload.__subclasses__(), ids=lambda payload: payload.__name__)
    def test_has_a_name_of_its_own(self, payload: type[Payload]) -> None:
        """Past-tense dotted names, one payload each; the execution's is completed with its status."""
        others = [other.event_type for other in Payload.__subclasses__() if other is not payload]
        assert payload.event_type not in others
        assert payload.event_type == "execution" or payload.event_type.count(".") == 1

    def test_never_carries_the_words_of_a_person(self) -> None:
        """The log is for good; what was said is only committed to, beside how long it was."""
        assert event_model.RequestParsed.committed == {"text"}
        assert set(event_model.ChangeParsed.model_fields) == {"parser", "text_chars", "spoke"}

    def test_commits_only_to_fields_it_has_and_to_one_at_most(self) -> None:
        """The audit counts events and openings against each other."""
        for payload in Payload.__subclasses__():
            assert payload.committed <= set(payload.model_fields)
            assert len(payload.committed) <= 1


class TestCommitment:
    def test_tells_nothing_without_its_salt(self) -> None:
        """The same name twice is not the same commitment."""
        one, other = (Opening(event_id="evt_1", field="name", salt=salt * 32, value="Home").commitment for salt in "ab")
        assert one != other
        assert "Home" not in str(one)
        assert is_commitment(one)

    @pytest.mark.parametrize("value", ["Home ", "home", None, ["Home"], {"v": "Home"}])
    def test_is_of_one_value(self, value: object) -> None:
        opening = Opening(event_id="evt_1", field="name", salt="a" * 32, value="Home")
        assert opening.model_copy(update={"value": value}).commitment != opening.commitment
