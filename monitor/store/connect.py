"""Connections, transactions, and what their failures mean."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from monitor.errors import ConfigError
from monitor.store.failures import meaning
from monitor.store.types import dump_json

POSTGRES_DRIVERS = ("postgresql", "postgres", "postgresql+psycopg")
SQLITE_DRIVERS = ("sqlite", "sqlite+pysqlite")
CONNECTIONS = 5

# A dead network is noticed within a minute; the URL's query can say otherwise.
POSTGRES_DEFAULTS: dict[str, Any] = {
    "application_name": "driftd",
    "connect_timeout": 10,
    "client_encoding": "utf8",
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 40_000,
}


class Database:
    """One database and one schema in it; safe to use from several threads.

    Every failure that may pass by itself leaves as `StoreError`.
    """

    def __init__(
        self, url: URL, schema: str | None, statement_timeout_s: float, idle_timeout_s: float
    ) -> None:
        self.url = url
        self.schema = schema
        self.is_postgres = schema is not None
        self.statement_timeout_s = statement_timeout_s
        make = self._postgres if self.is_postgres else self._sqlite
        self.engine = make(url, idle_timeout_s)

    @property
    def place(self) -> str:
        """Name the database in messages, without its password."""
        if not self.is_postgres:
            return f"SQLite {self.url.database}"
        port = f":{self.url.port}" if self.url.port else ""
        return f"PostgreSQL {self.url.host or 'on the default socket'}{port}/{self.url.database or ''}"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection whose transaction is rolled back at the end."""
        with self.translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, wait_s: float | None = None) -> Iterator[Connection]:
        """Give a transaction: committed on normal exit, rolled back on an exception.

        ``wait_s`` is how long SQLite may wait for its one writer's turn.
        """
        with self.translated(), self.for_writing(wait_s).begin() as connection:
            yield connection

    def for_writing(self, wait_s: float | None = None) -> Engine:
        """Make SQLite take its write lock at once: upgrading a read lock can fail at any statement."""
        if self.is_postgres:
            return self.engine
        wait = self.statement_timeout_s if wait_s is None else wait_s
        return self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE", sqlite_wait_s=wait)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the driver's exceptions into ours."""
        try:
            yield
        except (DBAPIError, PoolTimeout) as error:
            ours = meaning(error, self.place, self.url.password)
            if ours is None:
                raise
            raise ours from error

    def close(self) -> None:
        self.engine.dispose()

    def _postgres(self, url: URL, idle_timeout_s: float) -> Engine:
        engine = create_engine(
            url,
            connect_args={name: value for name, value in POSTGRES_DEFAULTS.items() if name not in url.query},
            execution_options={"schema_translate_map": {None: self.schema}},
            json_serializer=dump_json,
            hide_parameters=True,
            pool_size=CONNECTIONS,
            pool_pre_ping=True,
        )
        settings = (
            f"SET statement_timeout = {int(self.statement_timeout_s * 1000)};"
            f"SET idle_in_transaction_session_timeout = {int(idle_timeout_s * 1000)};"
            "SET TimeZone = 'UTC'; SET jit = off"
        )

        @event.listens_for(engine, "connect")
        def _(connection: Any, _: Any) -> None:
            # Not as start-up options: poolers between us and the server refuse those.
            connection.execute(settings)
            connection.commit()

        return engine

    def _sqlite(self, url: URL, _: float) -> Engine:
        if url.database in (None, "", ":memory:"):
            folder = tempfile.mkdtemp(prefix="driftd-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            url = url.set(database=f"{folder}/driftd.sqlite")
        engine = create_engine(url, json_serializer=dump_json, hide_parameters=True, pool_size=CONNECTIONS)
        event.listen(engine, "connect", prepare_sqlite)
        event.listen(engine, "begin", begin_sqlite)
        event.listen(engine, "reset", end_sqlite)
        return engine


def prepare_sqlite(connection: Any, _: Any) -> None:
    """Leave transactions to `begin_sqlite`, let readers and the writer work side by side."""
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA journal_mode = WAL")
    # A power cut may take the last commits back, but cursor and results together: they are read again.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def begin_sqlite(connection: Connection) -> None:
    """Begin as the connection's options say."""
    options = connection.get_execution_options()
    wait_ms = int(1000 * options.get("sqlite_wait_s", 10))
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {wait_ms}")
    connection.exec_driver_sql(options.get("sqlite_begin", "BEGIN"))


def end_sqlite(connection: Any, *_: Any) -> None:
    """Roll back what a failed COMMIT left open: SQLite keeps the transaction, SQLAlchemy thinks it over."""
    if connection.in_transaction:
        connection.rollback()


def parse_url(text: str) -> URL:
    """Read a database URL; a plain ``postgresql://`` one is served by psycopg 3.

    Raises `ConfigError` without repeating the text, which may hold a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "the database URL cannot be read; it looks like postgresql://user@host:5432/database "
            "(special characters in a password are %-encoded) or sqlite:///results.sqlite"
        ) from None
    if url.drivername in POSTGRES_DRIVERS:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in SQLITE_DRIVERS:
        return url.set(drivername="sqlite+pysqlite")
    raise ConfigError(
        f"the database URL begins with {url.drivername}://; driftd writes to postgresql:// or sqlite://"
    )
