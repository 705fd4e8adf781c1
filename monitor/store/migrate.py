"""Bringing the schema to this version, and refusing any other."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from monitor.errors import SchemaError
from monitor.store.connect import Database
from monitor.store.functions import make_functions
from monitor.store.public import PUBLIC
from monitor.store.views import make_view

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 0x6472_6966_7464  # any number that nobody else uses: "driftd"
OLDEST_POSTGRES = (14,)


def config(connection: Connection | None = None, schema: str | None = None) -> Config:
    """Alembic's settings, made here: nothing is read from the working directory."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    made.attributes["connection"] = connection
    made.attributes["schema"] = schema
    return made


def current(connection: Connection, schema: str | None) -> str | None:
    """The schema's revision; None when there is none yet.

    The connection keeps no statements from then on: Alembic's is another each time, and would crowd out
    those of ours that are used again.
    """
    connection = connection.execution_options(compiled_cache=None)
    context = MigrationContext.configure(connection, opts={"version_table_schema": schema})
    return context.get_current_revision()


@cache
def head() -> str | None:
    """Give the revision that this version needs."""
    return ScriptDirectory.from_config(config()).get_current_head()


def check(connection: Connection, database: Database) -> None:
    """Raise `SchemaError`, with the way out, unless the schema is at this version's revision."""
    refuse_old_server(connection, database)
    found = current(connection, database.schema)
    if found == head():
        return
    refuse_newer(ScriptDirectory.from_config(config()), found, database)
    where = f"schema {database.schema!r} of {database.place}" if database.schema else database.place
    state = "is empty" if found is None else f"is at revision {found}, before this version's"
    raise SchemaError(f"{where} {state}: run `driftd db upgrade`")


def upgrade(database: Database) -> None:
    """Run what is missing in one transaction; others who come meanwhile wait and find nothing to do."""
    scripts = ScriptDirectory.from_config(config())
    head = scripts.get_current_head()
    with database.reading() as connection:
        refuse_old_server(connection, database)
        if current(connection, database.schema) == head:
            return
    with database.writing() as connection:
        take_turn(connection, database.schema)
        found = current(connection, database.schema)
        refuse_newer(scripts, found, database)
        if found != head:
            command.upgrade(config(connection, database.schema), "head")
            for view in PUBLIC.values():
                make_view(connection, view, database.schema)
            make_functions(connection, database.schema)


def take_turn(connection: Connection, schema: str | None) -> None:
    """Be the only one who upgrades until the transaction ends; SQLite's write lock does that by itself."""
    if schema is None:
        return
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
    there = text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
    quoted = connection.dialect.identifier_preparer.quote(schema)
    if connection.execute(there, {"name": schema}).first() is None:
        connection.execute(text(f"CREATE SCHEMA {quoted}"))
    connection.execute(text(f"SET LOCAL search_path TO {quoted}"))


def refuse_newer(scripts: ScriptDirectory, found: str | None, database: Database) -> None:
    """Raise `SchemaError` for a revision that is not among ours."""
    if found is None:
        return
    try:
        scripts.get_revision(found)
    except CommandError:
        raise SchemaError(
            f"{database.place} is at revision {found}, which this version does not know: "
            "a newer driftd made it; upgrade driftd"
        ) from None


def refuse_old_server(connection: Connection, database: Database) -> None:
    """Raise `SchemaError` for a PostgreSQL before 14."""
    version = connection.dialect.server_version_info or ()
    if database.is_postgres and version < OLDEST_POSTGRES:
        raise SchemaError(
            f"{database.place} is version {'.'.join(map(str, version))}; driftd needs PostgreSQL 14 or later"
        )
