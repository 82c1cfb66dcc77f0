"""What an event followed from, what its commitments stand for, and what was said to vendors."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Text, text

from halo_engine.store.columns import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # With defaults, because the rows there are refuse to be changed.
    op.add_column("event_log", Column("correlation_id", String(), nullable=False, server_default=text("''")))
    op.add_column("event_log", Column("causation_id", String(), nullable=False, server_default=text("''")))
    op.add_column("event_log", Column("schema_version", BigInteger(), nullable=False, server_default="1"))
    op.create_index("ix_event_log_correlation_id", "event_log", ["correlation_id"])
    for table, time in (("execution_request", "created_at"), ("draft", "created_at"), ("execution", "finished_at")):
        # A feed of a hundred thousand is read from its end, and never sorted.
        op.drop_index(f"ix_{table}_household_id", table_name=table)
        op.create_index(f"ix_{table}_feed", table, ["household_id", time, "id"])
    op.create_table(
        "event_opening",
        Column("event_id", String(), ForeignKey("event_log.id"), primary_key=True),
        Column("field", String(), primary_key=True),
        Column("salt", String(), nullable=False),
        Column("value_json", Text(), nullable=False),
    )
    op.create_table(
        "vendor_exchange",
        Column("id", String(), primary_key=True),
        Column("execution_id", String(), ForeignKey("execution.id"), nullable=False, index=True),
        Column("attempt_id", String(), nullable=False),
        Column("position", Integer(), nullable=False),
        Column("at", UtcDateTime(), nullable=False),
        Column("method", String(), nullable=False),
        Column("url", Text(), nullable=False),
        Column("status", Integer(), nullable=False),
        Column("took_ms", BigInteger(), nullable=False),
        Column("request_text", Text(), nullable=False),
        Column("answer_text", Text(), nullable=False),
    )
    for table in ("event_opening", "vendor_exchange"):
        _refuse_updates(table)


def _refuse_updates(table: str) -> None:
    """It may be erased, and never be made another."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is never changed'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_changed BEFORE UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_never_changed()"
        )
        return
    op.execute(f"CREATE TRIGGER {table}_refuses_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END")
