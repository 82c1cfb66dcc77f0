"""What happened, as facts in a chain. An event is appended in the transaction that makes it true, and never changed.

Each event's hash covers its whole content and the hash of the event before it in the same household: `SHA-256(0x00 || canonical JSON)`, the leaf
form of RFC 6962 §2.1, so that the chain is read as the leaves of a Merkle tree, too.

What is somebody's own, such as a name, stands in an event as a salted commitment (`Opening`). The opening is kept beside the log and can be erased;
the log stays as it is, and whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import AwareDatetime, Field

from halo_engine.model.canonical import canonical_json
from halo_engine.model.device import DeviceKind
from halo_engine.model.draft import Change
from halo_engine.model.household import Role
from halo_engine.model.policy import Verdict
from halo_engine.model.reading import Spoke
from halo_engine.model.rules import ConfirmRules
from halo_engine.model.settlement import Finding
from halo_engine.model.value import Value

#: What the first event of a household points back to.
GENESIS = "0" * 64
#: 2 tells what an event followed from; 1 did not.
SCHEMA_VERSION = 2


class Event(Value):
    """One entry of the log. `seq` counts from 1 without gaps within a household; `user_id` is who acted, None for the engine itself.

    The events of one trip, from words to receipt, share the `correlation_id`, which is the request they began with; `causation_id` is the event
    this one followed from. Both are empty where there is no trip.
    """

    id: str
    household_id: str
    seq: int = Field(ge=1)
    user_id: str | None
    entity_type: str
    entity_id: str
    event_type: str
    payload: dict[str, Any]
    created_at: AwareDatetime
    prev_hash: str
    hash: str
    correlation_id: str = ""
    causation_id: str = ""
    schema_version: int = 1

    def leaf(self) -> bytes:
        """The canonical JSON of everything in it, of which its hash is taken. Raises `ValueError` for content that could never have been logged."""
        trip = {"correlation_id", "causation_id"} if self.schema_version == 1 else set()
        fields = self.model_dump(mode="json", exclude={"hash", "schema_version", *trip})
        return canonical_json(fields | {"created_at": leaf_time(self.created_at), "schema": self.schema_version})

    def expected_hash(self) -> str:
        """The hash this event must carry if nothing in it was altered. Raises `ValueError` as `leaf` does."""
        return leaf_hash(self.leaf())

    def sealed(self) -> Event:
        """This event with its hash."""
        return self.model_copy(update={"hash": self.expected_hash()})


def leaf_hash(leaf: bytes) -> str:
    """The hash of an event whose canonical JSON is `leaf`."""
    return hashlib.sha256(b"\x00" + leaf).hexdigest()


def leaf_time(at: datetime) -> str:
    """`at` as a leaf has it: with microseconds, so that what happened in one second keeps its order for a reader."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


class Opening(Value):
    """What a commitment in an event stands for. Without the salt nobody can try names until one fits."""

    event_id: str
    field: str
    #: 128 bits in hexadecimal.
    salt: str
    value: Any

    @property
    def commitment(self) -> dict[str, str]:
        """What stands in the event's payload: SHA-256 over the salt and the canonical JSON of the value."""
        return commitment(self.salt, canonical_json({"v": self.value})[len('{"v":') : -1].decode())


def commitment(salt: str, value_json: str) -> dict[str, str]:
    """As `Opening.commitment`, for a value in its canonical JSON."""
    return {"committed": hashlib.sha256(f'{salt}{{"v":{value_json}}}'.encode()).hexdigest()}


def is_commitment(value: object) -> bool:
    """Whether a field of a payload is one."""
    return isinstance(value, Mapping) and value.keys() == {"committed"}


class Payload(Value):
    """What an event type tells. The class is the type; its fields are the facts, those named in `committed` as commitments."""

    event_type: ClassVar[str]
    entity_type: ClassVar[str]
    committed: ClassVar[frozenset[str]] = frozenset()


class HouseholdCreated(Payload):
    """`key_id` tells the installation's secret from another one, and nothing about it."""

    event_type, entity_type, committed = "household.created", "household", frozenset({"name"})
    name: str
    time_zone: str
    members: tuple[str, ...]
    #: Of each member, in the same order.
    roles: tuple[Role, ...] = ()
    key_id: str | None = None


class MemberAdded(Payload):
    """Somebody moved in: the entity is the new member. Their name stays out of the log, which is for good."""

    event_type, entity_type = "household.member_added", "user"
    role: Role


class RoleChanged(Payload):
    event_type, entity_type = "household.role_changed", "user"
    role: Role
    before: Role


class RulesChanged(Payload):
    """Who may confirm what from here on: the whole of it."""

    event_type, entity_type = "household.rules_changed", "household"
    rules: ConfirmRules


class PreferencesChanged(Payload):
    """The household buys elsewhere from here on."""

    event_type, entity_type = "household.preferences_changed", "household"
    default_merchant: str
    before: str


