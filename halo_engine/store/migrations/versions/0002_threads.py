"""Who may confirm what, and approvals; addresses of members and the cards sent to them; devices."""

from alembic import op
from sqlalchemy import Column, ForeignKey, String, Text

from halo_engine.store.columns import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("preference", Column("confirm_rules_json", Text()))
    op.create_table(
        "draft_approval",
        Column("draft_hash", String(), primary_key=True),
        Column("user_id", String(), ForeignKey("user.id"), primary_key=True),
        Column("draft_id", String(), ForeignKey("draft.id"), nullable=False, index=True),
        Column("given_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "member_address",
        Column("household_id", String(), ForeignKey("household.id"), primary_key=True),
        Column("address", String(), primary_key=True),
        Column("user_id", String(), ForeignKey("user.id"), nullable=False),
    )
    op.create_table(
        "card_message",
        Column("message_id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False, index=True),
        Column("chat_id", String(), nullable=False),
        Column("request_id", String(), ForeignKey("execution_request.id")),
        Column("draft_id", String(), ForeignKey("draft.id")),
        Column("draft_hash", String()),
        Column("execution_id", String(), ForeignKey("execution.id")),
        Column("card_kind", String(), nullable=False),
        Column("status", String(), nullable=False),
        Column("sent_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "device",
        Column("id", String(), primary_key=True),
        Column("household_id", String(), ForeignKey("household.id"), nullable=False),
        Column("user_id", String(), ForeignKey("user.id"), nullable=False),
        Column("name", String(), nullable=False),
        Column("token_sha256", String(), nullable=False, unique=True),
        Column("created_at", UtcDateTime(), nullable=False),
        Column("expires_at", UtcDateTime(), nullable=False),
        Column("revoked_at", UtcDateTime()),
    )
