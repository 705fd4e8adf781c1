"""CPU time against the number of features, models, categories and open windows, each alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from bench.messages import START_MS
from detectors.dictionary import Dictionary, Kind, Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from monitor.clock import ManualClock
from monitor.compile import model_plan
from monitor.config import Model, parse
from monitor.engine import Engine
from monitor.plan import ModelPlan
from monitor.source.base import Chunk, Polled, TopicPartition
from monitor.store.sql import open_store
from tests.monitor.worlds import ListSource, chunk

HOUR_MS = 3_600_000
TRAINING_ROWS = 5_000
BATCHES = 4
LARGEST = 3  # points that an exponent is fitted to: below them fixed costs hide how things grow
NOW = datetime(2027, 1, 1, tzinfo=UTC)
CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite://"
[models.all]
topics = ["all"]
max_categories = 1_000_000
lateness = "1500d"
windows_up_to = "1h"
"""


@dataclass(frozen=True, slots=True)
class Case:
    """How much of everything. Every fifth feature is categorical; ``rows`` are shared out over the models."""

    features: int = 25
    models: int = 1
    categories: int = 10
    open_windows: int = 1
    rows: int = 10_000


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of this process; the database's own is not in it."""

    take_us_a_row: float
    commit_ms: float
    judge_ms_a_window: float


CURVES: Mapping[str, tuple[Case, ...]] = {
    "features": tuple(Case(features=n, rows=min(10_000, 1_000_000 // n)) for n in (10, 30, 100, 300, 1_000)),
    "models": tuple(Case(models=n) for n in (1, 3, 10, 30, 100, 200)),
    "categories": tuple(Case(categories=n, open_windows=10) for n in (10, 100, 1_000, 10_000)),
    "open_windows": tuple(Case(open_windows=n) for n in (1, 3, 10, 30, 100, 300)),
}
"""Other columns than the one that grows stay as `Case` has them."""


def frame(case: Case, rows: int, seed: int) -> pd.DataFrame:
    """Rows of one model."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for i in range(case.features):
        if i % 5 == 4:
            columns[f"f{i:04d}"] = np.char.add("c", rng.integers(0, case.categories, rows).astype(str))
        else:
            columns[f"f{i:04d}"] = rng.normal(10.0, 3.0, rows).round(6)
    columns["prediction"] = rng.integers(0, 2, rows)
    return pd.DataFrame(columns)


def reference(case: Case) -> Reference:
    """What all models of a case are compared with."""
    rows = frame(case, max(TRAINING_ROWS, 3 * case.categories), seed=1)
    dictionary = _categorical(infer(rows, {"prediction": Role.PREDICTION}))
    columns = columns_from_frame(rows, dictionary)
    return build(
        columns,
        dictionary,
        model="all",
        version="",
        source="bench",
        built_at=NOW,
        max_categories=1_000_000,
    )


def _categorical(dictionary: Dictionary) -> Dictionary:
    """Count categories however many there are: with thousands they would be taken for text."""
    kinds = {Kind.TEXT: Kind.CATEGORICAL}
    features = {
        name: msgspec.structs.replace(each, kind=kinds.get(each.kind, each.kind))
        for name, each in dictionary.features.items()
    }
    return Dictionary(features)


def chunks(case: Case, model: str, seed: int) -> Chunk:
    """One model's share of a batch, spread evenly over the open windows."""
    rows = max(1, case.rows // case.models)
    made = frame(case, rows, seed)
    features = made.drop(columns="prediction").to_dict("records")
    values = [
        msgspec.json.encode(
            {
                "id": f"{seed}-{i}",
                "timestamp": START_MS + (i % case.open_windows) * HOUR_MS,
                "features": row,
                "prediction": 1,
            }
        )
        for i, row in enumerate(features)
    ]
    return chunk(TopicPartition(model, 0), values, seed * rows)


def measure(case: Case, url: str, schema: str) -> Cost:
    """Take, commit and judge some batches, in a schema that is empty before."""
    store = open_store(url, schema)
    store.upgrade_schema()
    settings = parse(CONFIG)
    known = reference(case)
    plans: dict[str, ModelPlan] = {}
    for i in range(case.models):
        name = f"m{i:03d}"
        model: Model = msgspec.structs.replace(settings.models["all"], topics=(name,))
        plan = model_plan(name, model, settings.alerts, known, settings.limits.max_message_bytes)
        plans[name] = replace(plan, name=name)
    store.register_models(plans, NOW)
    engine = Engine(ListSource(), store, plans, ManualClock(NOW), "earliest")
    engine.assignment(Polled(assigned=frozenset(TopicPartition(name, 0) for name in plans)))
    engine.claim()
    take_s: list[float] = []
    commit_s: list[float] = []
    for seed in range(BATCHES):
        batch = [chunks(case, name, seed) for name in plans]
        with cpu(take_s):
            engine.take(batch)
        with cpu(commit_s):
            engine.commit()
    judge_s: list[float] = []
    with cpu(judge_s):
        reports = engine.close_windows(everything=True)
    store.close_connections()
    rows = max(1, case.rows // case.models) * case.models
    return Cost(
        float(np.median(take_s[1:])) / rows * 1e6,
        float(np.median(commit_s[1:])) * 1e3,
        sum(judge_s) / sum(report.windows for report in reports) * 1e3,
    )


@contextmanager
def cpu(into: list[float]) -> Iterator[None]:
    """Note the CPU time of a block."""
    begun = time.process_time()
    yield
    into.append(time.process_time() - begun)


def exponent(sizes: list[int], costs: list[float]) -> float:
    """Fit cost = a size^b to the largest sizes by least squares of the logarithms, and give b."""
    largest = slice(-LARGEST, None)
    logs = np.log(np.maximum(costs[largest], 1e-9))
    return float(np.polyfit(np.log(sizes[largest]), logs, 1)[0])


def report(console: Console, url: str) -> None:
    """Measure and print every curve."""
    for name, cases in CURVES.items():
        sizes = [int(getattr(case, name)) for case in cases]
        costs = [measure(case, url, f"scale_{name}_{size}") for case, size in zip(cases, sizes, strict=True)]
        table = Table(name.replace("_", " "), "take, us a row", "commit, ms", "judge, ms a window")
        for size, cost in zip(sizes, costs, strict=True):
            table.add_row(
                f"{size:,}",
                f"{cost.take_us_a_row:.1f}",
                f"{cost.commit_ms:.1f}",
                f"{cost.judge_ms_a_window:.1f}",
            )
        fits = [
            exponent(sizes, [getattr(cost, kind) for cost in costs])
            for kind in ("take_us_a_row", "commit_ms", "judge_ms_a_window")
        ]
        table.add_section()
        table.add_row(f"exponent of the last {LARGEST}", *(f"{fit:.2f}" for fit in fits))
        console.print(table)
