"""Run by the migration library: uses the connection, and so the transaction, it is handed by `store.schema`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
