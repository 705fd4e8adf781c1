"""A small model with its log, for tests of the engine: built once, cheap to run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from detectors.dictionary import Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from monitor.clock import Clock, ManualClock
from monitor.compile import model_plan
from monitor.config import Config, parse
from monitor.engine import Engine
from monitor.plan import ModelPlan
from monitor.source.base import Chunk, Message, Polled, Record, TopicPartition
from monitor.store.base import Store
from monitor.store.sql import open_store
from monitor.telling import Speaking

START_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC
HOUR_MS = 3_600_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)

CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite://"
[models.loans]
topics = ["predictions"]
window = "1h"
lateness = "5m"
windows_up_to = "2h"
min_rows = 20
"""


def config(extra: str = "") -> Config:
    return parse(CONFIG + extra)


def training_frame(rows: int = 2_000, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40.0, 10.0, rows).round(2),
            "country": rng.choice(np.array(["DE", "FR", "PT"]), rows, p=(0.5, 0.3, 0.2)),
            "owner": rng.random(rows) < 0.3,
            "prediction": rng.integers(0, 2, rows),
            "score": rng.random(rows).round(4),
        }
    )


@cache
def reference(seed: int = 1, segments: tuple[str, ...] = ()) -> Reference:
    frame = training_frame(seed=seed)
    dictionary = infer(frame, {"prediction": Role.PREDICTION, "score": Role.SCORE})
    columns = columns_from_frame(frame, dictionary)
    return build(
        columns, dictionary, model="loans", version="", source="test", built_at=NOW, segments=segments
    )


def plan(extra: str = "", seed: int = 1) -> ModelPlan:
    settings = config(extra)
    limit, of_model = settings.limits.max_message_bytes, settings.models["loans"]
    known = reference(seed, of_model.segments)
    return model_plan("loans", of_model, settings.alerts, known, limit)


def payload(row_id: object, time_ms: object, features: Mapping[str, Any], **more: object) -> bytes:
    message = {"id": row_id, "timestamp": time_ms, "features": features, "prediction": 1, "score": 0.5}
    return msgspec.json.encode(message | more)


def log(hours: float, per_hour: int = 60, seed: int = 7, shift_from_hour: float = 1e9) -> list[bytes]:
    """Rows in time order; from ``shift_from_hour`` on, ages are 20 years higher."""
    rng = np.random.default_rng(seed)
    frame = training_frame(int(hours * per_hour), seed)
    step_ms = HOUR_MS // per_hour
    rows = []
    for i, row in enumerate(frame.to_dict("records")):
        moved = 20.0 if i >= shift_from_hour * per_hour else 0.0
        features = {"age": row["age"] + moved, "country": row["country"], "owner": bool(row["owner"])}
        jitter = int(rng.integers(0, step_ms))
        rows.append(
            payload(
                f"r{i}",
                START_MS + i * step_ms + jitter,
                features,
                prediction=row["prediction"],
                score=row["score"],
            )
        )
    return rows


class ListSource:
    """A source that is driven by hand: chunks go straight to the engine."""

    def __init__(self) -> None:
        self.sought: dict[TopicPartition, int] = {}
        self.ends: dict[TopicPartition, int] = {}
        self.existing: frozenset[TopicPartition] = frozenset()
        self.committed: dict[TopicPartition, int] = {}

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        del timeout_s, max_records
        return Polled()

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        self.sought.update(positions)

    def partitions(self) -> frozenset[TopicPartition]:
        return self.existing

    def first_offsets(self, partitions: Iterable[TopicPartition], start: str) -> Mapping[TopicPartition, int]:
        del start
        return dict.fromkeys(partitions, 0)

    def offsets_at(self, times_ms: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(times_ms, 0)

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {tp: self.ends[tp] for tp in partitions if tp in self.ends}

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        self.committed.update(positions)

    def close(self) -> None: ...


OPENED: list[Store] = []
"""Stores that a test has opened: conftest closes them after it."""


def new_store() -> Store:
    store = open_store("sqlite://")
    OPENED.append(store)
    store.upgrade_schema()
    store.register_models(["loans"], NOW)
    return store


def new_engine(
    store: Store,
    partitions: Sequence[TopicPartition],
    plans: Mapping[str, ModelPlan] | None = None,
    services: tuple[str, ...] = (),
    clock: Clock | None = None,
) -> Engine:
    """An engine that owns these partitions and has claimed them."""
    source = ListSource()
    speaking = Speaking(services=services)
    engine = Engine(
        source, store, plans or {"loans": plan()}, clock or ManualClock(NOW), "earliest", speaking
    )
    engine.assignment(Polled(assigned=frozenset(partitions)))
    engine.claim()
    return engine


def chunk(partition: TopicPartition, values: Sequence[bytes | None], first: int = 0) -> Chunk:
    records: list[Record] = [Message(first + i, value, timestamp=START_MS) for i, value in enumerate(values)]
    return Chunk(partition, records)


def played_on_two(of_plan: ModelPlan, rows: Sequence[bytes], step: int, *, restarts: bool = False) -> Store:
    """Let the loans' engine read rows of two partitions by turns, some at once, and judge all windows."""
    partitions = [TopicPartition("predictions", at) for at in range(2)]
    store = new_store()
    engine = new_engine(store, partitions, {"loans": of_plan})
    for begin in range(0, len(rows), step):
        if restarts:
            engine = new_engine(store, partitions, {"loans": of_plan})
        for which, partition in enumerate(partitions):
            part = rows[begin : begin + step][which::2]
            engine.take([chunk(partition, part, begin // 2)])
        engine.commit()
        engine.close_windows()
    engine.close_windows(everything=True)
    return store


def rows_of(store: Store, view: Any, *unstable: str) -> list[dict[str, Any]]:
    """A view's rows without the columns that say when things were done, in a fixed order."""
    dropped = {"evaluated_at", "closed_at", "notified", *unstable}
    rows = [{k: v for k, v in row.items() if k not in dropped} for row in store.view(view)]
    return sorted(rows, key=lambda row: tuple(str(value) for value in row.values()))
