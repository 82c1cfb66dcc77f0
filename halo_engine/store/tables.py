"""The books' tables: ten entities whose names and fields other programs know, and what stands beside them.

Rows are not values: a `table=True` class skips validation, so rows stay in this package. JSON columns are text: what is hashed must come back byte
for byte. Amounts are integer cents. The shapes here must equal what the migrations make; a test compares them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from halo_engine.store.columns import UtcDateTime


def columns_of(model: type[SQLModel]) -> tuple[ColumnElement[Any], ...]:
    """Every column, for a statement that wants rows and not objects."""
    return tuple(SQLModel.metadata.tables[str(model.__tablename__)].columns)


def _at(*, optional: bool = False) -> Any:
    return Field(default=None, sa_column=Column(UtcDateTime(), nullable=optional))


def _cents(*, optional: bool = False) -> Any:
    return Field(default=None, sa_column=Column(BigInteger(), nullable=optional))


def _text(*, optional: bool = False) -> Any:
    return Field(default=None, sa_column=Column(Text(), nullable=optional))


def _ref(target: str, *, unique: bool = False, index: bool = True) -> Any:
    return Field(sa_column=Column(ForeignKey(target), nullable=False, unique=unique, index=index and not unique))


class Household(SQLModel, table=True):
    """One home. `time_zone` is an IANA name."""

    __tablename__ = "household"
    id: str = Field(primary_key=True)
    name: str
    time_zone: str
    created_at: datetime = _at()


class User(SQLModel, table=True):
    """A member of a household."""

    __tablename__ = "user"
    __table_args__ = (UniqueConstraint("household_id", "display_name"),)
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id")
    display_name: str
    role: str
    created_at: datetime = _at()


class Preference(SQLModel, table=True):
    """What a household usually wants."""

    __tablename__ = "preference"
    household_id: str = Field(sa_column=Column(ForeignKey("household.id"), primary_key=True))
    default_merchant: str
    default_booking_vendor: str
    payment_method_masked: str | None = None
    shipping_address_json: str | None = _text(optional=True)
    confirm_rules_json: str | None = _text(optional=True)
    created_at: datetime = _at()
    updated_at: datetime = _at()


class ExecutionRequest(SQLModel, table=True):
    """Words somebody said to Halo, and what was understood. `clarification_json` holds the question that waits for an answer."""

    __tablename__ = "execution_request"
    __table_args__ = (Index("ix_execution_request_feed", "household_id", "created_at", "id"),)
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id", index=False)
    user_id: str = _ref("user.id", index=False)
    channel: str
    raw_command_text: str = _text()
    normalized_intent_json: str = _text()
    clarification_json: str | None = _text(optional=True)
    created_at: datetime = _at()


class Draft(SQLModel, table=True):
    """A draft as it stands now. Every version of it that was ever shown is in `draft_revision`."""

    __tablename__ = "draft"
    __table_args__ = (Index("ix_draft_feed", "household_id", "created_at", "id"),)
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id", index=False)
    execution_request_id: str = _ref("execution_request.id")
    verb: str
    vendor: str
    estimated_cost_cents: int = _cents()
    draft_payload_json: str = _text()
    status: str = Field(index=True)
    revision: int
    draft_hash: str
    expires_at: datetime = _at()
    created_at: datetime = _at()


class DraftRevision(SQLModel, table=True):
    """One version of a draft, word for word as it was shown. Written once; the database refuses to change it."""

    __tablename__ = "draft_revision"
    draft_id: str = Field(sa_column=Column(ForeignKey("draft.id"), primary_key=True))
    revision: int = Field(primary_key=True)
    draft_hash: str = Field(unique=True)
    draft_json: str = _text()
    created_at: datetime = _at()


class Confirmation(SQLModel, table=True):
    """A member's yes. Unique per draft: this constraint is what makes two people confirming at once one execution."""

    __tablename__ = "confirmation"
    id: str = Field(primary_key=True)
    draft_id: str = _ref("draft.id", unique=True)
    draft_hash: str
    user_id: str = _ref("user.id", index=False)
    confirmed_at: datetime = _at()
    confirmation_latency_ms: int = _cents()
    maximum_cents: int | None = _cents(optional=True)


