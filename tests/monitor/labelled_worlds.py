"""A small model whose labels come later, read from topics in memory by an engine that may crash."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from detectors.dictionary import Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from monitor.clock import ManualClock
from monitor.compile import model_plan
from monitor.engine import Engine
from monitor.join.joiner import Joiner
from monitor.join.keeper import JoinKeeper
from monitor.join.table import JoinTable
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition
from monitor.source.memory import MemoryBroker, MemorySource
from monitor.store.base import Store
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, config

LABELS = """
labels_topics = ["labels"]
labels_horizon = "10d"
labels_wait = "12h"
"""
PREDICTIONS_AT, LABELS_AT = TopicPartition("predictions", 0), TopicPartition("labels", 0)


def rows_of_hours(hours: int, per_hour: int, seed: int, wrong: Callable[[float], float]) -> pd.DataFrame:
    """Rows with features, calibrated scores, predictions and labels; ``wrong`` gives the error rate of an
    hour.

    A row's label differs from what its score says with the given probability, so an error rate above that of
    the scores is concept shift.
    """
    rng = np.random.default_rng(seed)
    n = hours * per_hour
    age = rng.normal(40.0, 10.0, n).round(2)
    score = np.where(rng.random(n) < 0.5, 0.1, 0.9).round(4)
    hour = np.arange(n) / per_hour
    rate = np.array([wrong(each) for each in hour])
    label = (score > 0.5) ^ (rng.random(n) < rate)
    return pd.DataFrame(
        {
            "age": age,
            "country": rng.choice(np.array(["DE", "FR", "PT"]), n, p=(0.5, 0.3, 0.2)),
            "prediction": (score > 0.5).astype(int),
            "score": score,
            "label": label.astype(int),
            "time_ms": START_MS + (hour * HOUR_MS).astype(np.int64),
        }
    )


@cache
def labelled_reference() -> Reference:
    frame = rows_of_hours(20, 200, 1, lambda _: 0.1)
    times = frame.pop("time_ms").to_numpy() - 1000 * HOUR_MS
    roles = {"prediction": Role.PREDICTION, "score": Role.SCORE, "label": Role.LABEL}
    dictionary = infer(frame, roles)
    columns = columns_from_frame(frame, dictionary)
    return build(
        columns,
        dictionary,
        model="loans",
        version="",
        source="test",
        built_at=NOW,
        times_ms=times,
        window_ms=HOUR_MS,
    )


def labelled_plan(extra: str = "") -> ModelPlan:
    settings = config(LABELS + extra)
    limit = settings.limits.max_message_bytes
    return model_plan("loans", settings.models["loans"], settings.alerts, labelled_reference(), limit)


def broker_with(
    frame: pd.DataFrame, delay_ms: Callable[[int], int], more: Sequence[Mapping[str, Any]] | None = None
) -> MemoryBroker:
    """Topics with these predictions, and their labels in the order in which they became known."""
    if more is None:
        more = []
    broker = MemoryBroker()
    broker.create("predictions", 1)
    broker.create("labels", 1)
    labels: list[tuple[int, bytes]] = []
    for i, row in enumerate(frame.to_dict("records")):
        time_ms = int(row["time_ms"])
        features = {"age": row["age"], "country": row["country"]}
        value = {"id": f"r{i}", "timestamp": time_ms, "features": features}
        value |= {"prediction": row["prediction"], "score": row["score"]}
        broker.append(PREDICTIONS_AT, msgspec.json.encode(value), timestamp=time_ms)
        known_ms = time_ms + delay_ms(i)
        labels.append(
            (known_ms, msgspec.json.encode({"id": f"r{i}", "timestamp": known_ms, "label": row["label"]}))
        )
    labels += [(int(each["timestamp"]), msgspec.json.encode(each)) for each in more]
    for known_ms, value_ in sorted(labels):
        broker.append(LABELS_AT, value_, timestamp=known_ms)
    return broker


def halved(broker: MemoryBroker, apart: int) -> MemoryBroker:
    """Give the same topics with each prediction as a request and, so many messages later, a response."""
    made = MemoryBroker()
    made.create("predictions", 1)
    made.create("labels", 1)
    placed: list[tuple[float, bytes]] = []
    for place, message in enumerate(broker.logs[PREDICTIONS_AT].messages):
        row = msgspec.json.decode(message.value or b"")
        answer = {name: row.pop(name) for name in ("prediction", "score")}
        told = {"id": row["id"], "timestamp": row["timestamp"] + 40, "side": "out"} | answer
        placed.append((place, msgspec.json.encode(row | {"side": "in"})))
        placed.append((place + apart + 0.5, msgspec.json.encode(told)))
    for _, value in sorted(placed):
        made.append(PREDICTIONS_AT, value, timestamp=msgspec.json.decode(value)["timestamp"])
    for message in broker.logs[LABELS_AT].messages:
        made.append(LABELS_AT, message.value, timestamp=message.timestamp)
    return made


OPEN: list[Reader] = []
"""Readers that hold files: a fixture closes what a failing test leaves."""


class Reader:
    """An engine on topics in memory that can be crashed and started again, with or without its disk."""

    def __init__(self, store: Store, broker: MemoryBroker, folder: Path, plan: ModelPlan) -> None:
        self._store, self._broker, self._folder, self._plan = store, broker, folder, plan
        self.batch = 400
        self._start()

    def _start(self) -> None:
        OPEN.append(self)
        self.keeper = self._keeper()
        self.source = MemorySource(self._broker, ["predictions", "labels"])
        self.engine = Engine(
            self.source, self._store, {"loans": self._plan}, ManualClock(NOW), "earliest", join=self.keeper
        )

    def _keeper(self) -> JoinKeeper:
        return JoinKeeper(Joiner(JoinTable(self._folder, 1 << 26, "test")))

    def crash(self) -> None:
        """Lose everything that is in memory."""
        self.source.close()
        table = self.keeper.joiner.table
        table.close()
        self._start()

    def turn(self, rows: int) -> int:
        """Read some messages; give how many came."""
        polled = self.source.poll(0.0, rows)
        self.engine.assignment(polled)
        self.engine.take(polled.chunks)
        self.engine.claim()
        return sum(len(chunk.records) for chunk in polled.chunks)

    def catch_up(self) -> None:
        """Read and judge all that is there; windows that may still fill stay open."""
        self.turn(1)
        while self.turn(500) or self.engine.restoring:
            self.write()
        self.write()

    def write(self, *, everything: bool = False) -> None:
        self.engine.commit()
        self.engine.close_windows(everything=everything)

    def read_all(self, rng: random.Random, crashes: float = 0.0) -> None:
        """Read to the end in random steps, crash now and then, and judge everything."""
        idle = 0
        while idle < 3:
            came = self.turn(rng.randrange(1, self.batch))
            idle = 0 if came or self.engine.restoring else idle + 1
            if rng.random() < crashes:
                self.crash()
                idle = 0
            elif rng.random() < 0.5:
                self.write()
        self.write()
        self.write(everything=True)
        self.close()

    def close(self) -> None:
        OPEN[:] = [reader for reader in OPEN if reader is not self]
        self.keeper.close()
        self.source.close()
