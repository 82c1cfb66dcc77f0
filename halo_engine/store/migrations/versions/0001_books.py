"""The ten entities, revisions of drafts, Usual bundles; and tables that refuse to be rewritten."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Text, UniqueConstraint

from halo_engine.store.columns import UtcDateTime

revision = "0001"
down_revision = None

#: What was shown, what was said to it, and what happened: written once.
WRITTEN_ONCE = ("event_log", "draft_revision", "confirmation", "receipt_artifact")


def upgrade() -> None:
    _people()
    _drafts()
    _executions()
    _log()
    for table in WRITTEN_ONCE:
        _refuse_changes(table)


def _people() -> None:
    op.create_table(
        "household",
        Column("id", String(), primary_key=True),
        Column("name", String(), nullable=False),
        Column("time_zone", String(), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "user",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False, index=True),
        Column("display_name", String(), nullable=False),
        Column("role", String(), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
        UniqueConstraint("household_id", "display_name"),
    )
    op.create_table(
        "preference",
        Column("household_id", String(), ForeignKey("household.id"), primary_key=True),
        Column("default_merchant", String(), nullable=False),
        Column("default_booking_vendor", String(), nullable=False),
        Column("payment_method_masked", String()),
        Column("shipping_address_json", Text()),
        Column("created_at", UtcDateTime(), nullable=False),
        Column("updated_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "usual_bundle",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False),
        Column("name", String(), nullable=False),
        Column("items_json", Text(), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
        UniqueConstraint("household_id", "name"),
    )


def _drafts() -> None:
    op.create_table(
        "execution_request",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False, index=True),
        Column("user_id", String(), ForeignKey("user.id"), nullable=False),
        Column("channel", String(), nullable=False),
        Column("raw_command_text", Text(), nullable=False),
        Column("normalized_intent_json", Text(), nullable=False),
        Column("clarification_json", Text()),
        Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "draft",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False, index=True),
        Column("execution_request_id", String(), ForeignKey("execution_request.id"), nullable=False, index=True),
        Column("verb", String(), nullable=False),
        Column("vendor", String(), nullable=False),
        Column("estimated_cost_cents", BigInteger(), nullable=False),
        Column("draft_payload_json", Text(), nullable=False),
        Column("status", String(), nullable=False, index=True),
        Column("revision", Integer(), nullable=False),
        Column("draft_hash", String(), nullable=False),
        Column("expires_at", UtcDateTime(), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "draft_revision",
        Column("draft_id", String(), ForeignKey("draft.id"), primary_key=True),
        Column("revision", Integer(), primary_key=True),
        Column("draft_hash", String(), nullable=False, unique=True),
        Column("draft_json", Text(), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "confirmation",
        Column("id", String(), primary_key=True),
        Column("draft_id", String(), ForeignKey("draft.id"), nullable=False, unique=True),
        Column("draft_hash", String(), nullable=False),
        Column("user_id", String(), ForeignKey("user.id"), nullable=False),
        Column("confirmed_at", UtcDateTime(), nullable=False),
        Column("confirmation_latency_ms", BigInteger(), nullable=False),
    )


def _executions() -> None:
    op.create_table(
        "execution",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False, index=True),
        Column("draft_id", String(), ForeignKey("draft.id"), nullable=False, unique=True),
        Column("draft_hash", String(), nullable=False),
        Column("verb", String(), nullable=False),
        Column("vendor", String(), nullable=False),
        Column("status", String(), nullable=False, index=True),
        Column("version", Integer(), nullable=False),
        Column("vendor_key", String(), nullable=False, unique=True),
        Column("started_at", UtcDateTime(), nullable=False),
        Column("submitted_at", UtcDateTime()),
        Column("due_at", UtcDateTime()),
        Column("finished_at", UtcDateTime()),
        Column("final_cost_cents", BigInteger()),
        Column("currency", String(), nullable=False),
        Column("execution_payload_json", Text(), nullable=False),
        Column("error_message", Text()),
    )
    op.create_table(
        "execution_attempt",
        Column("id", String(), primary_key=True),
        Column("execution_id", String(), ForeignKey("execution.id"), nullable=False),
        Column("attempt_number", Integer(), nullable=False),
        Column("step", String(), nullable=False),
        Column("started_at", UtcDateTime(), nullable=False),
        Column("finished_at", UtcDateTime()),
        Column("status", String(), nullable=False),
        Column("error_message", Text()),
        Column("classification", String()),
        Column("retry_delay_ms", BigInteger()),
        UniqueConstraint("execution_id", "attempt_number"),
    )
    op.create_table(
        "receipt_artifact",
        Column("id", String(), primary_key=True),
        Column("execution_id", String(), ForeignKey("execution.id"), nullable=False),
        Column("type", String(), nullable=False),
        Column("content_text", Text(), nullable=False),
        Column("external_reference_id", String()),
        Column("created_at", UtcDateTime(), nullable=False),
        UniqueConstraint("execution_id", "type"),
    )


def _log() -> None:
    op.create_table(
        "event_log",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False),
        Column("seq", BigInteger(), nullable=False),
        Column("user_id", String()),
        Column("entity_type", String(), nullable=False),
        Column("entity_id", String(), nullable=False, index=True),
        Column("event_type", String(), nullable=False),
        Column("event_payload_json", Text(), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
        Column("prev_hash", String(), nullable=False),
        Column("hash", String(), nullable=False),
        UniqueConstraint("household_id", "seq"),
    )


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_is_written_once() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is written once'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_written_once()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is written once'); END"
        )
