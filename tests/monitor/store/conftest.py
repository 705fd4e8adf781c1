"""The store on each of its databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.base import Store
from monitor.store.sql import open_store
from tests.monitor.store.rows import AT, MODEL
from tests.services.postgres_fixtures import empty_postgres_url, postgres_databases, postgres_url

__all__ = ["empty_postgres_url", "postgres_databases", "postgres_url"]  # fixtures, known here by name

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.integration)]


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest) -> str:
    """Give a database without driftd's schema, of each kind."""
    return "sqlite://" if request.param == "sqlite" else str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a SQLite database with driftd's schema, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "driftd.sqlite"
    migrated = open_store(f"sqlite:///{path}")
    migrated.upgrade_schema()
    migrated.close_connections()
    return path


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """Give a migrated SQLite database."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path)}"


@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give a store with one registered model, on each kind of database."""
    with_schema = open_store(request.getfixturevalue(f"{request.param}_url"))
    with_schema.register_models([MODEL], AT)
    yield with_schema
    with_schema.close_connections()


@pytest.fixture
def pair(postgres_url: str) -> Iterator[tuple[Store, Store]]:
    """Give two processes' stores on one Postgres database, with one registered model."""
    one, other = open_store(postgres_url), open_store(postgres_url)
    one.register_models([MODEL], AT)
    yield one, other
    one.close_connections()
    other.close_connections()
