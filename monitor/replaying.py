"""Replaying files through the engine that also runs behind Kafka."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from detectors.reference import Reference
from monitor.clock import Clock
from monitor.compile import model_plan
from monitor.config import Config
from monitor.engine import Engine, Speaking
from monitor.errors import DataError
from monitor.source.file import FileSource
from monitor.store.base import Store

_COMMIT_EVERY_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay has read."""

    rows: int
    rejected: int
    windows: int


def replay_files(
    config: Config,
    model: str,
    reference: Reference,
    paths: Sequence[Path],
    store: Store,
    clock: Clock,
    speaking: Speaking,
    progress: Callable[[int], None] | None = None,
) -> Replayed:
    """Read the files in order, as one partition, and judge every window, the last one too.

    Rows that this store has seen from the same files before are not read again.
    """
    for path in paths:
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
    settings = config.models[model]
    source = FileSource(paths, settings.fields.resolved(model), progress)
    settings = msgspec.structs.replace(settings, topics=(source.partition.topic,))
    plan = model_plan(model, settings, config.alerts, reference, config.limits.max_message_bytes)
    store.register_models([model], clock.now())
    engine = Engine(source, store, {model: plan}, clock, "earliest", speaking)
    return _read_all(engine, source, config.limits.batch_rows)


def _read_all(engine: Engine, source: FileSource, batch_rows: int) -> Replayed:
    rows = rejected = windows = pending = 0
    while not source.is_exhausted:
        polled = source.poll(0.0, batch_rows)
        engine.assignment(polled)
        engine.claim()
        engine.take(polled.chunks)
        pending += sum(len(chunk.records) for chunk in polled.chunks)
        if pending >= _COMMIT_EVERY_ROWS or source.is_exhausted:
            rows, rejected, pending = rows + engine.state.rows, rejected + len(engine.state.rejects), 0
            engine.commit()
            reports = engine.close_windows(everything=source.is_exhausted)
            windows += sum(report.windows for report in reports)
            engine.flush_alerts()
    return Replayed(rows, rejected, windows)
