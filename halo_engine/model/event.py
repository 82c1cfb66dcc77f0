"""What happened, as facts in a chain. An event is appended in the transaction that makes it true, and never changed.

Each event's hash covers its whole content and the hash of the event before it in the same household: `SHA-256(0x00 || canonical JSON)`, the leaf
form of RFC 6962 §2.1, so that the chain can later be read as the leaves of a Merkle tree.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from pydantic import AwareDatetime, Field

from halo_engine.model.canonical import canonical_json
from halo_engine.model.draft import Change, iso_utc
from halo_engine.model.household import Role
from halo_engine.model.policy import Verdict
from halo_engine.model.reading import Spoke
from halo_engine.model.rules import ConfirmRules
from halo_engine.model.value import Value

#: What the first event of a household points back to.
GENESIS = "0" * 64
SCHEMA_VERSION = 1


class Event(Value):
    """One entry of the log. `seq` counts from 1 without gaps within a household; `user_id` is who acted, None for the engine itself."""

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

    def expected_hash(self) -> str:
        """The hash this event must carry if nothing in it was altered. Raises `ValueError` for content that could never have been logged."""
        leaf = self.model_dump(mode="json", exclude={"hash"})
        leaf |= {"created_at": f"{iso_utc(self.created_at)[:-1]}.{self.created_at:%f}Z", "schema": SCHEMA_VERSION}
        return hashlib.sha256(b"\x00" + canonical_json(leaf)).hexdigest()

    def sealed(self) -> Event:
        """This event with its hash."""
        return self.model_copy(update={"hash": self.expected_hash()})


class Payload(Value):
    """What an event type tells. The class is the type; its fields are the facts."""

    event_type: ClassVar[str]
    entity_type: ClassVar[str]


class HouseholdCreated(Payload):
    """`key_id` tells the installation's secret from another one, and nothing about it."""

    event_type, entity_type = "household.created", "household"
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


class RequestParsed(Payload):
    """The words themselves stay out of the log: they belong to the person, and the log is for good.

    `parser` is who read them: "none" where nobody had to (an option that was chosen, a draft made anew). `spoke` says what it took.
    """

    event_type, entity_type = "request.parsed", "execution_request"
    channel: str
    parser: str
    verb: str
    missing_fields: tuple[str, ...]
    text_chars: int
    spoke: Spoke | None = None


class ChangeParsed(Payload):
    """Words that were to change a draft were read; whether they did, `draft.revised` says."""

    event_type, entity_type = "draft.change_parsed", "draft"
    parser: str
    text_chars: int
    spoke: Spoke


class ClarificationAsked(Payload):
    event_type, entity_type = "request.clarification_asked", "execution_request"
    field: str
    options: int


class RequestRefused(Payload):
    event_type, entity_type = "request.refused", "execution_request"
    reason: str


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
    #: Beside whoever acted.
    also_asked_by: tuple[str, ...] = ()


class DraftRevised(Payload):
    event_type, entity_type = "draft.revised", "draft"
    revision: int
    draft_hash: str
    previous_hash: str
    expires_at: str
    changes: tuple[Change, ...]


class DraftCancelled(Payload):
    event_type, entity_type = "draft.cancelled", "draft"
    draft_hash: str


class DraftApproved(Payload):
    """A member said yes to terms that need somebody else's, too. Nothing is done by it."""

    event_type, entity_type = "draft.approved", "draft"
    draft_hash: str
    revision: int
    maximum_cents: int
    currency: str
    verdicts: tuple[Verdict, ...]


class DraftConfirmed(Payload):
    """`approved_by` is everybody whose yes counted, `asked_by` everybody who had asked, `people_needed` how many had to say it; people by id."""

    event_type, entity_type = "draft.confirmed", "draft"
    draft_hash: str
    revision: int
    confirmation_id: str
    execution_id: str
    maximum_cents: int
    currency: str
    confirmation_latency_ms: int
    verdicts: tuple[Verdict, ...]
    people_needed: int
    approved_by: tuple[str, ...]
    asked_by: tuple[str, ...]


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


class AnswerCameLate(Payload):
    """A vendor's answer to a request that somebody had taken for lost: it changed nothing here, and may have changed something there."""

    event_type, entity_type = "execution.answer_came_late", "execution"
    outcome: str
    vendor_reference: str | None
    charged_cents: int | None
    currency: str | None


class AttemptFinished(Payload):
    event_type, entity_type = "execution.attempt_finished", "execution"
    attempt_number: int
    step: str
    status: str
    classification: str | None
    retry_delay_ms: int | None


class ReceiptStored(Payload):
    event_type, entity_type = "receipt.stored", "receipt_artifact"
    execution_id: str
    type: str
    external_reference_id: str | None
    content_sha256: str


class UsualSaved(Payload):
    event_type, entity_type = "usual.saved", "usual_bundle"
    name: str
    items: int


class UsualRemoved(Payload):
    event_type, entity_type = "usual.removed", "usual_bundle"
    name: str


class DeviceAdded(Payload):
    """`member_id` is whom the device speaks for. Its token is in no log."""

    event_type, entity_type = "device.added", "device"
    name: str
    member_id: str
    expires_at: str


class DeviceRevoked(Payload):
    event_type, entity_type = "device.revoked", "device"
    name: str
    member_id: str


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
