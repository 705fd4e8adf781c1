"""A configuration, a database filled through the store, and what a command answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.model import Alert
from monitor.clock import SystemClock
from monitor.source.base import TopicPartition
from monitor.store.base import Advance, Alerting, Beat, Closed, PartitionClock, Progress, Sample, Store
from monitor.store.sql import open_store
from tests.monitor.store.rows import MODEL, close

CONFIG = """\
[kafka]
bootstrap_servers = ["localhost:9092"]
[database]
url = "sqlite:///{folder}/driftd.sqlite"
[models.churn]
topics = ["predictions"]
[alerts.services]
oncall = {{ env = "ONCALL_URL" }}
"""
NOW_MS = int(SystemClock().now().timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


@dataclass
class World:
    """A folder with a configuration and a database."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    _stores: list[Store] = field(default_factory=list)

    @property
    def file(self) -> Path:
        return self.folder / "driftd.sqlite"

    @property
    def store(self) -> Store:
        if not self._stores:
            self._stores.append(open_store(f"sqlite:///{self.file}"))
        return self._stores[0]

    def configure(self, text: str) -> None:
        """Write the configuration; ``{folder}`` becomes this folder."""
        self.folder.joinpath("config.toml").write_text(text.format(folder=self.folder), encoding="utf-8")

    def run(self, *arguments: str) -> Ran:
        """Run a command with this configuration."""
        return self.run_bare(*arguments, "--config", str(self.folder / "config.toml"))

    def run_bare(self, *arguments: str) -> Ran:
        """Run a command in this process, as the console script would."""
        from monitor.cli import main  # noqa: PLC0415  # warnings of Kafka's client are not yet filtered above

        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    def close_windows(self, *closed: Closed) -> None:
        close(self.store, *closed)

    def raise_alerts(self, *alerts: Alert) -> None:
        with self.store.lock(MODEL) as lock:
            assert lock is not None
            lock.write(Alerting(alerts=alerts))

    def read(
        self, partition: int, until: int, log_end: int | None, ago: timedelta, event_ms: int | None = NOW_MS
    ) -> None:
        """Write that a partition was read, ``ago`` before now."""
        at = TopicPartition("predictions", partition)
        clock = PartitionClock(MODEL, at, event_ms, SystemClock().now() - ago, caught_up=until == log_end)
        self.store.commit(Progress(advances=(Advance(at, None, until, log_end),), clocks=(clock,)))

    def beat(self, partition: int, ago: timedelta, positions: Sequence[tuple[int, int]]) -> None:
        """Write what a reader's last beat told: positions ten seconds apart, with what waited there."""
        at = SystemClock().now() - ago
        last_ms = int(at.timestamp() * 1000)
        recent = tuple(
            Sample(last_ms - 10_000 * (len(positions) - 1 - i), next_, next_ + waiting)
            for i, (next_, waiting) in enumerate(positions)
        )
        beat = Beat(TopicPartition("predictions", partition), "host/7", at - timedelta(hours=1), at, recent)
        self.store.commit(Progress(beats=(beat,)))

    def close(self) -> None:
        for store in self._stores:
            store.close_connections()
