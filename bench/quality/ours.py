"""Driftd on the same streams: counted, judged and stored as `driftd run` would, in an SQLite database."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

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
"""
SETTINGS = {
    "default": "",
    "sensitive": """
false_alarms = "1 per 1000h"
min_effect = 0.005
[models.bench.detectors]
sequential = ["e_detector"]
""",
}


class Driftd:
    """One model a stream; windows of an hour follow a reference of as many rows an hour."""

    def __init__(self, settings: str) -> None:
        self._config = parse(CONFIG + SETTINGS[settings])
        self._fields = self._config.models[MODEL].fields.resolved(MODEL)

    def begin(self, stream: Stream) -> None:
        rows = stream.reference
        dictionary = infer(rows)
        self._reference = build(
            columns_from_frame(rows, dictionary),
            dictionary,
            model=MODEL,
            version="",
            source="bench",
            built_at=NOW,
            times_ms=_times_ms(START_MS - len(rows) // stream.rows * HOUR_MS, len(rows), stream.rows),
            window_ms=HOUR_MS,
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
            times_ms = _times_ms(START_MS + number * HOUR_MS, len(window), stream.rows)
            yield from counted(window.assign(timestamp=times_ms), self._fields, self._reference, HOUR_MS)

    def _alarms(self) -> Iterator[tuple[int, str]]:
        """Give the window at whose end something was said, and of which feature."""
        rows: list[dict[str, object]] = [
            *self._store.view("drift_history", where={"verdict": "drift"}),
            *self._store.view("quality_history", where={"verdict": "fail"}),
        ]
        for row in rows:
            end = row["window_end"]
            if isinstance(end, datetime):
                yield (int(end.timestamp() * 1000) - START_MS) // HOUR_MS - 1, str(row["feature"])


def _times_ms(start_ms: int, rows: int, rows_per_hour: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Spread rows evenly."""
    return start_ms + np.arange(rows, dtype=np.int64) * HOUR_MS // rows_per_hour


if __name__ == "__main__":
    run(Driftd(sys.argv[4]), ["driftd"])
