"""A world on each kind of database, made once: many tests look at it, none can change it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.page import open_reader
from monitor.store.sql import open_store
from tests.monitor.page.reading import Site
from tests.monitor.page.worlds import fill
from tests.services.postgres_fixtures import Databases, postgres_databases

__all__ = ["postgres_databases"]  # a fixture, known here by name


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.integration)])
def site(request: pytest.FixtureRequest) -> Site:
    """Give the page on the history of three models, on each kind of database."""
    found: Site = request.getfixturevalue(f"{request.param}_site")
    return found


@pytest.fixture(scope="session")
def sqlite_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give it on SQLite alone."""
    folder = tmp_path_factory.mktemp("page")
    yield from _site(migrated(folder), folder)


@pytest.fixture(scope="session")
def postgres_site(postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give it on Postgres alone."""
    yield from _site(postgres_databases.migrated(), tmp_path_factory.mktemp("page"))


def _site(url: str, folder: Path) -> Iterator[Site]:
    config = fill(url, folder / "join")
    reader = open_reader(url)
    yield Site.of(config, reader)
    reader.close()


def migrated(folder: Path) -> str:
    """Give a migrated SQLite database in the folder."""
    url = f"sqlite:///{folder}/driftd.sqlite"
    store = open_store(url)
    store.upgrade_schema()
    store.close_connections()
    return url
