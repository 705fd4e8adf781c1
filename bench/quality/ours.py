"""Driftd on the same streams: counted, judged and stored as `driftd run` would, in an SQLite database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bench.quality.runners.reading import ALL, Answers, Stream, run
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import build
from monitor.backfill import Counted, backfill, counted
from monitor.clock import ManualClock
from monitor.config import parse
from monitor.store.sql import open_store

HOUR_MS = 3_600_000
START_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC
NOW = datetime(2027, 1, 1, tzinfo=UTC)
MODEL = "bench"
CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite://"
[models.bench]
topics = ["predictions"]
window = "{hours}h"
"""
SETTINGS = {
    "default": "",
    "sensitive": """
false_alarms = "1 per {hours}000h"
min_effect = 0.005
[models.bench.detectors]
pairs = ["correlation"]
""",
}


class Driftd:
    """One model a stream; windows follow a reference of as many rows an hour."""

    def __init__(self, settings: str) -> None:
        self._settings = settings

    def begin(self, stream: Stream) -> None:
        self._config = parse((CONFIG + SETTINGS[self._settings]).format(hours=stream.hours))
        self._fields = self._config.models[MODEL].fields.resolved(MODEL)
        self._window_ms = stream.hours * HOUR_MS
        rows = stream.reference
        dictionary = infer(rows)
        self._reference = build(
            columns_from_frame(rows, dictionary),
            dictionary,
            model=MODEL,
            version="",
            source="bench",
            built_at=NOW,
            times_ms=self._times_ms(stream, -(len(rows) // stream.rows), len(rows)),
            window_ms=self._window_ms,
            pairs=bool(self._config.models[MODEL].detectors.pairs),
        )
        self._store = open_store("sqlite://")
        self._store.upgrade_schema()

    def judge(self, stream: Stream, answers: Answers) -> None:
        clock = ManualClock(NOW)
        backfill(self._config, MODEL, self._reference, self._counted(stream), self._store, clock, stream.name)
        answers.alarm[:] = 0
        for number, name in self._alarms():
            answers.say(number, name if name in stream.features else ALL, is_alarm=True)
        self._store.close_connections()

    def _counted(self, stream: Stream) -> Iterator[Counted]:
        for number, window in stream.windows():
            rows = window.assign(timestamp=self._times_ms(stream, number, len(window)))
            yield from counted(rows, self._fields, self._reference, self._window_ms)

    def _alarms(self) -> Iterator[tuple[int, str]]:
        """Give the window at whose end something was said, and of which feature."""
        rows: list[dict[str, object]] = [
            *self._store.view("drift_history", where={"verdict": "drift"}),
            *self._store.view("quality_history", where={"verdict": "fail"}),
        ]
        for row in rows:
            end = row["window_end"]
            if isinstance(end, datetime):
                yield (int(end.timestamp() * 1000) - START_MS) // self._window_ms - 1, str(row["feature"])

    def _times_ms(self, stream: Stream, window: int, rows: int) -> NDArray[np.int64]:
        """Spread rows evenly from the start of a window on."""
        apart_ms = np.arange(rows, dtype=np.int64) * self._window_ms // stream.rows
        return START_MS + window * self._window_ms + apart_ms


if __name__ == "__main__":
    run(Driftd(sys.argv[3]), ["driftd"])
