"""What a server keeps: how devices enrol and sign, what was answered to a key, and where others want to be told."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Text, UniqueConstraint

from halo_engine.store.columns import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _devices()
    _signatures()
    _answers()
    _webhooks()


def _devices() -> None:
    op.create_table(
        "device_enrolment",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False, index=True),
        Column("user_id", String(), ForeignKey("user.id"), nullable=False),
        Column("name", String(), nullable=False),
        Column("code_sha256", String(), nullable=False, unique=True),
        Column("created_by", String(), ForeignKey("user.id"), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
        Column("expires_at", UtcDateTime(), nullable=False),
        Column("used_at", UtcDateTime()),
        Column("revoked_at", UtcDateTime()),
        Column("device_id", String()),
        Column("kind", String(), nullable=False),
    )
    op.add_column("device", Column("next_token_sha256", String()))
    op.add_column("device", Column("next_expires_at", UtcDateTime()))
    op.add_column("device", Column("signing_key_json", Text()))
    op.add_column("device", Column("proof_thumbprint", String()))
    op.add_column("device", Column("enrolment_id", String()))
    op.add_column("device", Column("kind", String(), nullable=False, server_default="person"))
    op.create_index("ix_device_next_token_sha256", "device", ["next_token_sha256"], unique=True)
    op.create_table(
        "seen_proof",
        Column("device_id", String(), ForeignKey("device.id"), primary_key=True),
        Column("jti_sha256", String(), primary_key=True),
        Column("expires_at", UtcDateTime(), nullable=False, index=True),
    )


def _signatures() -> None:
    op.add_column("confirmation", Column("maximum_cents", BigInteger()))
    op.create_index("ix_execution_spent", "execution", ["household_id", "started_at", "status", "final_cost_cents", "draft_id"])
    op.create_table(
        "confirmation_signature",
        Column("nonce", String(), primary_key=True),
        Column("draft_id", String(), ForeignKey("draft.id"), nullable=False, index=True),
        Column("draft_hash", String(), nullable=False),
        Column("user_id", String(), ForeignKey("user.id"), nullable=False),
        Column("device_id", String(), ForeignKey("device.id"), nullable=False),
        Column("jws", Text(), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
    )

    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION confirmation_signature_is_written_once() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'confirmation_signature is written once'; END $$"
        )
        op.execute(
            "CREATE TRIGGER confirmation_signature_written_once BEFORE UPDATE OR DELETE OR TRUNCATE ON confirmation_signature "
            "FOR EACH STATEMENT EXECUTE FUNCTION confirmation_signature_is_written_once()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER confirmation_signature_refuses_{change.lower()} BEFORE {change} ON confirmation_signature "
            "BEGIN SELECT RAISE(ABORT, 'confirmation_signature is written once'); END"
        )


def _answers() -> None:
    op.create_table(
        "idempotency_key",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False),
        Column("user_id", String(), ForeignKey("user.id"), nullable=False),
        Column("route", String(), nullable=False),
        Column("key", String(), nullable=False),
        Column("body_sha256", String(), nullable=False),
        Column("turn", Integer(), nullable=False),
        Column("held_until", UtcDateTime(), nullable=False),
        Column("reached_json", Text(), nullable=False),
        Column("status", Integer()),
        Column("headers_json", Text()),
        Column("answer_text", Text()),
        Column("created_at", UtcDateTime(), nullable=False, index=True),
        UniqueConstraint("user_id", "route", "key"),
    )


def _webhooks() -> None:
    op.create_table(
        "webhook_endpoint",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False, index=True),
        Column("url", Text(), nullable=False),
        Column("event_types_json", Text(), nullable=False),
        Column("secret_version", Integer(), nullable=False),
        Column("secret_changed_at", UtcDateTime()),
        Column("created_by", String(), ForeignKey("user.id"), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
        Column("disabled_at", UtcDateTime()),
        Column("disabled_because", Text()),
    )
    op.create_table(
        "webhook_delivery",
        Column("id", String(), primary_key=True),
        Column("endpoint_id", String(), ForeignKey("webhook_endpoint.id"), nullable=False),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False),
        Column("event_id", String(), nullable=False),
        Column("event_type", String(), nullable=False),
        Column("body_text", Text(), nullable=False),
        Column("state", String(), nullable=False),
        Column("attempts", BigInteger(), nullable=False),
        Column("due_at", UtcDateTime(), nullable=False),
        Column("last_status", Integer()),
        Column("last_error", Text()),
        Column("created_at", UtcDateTime(), nullable=False),
        Column("finished_at", UtcDateTime()),
        UniqueConstraint("endpoint_id", "event_id"),
    )
    op.create_index("ix_webhook_delivery_due", "webhook_delivery", ["state", "due_at"])
