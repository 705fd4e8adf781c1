"""Fixtures: a real PostgreSQL for a test session, and in it a new, migrated database for each test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from monitor.store.sql import open_store
from tests.services.postgres import PostgresServer, PostgresUnavailableError

OTHERS_OUT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
EMPTY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'driftd' AND tablename <> 'alembic_version'
        ORDER BY tablename = 'model'  -- references point to it
    LOOP EXECUTE format('DELETE FROM driftd.%I', name); END LOOP;
END $$
"""


_NUMBERS = itertools.count()  # over all of a process's fixtures: several conftests may bring them in


class Databases:
    """Makes databases on one server, and drops every one of them at the end."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self._made: list[str] = []
        self._template: str | None = None
        self._reused: str | None = None

    def empty(self) -> str:
        """Give the URL of a new database with nothing in it."""
        return self._create("template0")

    def migrated(self) -> str:
        """Give the URL of a new database with driftd's schema: a copy of one that was migrated once."""
        if self._template is None:
            url = self.empty()
            store = open_store(url)
            store.upgrade_schema()
            store.close_connections()
            self._template = name_in(url)
        return self._create(self._template)

    def emptied(self) -> str:
        """Give the URL of a migrated database without rows: always the same, ten times quicker than a copy.

        Whoever is still connected to it is thrown out first.
        """
        if self._reused is None:
            self._reused = self.migrated()
        with psycopg.connect(self._reused, autocommit=True) as connection:
            connection.execute(OTHERS_OUT)
            connection.execute(EMPTY)
        return self._reused

    def close(self) -> None:
        while self._made:
            self.drop(self._made[-1])

    def drop(self, name: str) -> None:
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made.remove(name)

    def _create(self, template: str) -> str:
        name = f"driftd_test_{os.getpid()}_{next(_NUMBERS)}"
        names = (sql.Identifier(name), sql.Identifier(template))
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'").format(*names))
        self._made.append(name)
        return with_database(self.admin_url, name)

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)


def with_database(url: str, name: str) -> str:
    head, question, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}{question}{query}"


def name_in(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[Databases]:
    """Databases on DRIFTD_TEST_POSTGRES, else on a server of this process's own."""
    if given := os.environ.get("DRIFTD_TEST_POSTGRES"):
        databases = Databases(given)
        yield databases
        databases.close()
        return
    try:
        server = PostgresServer()
    except PostgresUnavailableError as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(f"real PostgreSQL: {error}")
        pytest.skip(f"real PostgreSQL: {error}")
    with server:
        yield Databases(server.url)


@pytest.fixture
def postgres_url(postgres_databases: Databases) -> str:
    """Give a migrated database without rows, this process's own; leave its schema as it is."""
    return postgres_databases.emptied()


@pytest.fixture
def empty_postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """Give a new database with nothing in it."""
    url = postgres_databases.empty()
    yield url
    postgres_databases.drop(name_in(url))
