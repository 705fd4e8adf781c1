"""Which failures of a database pass by themselves, which need the user, which are our mistakes."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from monitor.errors import ConfigError, DriftdError, SchemaError, StoreError

# Classes of SQLSTATE (PostgreSQL, appendix A): connection, rollback, resources, locks, operator, system.
PASSING_CLASSES = frozenset({"08", "40", "53", "55", "57", "58"})
PASSING_STATES = frozenset({"25006", "25P03"})  # read-only (a standby), idle in transaction for too long
FOREIGN_SCHEMA_STATES = frozenset({"42P01", "42703", "3F000"})  # no such table, column, schema
FORBIDDEN = "42501"
LOCK_NOT_AVAILABLE = "55P03"

PASSING_SQLITE = ("BUSY", "LOCKED", "IOERR", "FULL", "CANTOPEN", "READONLY", "NOMEM", "PROTOCOL", "INTERRUPT")
NO_DATABASE = "SQLITE_NOTADB"
DAMAGED = "SQLITE_CORRUPT"


def meaning(error: DBAPIError | PoolTimeout, place: str, password: object) -> DriftdError | None:
    """Give the error to raise instead; None for a mistake of ours, which must stay loud."""
    cause = words(error, password)
    if isinstance(error, PoolTimeout):
        return StoreError(f"{place}: every connection is in use ({cause})")
    if passes(error):
        return StoreError(f"{place} does not serve now: {cause}")
    state = getattr(error.orig, "sqlstate", None)
    if state == FORBIDDEN:
        return SchemaError(f"{place} forbids it: {cause}; grant the rights or use the schema's owner")
    if state in FOREIGN_SCHEMA_STATES or "no such table" in cause or "no such column" in cause:
        return SchemaError(
            f"{place} has not the tables this version needs ({cause}): run `driftd db upgrade`"
        )
    return _of_file(error, place, cause)


def _of_file(error: DBAPIError, place: str, cause: str) -> DriftdError | None:
    """SQLite only: the file is there and can be read, but holds no database, or a broken one."""
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    if name == NO_DATABASE:
        return ConfigError(
            f"{place} is no SQLite database ({cause}): database.url names another kind of file"
        )
    if name.startswith(DAMAGED):
        return DriftdError(f"{place} is damaged ({cause}): restore a backup of the file")
    return None


def passes(error: DBAPIError) -> bool:
    """Whether the same call may succeed later."""
    if error.connection_invalidated:
        return True
    name = getattr(error.orig, "sqlite_errorname", None)
    if name is not None:
        return str(name).removeprefix("SQLITE_").startswith(PASSING_SQLITE)
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return type(error.orig).__name__ in {"OperationalError", "ConnectionTimeout", "InterfaceError"}
    return state[:2] in PASSING_CLASSES or state in PASSING_STATES or state[:2] in {"28", "3D"}


def is_busy(error: DBAPIError) -> bool:
    """Whether a lock was not to be had in time."""
    if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
        return True
    return str(getattr(error.orig, "sqlite_errorname", "")).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def words(error: DBAPIError | PoolTimeout, password: object) -> str:
    """Give the driver's own words in one line, never with the password."""
    told = error.orig if isinstance(error, DBAPIError) else error
    text = "; ".join(line.strip() for line in str(told).splitlines() if line.strip()) or type(told).__name__
    return text.replace(str(password), "***") if password else text
