"""A model with two variants on one stream, whose labels bring revenue."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from monitor.plan import ModelPlan
from monitor.source.memory import MemoryBroker
from monitor.store.base import Store
from tests.monitor.labelled_worlds import LABELS_AT, PREDICTIONS_AT, Reader, labelled_plan, rows_of_hours
from tests.monitor.worlds import HOUR_MS

EXPERIMENT = """
[models.loans.fields]
variant = "variant"
[models.loans.labels_fields]
metric = "revenue"
[models.loans.experiment]
control = "v1"
treatments = ["v2"]
metric = "revenue"
"""
HOURS, PER_HOUR = 12, 200


def plan(extra: str = EXPERIMENT) -> ModelPlan:
    return labelled_plan(extra)


def logged(
    hours: int = HOURS,
    per_hour: int = PER_HOUR,
    seed: int = 3,
    share: float = 0.5,
    better: float = 0.0,
    moved: float = 0.0,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Predictions and labels; ``share`` of the rows are v2's, which earns ``better`` more.

    Ages of v2 are ``moved`` years higher.
    """
    frame = rows_of_hours(hours, per_hour, seed, lambda _: 0.1)
    rng = np.random.default_rng(seed + 1)
    is_treated = rng.random(len(frame)) < share
    revenue = rng.exponential(10.0, len(frame)) + better * is_treated
    predictions, labels = [], []
    for i, row in enumerate(frame.to_dict("records")):
        features = {"age": row["age"] + moved * bool(is_treated[i]), "country": row["country"]}
        made = {"id": f"r{i}", "timestamp": int(row["time_ms"]), "features": features}
        made |= {"prediction": row["prediction"], "score": row["score"]}
        predictions.append(made | {"variant": "v2" if is_treated[i] else "v1"})
        known_ms = int(row["time_ms"]) + int(rng.integers(0, 3 * HOUR_MS))
        told = {"id": f"r{i}", "timestamp": known_ms, "label": row["label"]}
        labels.append(told | {"revenue": round(float(revenue[i]), 2)})
    return predictions, sorted(labels, key=lambda label: label["timestamp"])


def broker_of(predictions: list[dict[str, Any]], labels: list[dict[str, Any]]) -> MemoryBroker:
    broker = MemoryBroker()
    for at, rows in ((PREDICTIONS_AT, predictions), (LABELS_AT, labels)):
        broker.create(at.topic, 1)
        for row in rows:
            broker.append(at, msgspec.json.encode(row), timestamp=row["timestamp"])
    return broker


def judged(
    store: Store, broker: MemoryBroker, folder: Path, of: ModelPlan, seed: int = 1, crashes: float = 0.0
) -> Store:
    """Read everything in random steps, with crashes, and judge it."""
    Reader(store, broker, folder, of).read_all(random.Random(seed), crashes)
    return store


def latest(store: Store, kind: str, measure: str, variant: str = "v2") -> dict[str, Any]:
    """Give what the experiment said last of a measure."""
    where = {"kind": kind, "measure": measure, "variant": variant}
    (row,) = store.view("experiment_history", where=where, limit=1)
    return row