class Execution(SQLModel, table=True):
    """Carrying out one confirmed draft. Written only by compare-and-set on `status` and `version`."""

    __tablename__ = "execution"
    __table_args__ = (
        Index("ix_execution_feed", "household_id", "finished_at", "id"),
        # All that the limits of a day ask of an execution, which is a wide row.
        Index("ix_execution_spent", "household_id", "started_at", "status", "final_cost_cents", "draft_id"),
    )
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id", index=False)
    draft_id: str = _ref("draft.id", unique=True)
    draft_hash: str
    verb: str
    vendor: str
    status: str = Field(index=True)
    version: int
    vendor_key: str = Field(unique=True)
    started_at: datetime = _at()
    submitted_at: datetime | None = _at(optional=True)
    due_at: datetime | None = _at(optional=True)
    finished_at: datetime | None = _at(optional=True)
    final_cost_cents: int | None = _cents(optional=True)
    currency: str
    execution_payload_json: str = _text()
    error_message: str | None = _text(optional=True)


class ExecutionAttempt(SQLModel, table=True):
    """One try at the vendor, or one look-up."""

    __tablename__ = "execution_attempt"
    __table_args__ = (UniqueConstraint("execution_id", "attempt_number"),)
    id: str = Field(primary_key=True)
    execution_id: str = _ref("execution.id", index=False)
    attempt_number: int
    step: str
    started_at: datetime = _at()
    finished_at: datetime | None = _at(optional=True)
    status: str
    error_message: str | None = _text(optional=True)
    classification: str | None = None
    retry_delay_ms: int | None = _cents(optional=True)


class ReceiptArtifact(SQLModel, table=True):
    """What proves an effect; one per execution and type."""

    __tablename__ = "receipt_artifact"
    __table_args__ = (UniqueConstraint("execution_id", "type"),)
    id: str = Field(primary_key=True)
    execution_id: str = _ref("execution.id", index=False)
    type: str
    content_text: str = _text()
    external_reference_id: str | None = None
    created_at: datetime = _at()


class EventLog(SQLModel, table=True):
    """The chain of what happened in a household. The database refuses to change or delete a row."""

    __tablename__ = "event_log"
    __table_args__ = (UniqueConstraint("household_id", "seq"),)
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id", index=False)
    seq: int = _cents()
    user_id: str | None = None
    entity_type: str
    entity_id: str = Field(index=True)
    event_type: str
    event_payload_json: str = _text()
    created_at: datetime = _at()
    prev_hash: str
    hash: str
    # Neither is ever NULL: a column of nothing but NULLs has no type for those who stream the log.
    correlation_id: str = Field(default="", sa_column=Column(String(), nullable=False, server_default=text("''"), index=True))
    causation_id: str = Field(default="", sa_column=Column(String(), nullable=False, server_default=text("''")))
    schema_version: int = Field(default=1, sa_column=Column(BigInteger(), nullable=False, server_default="1"))


class EventOpening(SQLModel, table=True):
    """What a commitment in an event stands for, until somebody has it erased."""

    __tablename__ = "event_opening"
    event_id: str = Field(sa_column=Column(ForeignKey("event_log.id"), primary_key=True))
    field: str = Field(primary_key=True)
    salt: str
    value_json: str = _text()


class VendorExchange(SQLModel, table=True):
    """One call to a vendor and its answer, with what is secret or personal taken out. For whoever looks; nothing is decided by it."""

    __tablename__ = "vendor_exchange"
    id: str = Field(primary_key=True)
    execution_id: str = _ref("execution.id")
    attempt_id: str
    position: int
    at: datetime = _at()
    method: str
    url: str = _text()
    #: 0 where no answer came.
    status: int
    took_ms: int = _cents()
    request_text: str = _text()
    answer_text: str = _text()


class UsualBundle(SQLModel, table=True):
    """A saved bundle of things the household reorders by name."""

    __tablename__ = "usual_bundle"
    __table_args__ = (UniqueConstraint("household_id", "name"),)
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id", index=False)
    name: str
    items_json: str = _text()
    created_at: datetime = _at()


class DraftApproval(SQLModel, table=True):
    """A yes to terms that need another one too. One per member and version of the terms."""

    __tablename__ = "draft_approval"
    draft_hash: str = Field(primary_key=True)
    user_id: str = Field(sa_column=Column(ForeignKey("user.id"), primary_key=True))
    draft_id: str = _ref("draft.id")
    given_at: datetime = _at()


class MemberAddress(SQLModel, table=True):
    """By what a member is known in a thread of messages: a phone number or an e-mail address."""

    __tablename__ = "member_address"
    household_id: str = Field(sa_column=Column(ForeignKey("household.id"), primary_key=True))
    address: str = Field(primary_key=True)
    user_id: str = _ref("user.id", index=False)


