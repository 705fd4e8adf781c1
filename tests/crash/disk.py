"""Where a worker of the simulation keeps what survives a crash."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from monitor.source.base import TopicPartition
from monitor.store.connect import Database, parse_url
from monitor.store.sql import SqlStore
from tests.crash import steps
from tests.crash.faults import Faults, watch
from tests.crash.logs import MODEL
from tests.monitor.worlds import NOW


class Disk:
    """Where one worker keeps its database and join tables: made anew for each world from an image.

    All worlds of a worker use one `Database`, so that statements are compiled once.
    """

    def __init__(self) -> None:
        shared = Path("/dev/shm")  # noqa: S108  # memory, where there is some
        self._folder = tempfile.TemporaryDirectory(
            dir=shared if shared.is_dir() else None, prefix="driftd-crash-"
        )
        self.root = Path(self._folder.name)
        self.file = self.root / "driftd.sqlite"
        self.database = Database(parse_url(f"sqlite:///{self.file}"), None, 0.0, 0.0)
        self._images: dict[str, bytes] = {}
        self.faults: Faults | None = None
        SqlStore(self.database).upgrade_schema()
        SqlStore(self.database).register_models([MODEL], NOW)
        self.keep("new")
        watch(self.database.engine, self._around)

    def _around(self, where: steps.Where, operation: Callable[[], None]) -> None:
        if self.faults is None:
            operation()
        else:
            self.faults.around(where, operation)

    def keep(self, name: str) -> None:
        """Remember the database as it is."""
        self.database.close()
        with sqlite3.connect(self.file) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        self._images[name] = self.file.read_bytes()

    def knows(self, name: str) -> bool:
        return name in self._images

    def dicts(self, query: str) -> list[dict[str, Any]]:
        """Give rows by the names of their columns."""
        with closing(sqlite3.connect(self.file)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Look into the database past the store."""
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(query).fetchall()

    def cursors(self) -> dict[TopicPartition, int]:
        found = self.ask("SELECT topic, partition, next_offset FROM cursor")
        return {TopicPartition(topic, partition): offset for topic, partition, offset in found}

    def open_windows(self) -> list[tuple[Any, ...]]:
        return self.ask("SELECT window_start, topic, partition FROM open_window")

    def queued(self) -> list[tuple[Any, ...]]:
        return self.ask("SELECT id, attempts FROM notification WHERE state = 'queued'")

    def put_back(self, name: str) -> None:
        """Make everything as it was remembered; join tables are gone."""
        self.database.close()
        for left in self.root.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        self.file.write_bytes(self._images[name])


@cache
def disk() -> Disk:
    """This worker's disk."""
    return Disk()
