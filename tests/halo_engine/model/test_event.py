"""An event's hash covers all of it."""

from __future__ import annotations

import hashlib
from datetime import timedelta, timezone
from typing import Any

import pytest

from halo_engine.model import event as event_model
from halo_engine.model.canonical import canonical_json
from halo_engine.model.event import Event, Payload
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
}


def unseen_changes() -> set[str]:
    """The fields that can be changed without the hash telling."""
    sealed = event()
    return {name for name, value in OTHERWISE.items() if sealed.model_copy(update={name: value}).expected_hash() == sealed.hash}


def without_payload(self: Event) -> str:
    """The planted bug: a hash that leaves the payload out."""
    return hashlib.sha256(b"\x00" + canonical_json(self.model_dump(mode="json", exclude={"hash", "payload"}))).hexdigest()


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
        """Written out by hand, so that the form cannot change unnoticed: every log there is depends on it."""
        sealed = event(payload={"draft_hash": "x"}, id="evt_1", household_id="hsh_1", user_id="usr_1", entity_id="dft_1")
        leaf = (
            '{"created_at":"2026-03-03T17:00:00.000000Z","entity_id":"dft_1","entity_type":"draft","event_type":"draft.cancelled",'
            f'"household_id":"hsh_1","id":"evt_1","payload":{{"draft_hash":"x"}},"prev_hash":"{"0" * 64}","schema":1,"seq":1,"user_id":"usr_1"}}'
        )
        assert sealed.hash == hashlib.sha256(b"\x00" + leaf.encode()).hexdigest()

    def test_is_refused_to_content_that_could_never_have_been_logged(self) -> None:
        """A lone surrogate has no bytes to hash."""
        with pytest.raises(ValueError, match="no canonical form"):
            event(payload={"text": "\ud800"})


class TestPayload:
    @pytest.mark.parametrize("payload", Payload.__subclasses__(), ids=lambda payload: payload.__name__)
    def test_has_a_name_of_its_own(self, payload: type[Payload]) -> None:
        """Past-tense dotted names, one payload each; the execution's is completed with its status."""
        others = [other.event_type for other in Payload.__subclasses__() if other is not payload]
        assert payload.event_type not in others
        assert payload.event_type == "execution" or payload.event_type.count(".") == 1

    def test_never_carries_the_words_of_a_person(self) -> None:
        """The log is for good; what was said is not in it, only how long it was."""
        assert set(event_model.RequestParsed.model_fields) == {"channel", "parser", "verb", "missing_fields", "text_chars", "spoke"}
        assert set(event_model.ChangeParsed.model_fields) == {"parser", "text_chars", "spoke"}