class CardMessage(SQLModel, table=True):
    """A card that was sent as a message: what an answer to that very message is an answer to."""

    __tablename__ = "card_message"
    message_id: str = Field(primary_key=True)
    household_id: str = _ref("household.id")
    chat_id: str
    request_id: str | None = Field(default=None, sa_column=Column(ForeignKey("execution_request.id"), nullable=True))
    draft_id: str | None = Field(default=None, sa_column=Column(ForeignKey("draft.id"), nullable=True))
    draft_hash: str | None = None
    execution_id: str | None = Field(default=None, sa_column=Column(ForeignKey("execution.id"), nullable=True))
    card_kind: str
    status: str
    sent_at: datetime = _at()


class Device(SQLModel, table=True):
    """Something that may call for a member. Only the hash of its token is kept."""

    __tablename__ = "device"
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id", index=False)
    user_id: str = _ref("user.id", index=False)
    name: str
    token_sha256: str = Field(unique=True)
    created_at: datetime = _at()
    expires_at: datetime = _at()
    revoked_at: datetime | None = _at(optional=True)
    #: A token that was given out in the place of this one and not used yet: whichever is used first decides.
    next_token_sha256: str | None = Field(default=None, unique=True, index=True)
    next_expires_at: datetime | None = _at(optional=True)
    #: The public half of the key it signs a yes with, as a JWK.
    signing_key_json: str | None = _text(optional=True)
    #: The RFC 7638 thumbprint of the key it proves with that a token is in its own hands.
    proof_thumbprint: str | None = None
    enrolment_id: str | None = None
    #: A person's, or a program's, which may not confirm.
    kind: str = Field(default="person", sa_column=Column(String(), nullable=False, server_default="person"))


class DeviceEnrolment(SQLModel, table=True):
    """A code with which one device may enrol, once. Only the hash of the code is kept."""

    __tablename__ = "device_enrolment"
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id")
    user_id: str = _ref("user.id", index=False)
    name: str
    code_sha256: str = Field(unique=True)
    created_by: str = _ref("user.id", index=False)
    created_at: datetime = _at()
    expires_at: datetime = _at()
    used_at: datetime | None = _at(optional=True)
    revoked_at: datetime | None = _at(optional=True)
    device_id: str | None = None
    kind: str


class SeenProof(SQLModel, table=True):
    """A proof that a device has shown with a call: the same one again is somebody else's."""

    __tablename__ = "seen_proof"
    device_id: str = Field(sa_column=Column(ForeignKey("device.id"), primary_key=True))
    jti_sha256: str = Field(primary_key=True)
    expires_at: datetime = Field(sa_column=Column(UtcDateTime(), nullable=False, index=True))


class ConfirmationSignature(SQLModel, table=True):
    """A yes as a device signed it. One per nonce, so that the same one does not count again."""

    __tablename__ = "confirmation_signature"
    nonce: str = Field(primary_key=True)
    draft_id: str = _ref("draft.id")
    draft_hash: str
    user_id: str = _ref("user.id", index=False)
    device_id: str = _ref("device.id", index=False)
    jws: str = _text()
    created_at: datetime = _at()


class IdempotencyKey(SQLModel, table=True):
    """An act that was asked for under a key: how far it came, and what was answered once it was done."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("user_id", "route", "key"),)
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id", index=False)
    user_id: str = _ref("user.id", index=False)
    route: str
    key: str
    body_sha256: str
    turn: int
    held_until: datetime = _at()
    reached_json: str = _text()
    status: int | None = None
    headers_json: str | None = _text(optional=True)
    answer_text: str | None = _text(optional=True)
    created_at: datetime = Field(sa_column=Column(UtcDateTime(), nullable=False, index=True))


class WebhookEndpoint(SQLModel, table=True):
    """Where a household wants to be told what happened. Its secret is derived, and kept nowhere."""

    __tablename__ = "webhook_endpoint"
    id: str = Field(primary_key=True)
    household_id: str = _ref("household.id")
    url: str = _text()
    event_types_json: str = _text()
    secret_version: int
    secret_changed_at: datetime | None = _at(optional=True)
    created_by: str = _ref("user.id", index=False)
    created_at: datetime = _at()
    disabled_at: datetime | None = _at(optional=True)
    disabled_because: str | None = _text(optional=True)


class WebhookDelivery(SQLModel, table=True):
    """One message to one endpoint: written in the transaction of its event, and sent until it was taken or given up."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (UniqueConstraint("endpoint_id", "event_id"), Index("ix_webhook_delivery_due", "state", "due_at"))
    id: str = Field(primary_key=True)
    endpoint_id: str = _ref("webhook_endpoint.id", index=False)
    household_id: str = _ref("household.id", index=False)
    event_id: str
    event_type: str
    body_text: str = _text()
    state: str
    attempts: int = _cents()
    due_at: datetime = _at()
    last_status: int | None = None
    last_error: str | None = _text(optional=True)
    created_at: datetime = _at()
    finished_at: datetime | None = _at(optional=True)
