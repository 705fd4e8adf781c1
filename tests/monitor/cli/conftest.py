"""Commands run in this process against a SQLite database of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.store.sql import open_store
from tests.monitor.cli.worlds import CONFIG, World
from tests.monitor.store.rows import AT, MODEL


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a SQLite database with driftd's schema, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "driftd.sqlite"
    migrated = open_store(f"sqlite:///{path}")
    migrated.upgrade_schema()
    migrated.close_connections()
    return path


@pytest.fixture
def bare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Give a configuration whose database file does not exist yet."""
    for name in [name for name in os.environ if name.startswith("DRIFTD")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("USER", "ada")
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path, capsys)
    world.configure(CONFIG)
    yield world
    world.close()


@pytest.fixture
def world(bare: World, migrated_file: Path) -> World:
    """Give a configuration and a migrated database with one registered model."""
    shutil.copy(migrated_file, bare.file)
    bare.store.register_models([MODEL], AT)
    return bare
