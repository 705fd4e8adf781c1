"""Runs revisions on the connection that `monitor.store.migrate` holds, inside its transaction."""

from __future__ import annotations

from alembic import context

from monitor.store.tables import metadata

options = context.config.attributes
context.configure(
    connection=options["connection"],
    target_metadata=metadata,
    version_table_schema=options["schema"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