class RequestParsed(Payload):
    """The words themselves are only committed to: they belong to the person, and the log is for good.

    `parser` is who read them: "none" where nobody had to (an option that was chosen, a draft made anew). `spoke` says what it took.
    """

    event_type, entity_type, committed = "request.parsed", "execution_request", frozenset({"text"})
    channel: str
    parser: str
    verb: str
    missing_fields: tuple[str, ...]
    text_chars: int
    text: str
    spoke: Spoke | None = None
    #: By id, who asked for it before: a question's answer, or "again", asks for what somebody else had asked.
    also_asked: tuple[str, ...] = ()


class ChangeParsed(Payload):
    """Words that were to change a draft were read; whether they did, `draft.revised` says."""

    event_type, entity_type = "draft.change_parsed", "draft"
    parser: str
    text_chars: int
    spoke: Spoke


class ClarificationAsked(Payload):
    """`asked` is the question word for word, with its options and what was left for later."""

    event_type, entity_type, committed = "request.clarification_asked", "execution_request", frozenset({"asked"})
    field: str
    options: int
    asked: dict[str, Any]


class RequestRefused(Payload):
    """`reason` is the kind of card that said no, `words` what it said."""

    event_type, entity_type, committed = "request.refused", "execution_request", frozenset({"words"})
    reason: str
    words: str


class DraftCreated(Payload):
    event_type, entity_type = "draft.created", "draft"
    draft_hash: str
    verb: str
    vendor: str
    total_cents: int
    maximum_cents: int
    currency: str
    expires_at: str
    revises: str | None
    request_id: str
    #: Of the draft as it is kept and shown, which is more than its terms.
    draft_sha256: str
    #: Beside whoever acted.
    also_asked_by: tuple[str, ...] = ()
    #: How long the vendors were asked for it.
    took_ms: int | None = None


class DraftRevised(Payload):
    event_type, entity_type, committed = "draft.revised", "draft", frozenset({"changes"})
    revision: int
    draft_hash: str
    previous_hash: str
    total_cents: int
    maximum_cents: int
    currency: str
    expires_at: str
    changes: tuple[Change, ...]
    draft_sha256: str
    took_ms: int | None = None
    #: Whose it is now: a table instead of a haircut is another vendor's. Not told by logs of before.
    vendor: str | None = None


class DraftCancelled(Payload):
    event_type, entity_type = "draft.cancelled", "draft"
    draft_hash: str


class DraftApproved(Payload):
    """A member said yes to terms that need somebody else's, too. Nothing is done by it. The rest is as in `DraftConfirmed`."""

    event_type, entity_type, committed = "draft.approved", "draft", frozenset({"reasons"})
    draft_hash: str
    revision: int
    maximum_cents: int
    currency: str
    verdicts: tuple[Verdict, ...]
    reasons: tuple[str, ...]
    device_id: str | None = None
    signature_sha256: str | None = None
    key_thumbprint: str | None = None


class DraftConfirmed(Payload):
    """`approved_by` is everybody whose yes counted, `asked_by` everybody who had asked, `people_needed` how many had to say it; people by id.

    Of each verdict the reason, which names people, is in `reasons`. Where it was signed, the JWS and the key of the device are named by their hashes.
    """

    event_type, entity_type, committed = "draft.confirmed", "draft", frozenset({"reasons"})
    draft_hash: str
    revision: int
    confirmation_id: str
    execution_id: str
    maximum_cents: int
    currency: str
    confirmation_latency_ms: int
    verdicts: tuple[Verdict, ...]
    reasons: tuple[str, ...]
    people_needed: int
    approved_by: tuple[str, ...]
    asked_by: tuple[str, ...]
    #: Through which it was said, where it was through one.
    device_id: str | None = None
    signature_sha256: str | None = None
    #: RFC 7638.
    key_thumbprint: str | None = None
    #: What the 24 hours before it counted against the limits of a day, of the member and of the household; a log of old did not tell.
    spent_cents: int | None = None
    household_spent_cents: int | None = None
    #: The confirming itself; how long the person took is the latency above.
    took_ms: int | None = None


class ConfirmationRefused(Payload):
    """Somebody tried to confirm what does not stand, or may not confirm: kept, because it is what an attack looks like."""

    event_type, entity_type = "draft.confirmation_refused", "draft"
    reason: str
    presented_hash: str


class ExecutionMoved(Payload):
    """An execution went from one status to another; `event_type` is completed with the new status, such as `execution.done`."""

    event_type, entity_type = "execution", "execution"
    draft_id: str
    draft_hash: str
    came_from: str
    version: int
    vendor_reference: str | None = None
    charged_cents: int | None = None
    currency: str | None = None
    reason: str | None = None
    revised_draft_id: str | None = None
    handoff_url: str | None = None


class AnswerCameLate(Payload):
    """A vendor's answer to a request that somebody had taken for lost: it changed nothing here, and may have changed something there."""

    event_type, entity_type = "execution.answer_came_late", "execution"
    outcome: str
    vendor_reference: str | None
    charged_cents: int | None
    currency: str | None


class ExecutionSettled(Payload):
    """A person looked at the vendor's and found what nobody could tell by asking."""

    event_type, entity_type = "execution.settled", "execution"
    draft_id: str
    outcome: Finding
    reference: str | None
    charged_cents: int | None
    currency: str | None


class AttemptFinished(Payload):
    event_type, entity_type = "execution.attempt_finished", "execution"
    attempt_number: int
    step: str
    status: str
    classification: str | None
    retry_delay_ms: int | None
    took_ms: int | None = None
    reason: str | None = None


class ReceiptStored(Payload):
    event_type, entity_type = "receipt.stored", "receipt_artifact"
    execution_id: str
    type: str
    external_reference_id: str | None
    content_sha256: str


class UsualSaved(Payload):
    event_type, entity_type, committed = "usual.saved", "usual_bundle", frozenset({"name"})
    name: str
    items: int


class UsualRemoved(Payload):
    event_type, entity_type, committed = "usual.removed", "usual_bundle", frozenset({"name"})
    name: str


class DeviceAdded(Payload):
    """`member_id` is whom the device speaks for. Its token is in no log; the hash of it is, so that another one cannot take its place."""

    event_type, entity_type, committed = "device.added", "device", frozenset({"name"})
    name: str
    member_id: str
    expires_at: str
    token_sha256: str
    kind: DeviceKind = DeviceKind.PERSON


class DeviceRevoked(Payload):
    event_type, entity_type, committed = "device.revoked", "device", frozenset({"name"})
    name: str
    member_id: str


class EnrolmentOpened(Payload):
    """A code was given out with which one device may enrol for `member_id`. As with a token, the log has the hash of it."""

    event_type, entity_type, committed = "device_enrolment.opened", "device_enrolment", frozenset({"name"})
    name: str
    member_id: str
    expires_at: str
    code_sha256: str
    kind: DeviceKind = DeviceKind.PERSON


class EnrolmentRevoked(Payload):
    """A code that nobody had used was taken back."""

    event_type, entity_type, committed = "device_enrolment.revoked", "device_enrolment", frozenset({"name"})
    name: str
    member_id: str


class DeviceEnrolled(Payload):
    """A device came with a code, and with its keys where it has any: `signing_key` and `proof_key` are their RFC 7638 thumbprints."""

    event_type, entity_type, committed = "device.enrolled", "device", frozenset({"name"})
    name: str
    member_id: str
    expires_at: str
    token_sha256: str
    enrolment_id: str
    signing_key: str | None
    proof_key: str | None
    kind: DeviceKind = DeviceKind.PERSON


class DeviceRefreshed(Payload):
    """A device was given another token. The one it has works on until this one is first used."""

    event_type, entity_type = "device.refreshed", "device"
    token_sha256: str
    expires_at: str


class DeviceTokenTaken(Payload):
    """A device used the token it was given last: the one before it is over."""

    event_type, entity_type = "device.token_taken", "device"
    token_sha256: str
    expires_at: str


class WebhookAdded(Payload):
    """Somebody else is told of what happens from here on. Of where, the log has the hash: an address may have a secret in it."""

    event_type, entity_type = "webhook.added", "webhook_endpoint"
    url_sha256: str
    event_types: tuple[str, ...]


class WebhookRemoved(Payload):
    event_type, entity_type = "webhook.removed", "webhook_endpoint"


class WebhookSecretChanged(Payload):
    """The secret itself is derived, and in no log."""

    event_type, entity_type = "webhook.secret_changed", "webhook_endpoint"
    version: int


class WebhookDisabled(Payload):
    """Nobody has taken its messages for days, or it said that it wants none."""

    event_type, entity_type = "webhook.disabled", "webhook_endpoint"
    reason: str


class WebhookEnabled(Payload):
    event_type, entity_type = "webhook.enabled", "webhook_endpoint"


class AddressGiven(Payload):
    """A handle counts as a member's from now on. The log is for good, so it holds a salted hash of the handle only."""

    event_type, entity_type = "member.address_given", "user"
    address_id: str


class AddressTaken(Payload):
    event_type, entity_type = "member.address_taken", "user"
    address_id: str


class AnswerNotCounted(Payload):
    """Somebody who is no member answered a card in a thread of messages: nothing came of it. `sender_id` is a salted hash."""

    event_type, entity_type = "draft.answer_not_counted", "draft"
    how: str
    sender_id: str


class BooksRestored(Payload):
    """These books were put back from a backup: what happened after its last event and before this one they do not know.

    The backup ended with event `events`, whose hash was `head_hash`; `in_doubt` are the executions that had not ended in it.
    """

    event_type, entity_type = "books.restored", "household"
    taken_at: str
    events: int
    head_hash: str
    in_doubt: tuple[str, ...]
    devices_revoked: int


class DataErased(Payload):
    """The words of a request were forgotten, and what so many of the log's commitments about it stand for."""

    event_type, entity_type = "data.erased", "erasure"
    openings: int
