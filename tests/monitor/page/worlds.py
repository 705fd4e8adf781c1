"""Three models and their history, made by the real engine: one drifts, one is calm, one has no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from alerts.mute import Matcher, Silence
from detectors.dictionary import Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from monitor.clock import ManualClock
from monitor.compile import model_plan
from monitor.config import Config, parse
from monitor.engine import Engine
from monitor.join.joiner import Joiner
from monitor.join.keeper import JoinKeeper
from monitor.join.table import JoinTable
from monitor.references import stored
from monitor.source.base import TopicPartition
from monitor.source.memory import MemoryBroker, MemorySource
from monitor.store.base import ChallengerResult, Progress, Store
from monitor.store.sql import open_store

HOUR_MS = 3_600_000
HOURS = 100
PER_HOUR = 80
REFERENCE_ROWS = 7_000  # with 80 rows too many for exact p-values, which take their time
START_MS = 1_772_323_200_000  # 2026-03-01 00:00 UTC
END_MS = START_MS + HOURS * HOUR_MS
NOW = datetime.fromtimestamp(END_MS / 1000, UTC) + timedelta(minutes=12)
ROLES = {"prediction": Role.PREDICTION, "score": Role.SCORE, "label": Role.LABEL}


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called: by people who mean well, or not."""

    drifting: str = "credit-limit"
    calm: str = "churn"
    silent: str = "fraud"
    feature: str = "income"
    category_column: str = "country"
    categories: tuple[str, ...] = ("DE", "FR", "PT", "ES")
    unseen: str = "BR"
    device: str = "web"
    comment: str = "known: the new market"


def config_text(names: Names, url: str) -> str:
    """Give the configuration of all three models."""
    quoted = {name: msgspec.json.encode(name).decode() for name in (names.drifting, names.calm, names.silent)}
    tables = "".join(
        f"""
[models.{quoted[name]}]
topics = ["{topic}"]
windows_up_to = "4h"
min_rows = 20
false_alarms = "1 per 30d"
min_effect = 0.02
{more}
[models.{quoted[name]}.detectors]
{detectors}
[models.{quoted[name]}.fields]
preset = "nested"
id = "id"
timestamp = "timestamp"
"""
        for name, topic, more, detectors in (
            (
                names.drifting,
                "drifting",
                'labels_topics = ["drifting-labels"]\nlabels_wait = "12h"\nsegments = ["device"]',
                'pairs = ["correlation"]',
            ),
            (names.calm, "calm", "", "sequential = []"),
            (names.silent, "silent", "", "sequential = []"),
        )
    )
    return f'[kafka]\nbootstrap_servers = ["127.0.0.1:1"]\n[database]\nurl = "{url}"\n{tables}'


def frame_of(names: Names, rows: int, seed: int) -> pd.DataFrame:
    """Rows of a credit model; nothing has moved."""
    rng = np.random.default_rng(seed)
    score = np.where(rng.random(rows) < 0.6, 0.12, 0.88) + rng.normal(0, 0.04, rows)
    categories = np.array(names.categories, object)
    shares = np.array([0.5, 0.25, 0.15, 0.1][: len(categories)])
    return pd.DataFrame(
        {
            names.feature: rng.lognormal(10.2, 0.45, rows).round(0),
            "age": rng.normal(41, 12, rows).round(1),
            names.category_column: rng.choice(categories, rows, p=shares / shares.sum()),
            "device": rng.choice(np.array(["app", names.device, "branch"], object), rows, p=(0.6, 0.3, 0.1)),
            "tenure_days": rng.gamma(2.0, 300.0, rows).round(0),
            "open_accounts": rng.poisson(3.0, rows),
            "late_payments": rng.poisson(0.4, rows),
            "is_member": rng.random(rows) < 0.35,
            "utilisation": rng.beta(2.0, 3.5, rows).round(4),
            "bureau_score": rng.normal(620, 60, rows).round(0),
            "prediction": (score > 0.5).astype(int),
            "score": score.clip(0, 1).round(4),
        }
    )


def labels_of(frame: pd.DataFrame, wrong: np.ndarray[Any, Any], seed: int) -> np.ndarray[Any, Any]:
    """Labels that contradict the prediction at these rates."""
    rng = np.random.default_rng(seed)
    return np.asarray((frame["prediction"].to_numpy() == 1) ^ (rng.random(len(frame)) < wrong)).astype(int)


def moved(frame: pd.DataFrame, names: Names) -> pd.DataFrame:
    """What production looks like.

    Incomes rise, a market opens, a supplier's score comes less and less, on the web customers are new ones,
    and who has many accounts pays late.
    """
    hour = np.linspace(0, HOURS, len(frame), endpoint=False)  # in a shorter history things happen sooner
    rng = np.random.default_rng(99)
    late = np.clip((hour - 60) / 25, 0, 1)
    moved = frame.copy()
    moved[names.feature] = (moved[names.feature] * (1 + 0.5 * late)).round(0)
    new = rng.random(len(frame)) < 0.22 * (hour > 72)
    moved.loc[new, names.category_column] = names.unseen
    moved["bureau_score"] = moved["bureau_score"].where(rng.random(len(frame)) > 0.45 * (hour > 84))
    moved["utilisation"] = np.where(
        (hour > 30) & (hour < 38), moved["utilisation"] * 0.6, moved["utilisation"]
    )
    on_web = (moved["device"] == names.device) & (hour > 80)
    moved["tenure_days"] = moved["tenure_days"].where(~on_web, moved["tenure_days"] / 4)
    moved["late_payments"] = np.where(hour > 80, moved["open_accounts"] // 3, moved["late_payments"])
    return moved


def reference_of(name: str, names: Names, *, with_labels: bool) -> Reference:
    """Build a reference from rows of the days before."""
    frame = frame_of(names, REFERENCE_ROWS, 1)
    if with_labels:
        frame["label"] = labels_of(frame, np.full(len(frame), 0.1), 2)
    times = START_MS - REFERENCE_ROWS * 45_000 + np.arange(len(frame)) * 45_000
    dictionary = infer(frame, {column: role for column, role in ROLES.items() if column in frame})
    return build(
        columns_from_frame(frame, dictionary),
        dictionary,
        model=name,
        version="2026-02",
        source="training.parquet",
        built_at=datetime.fromtimestamp(START_MS / 1000, UTC),
        times_ms=times,
        window_ms=HOUR_MS,
        segments=("device",) if with_labels else (),
        pairs=with_labels,
    )


def _publish(
    broker: MemoryBroker, topic: str, frame: pd.DataFrame, labels: np.ndarray[Any, Any] | None
) -> None:
    broker.create(topic, 1)
    known: list[tuple[int, bytes]] = []
    step_ms = HOUR_MS // PER_HOUR
    for i, row in enumerate(frame.to_dict("records")):
        time_ms = START_MS + i * step_ms
        outputs = {key: row.pop(key) for key in ("prediction", "score")}
        features = {key: None if value != value else value for key, value in row.items()}  # noqa: PLR0124  # NaN
        value = {"id": f"r{i}", "timestamp": time_ms, "features": features, **outputs}
        broker.append(TopicPartition(topic, 0), msgspec.json.encode(value), timestamp=time_ms)
        if labels is not None and i % 10:
            at = time_ms + 6 * HOUR_MS
            known.append((at, msgspec.json.encode({"id": f"r{i}", "timestamp": at, "label": int(labels[i])})))
    if labels is not None:
        broker.create(f"{topic}-labels", 1)
        for at, label in known:
            broker.append(TopicPartition(f"{topic}-labels", 0), label, timestamp=at)


def fill(url: str, folder: Path, names: Names | None = None, hours: int = HOURS) -> Config:
    """Write the history of all three models into a migrated database; give the configuration."""
    names = names or Names()
    config = parse(config_text(names, url))
    store = open_store(url)
    try:
        _fill(store, config, folder, names, hours)
    finally:
        store.close_connections()
    return config


def _fill(store: Store, config: Config, folder: Path, names: Names, hours: int) -> None:
    clock = ManualClock(NOW)
    store.register_models(config.models, NOW)
    references = {
        name: reference_of(name, names, with_labels=name == names.drifting) for name in config.models
    }
    for reference in references.values():
        store.add_reference(stored(reference, active=True))
    plans = {
        name: model_plan(name, settings, config.alerts, references[name], 1 << 20)
        for name, settings in config.models.items()
    }
    broker = MemoryBroker()
    rows = frame_of(names, hours * PER_HOUR, 3)
    wrong = np.where(np.arange(len(rows)) > 0.64 * len(rows), 0.22, 0.1)
    _publish(broker, "drifting", moved(rows, names), labels_of(rows, wrong, 4))
    _publish(broker, "calm", frame_of(names, hours // 3 * PER_HOUR, 5), None)
    broker.create("silent", 1)
    source = MemorySource(broker, config.topics().names)
    keeper = JoinKeeper(Joiner(JoinTable(folder, 1 << 26, "test")))
    engine = Engine(source, store, plans, clock, "earliest", join=keeper, process="host-a/4711")
    _read(engine, source)
    keeper.close()
    source.close()
    _afterwards(store, names)


def _read(engine: Engine, source: MemorySource) -> None:
    came = 1
    while came:
        polled = source.poll(0.0, 4_000)
        engine.assignment(polled)
        engine.take(polled.chunks)
        engine.claim()
        engine.commit()
        engine.close_windows()
        came = sum(len(chunk.records) for chunk in polled.chunks) or bool(polled.assigned)
    engine.flush_alerts()


def _afterwards(store: Store, names: Names) -> None:
    """Add what people and the challenger's process write."""
    results = tuple(_challenged(names.drifting, hour) for hour in range(50, 90))
    store.commit(Progress(challenger=results))
    matchers = (Matcher("model", names.drifting), Matcher("feature", names.category_column))
    store.add_silence(
        Silence(None, matchers, NOW - timedelta(hours=3), NOW + timedelta(days=2), "ana", names.comment)
    )
    old = (Matcher("model", names.calm),)
    store.add_silence(
        Silence(None, old, NOW - timedelta(days=9), NOW - timedelta(days=8), "rui", "migration")
    )


def _challenged(model: str, hour: int) -> ChallengerResult:
    gain = 0.0 if hour < 66 else 0.06
    difference = -gain + 0.01 * np.sin(hour)
    start = START_MS + hour * HOUR_MS
    return ChallengerResult(
        model=model, start_ms=start, end_ms=start + HOUR_MS, base="adwin_bagging", rule="grid", rows=72,
        production_errors=8.0 + 72 * gain, challenger_errors=8.0, difference=float(difference),
        low=float(difference - 0.03), high=float(difference + 0.03), scored_rows=80, abstention_share=0.2,
        shed_rows=0,
    )  # fmt: skip


def hostile(payload: str) -> Mapping[str, Any]:
    """Give names that are a payload each."""
    return {
        "drifting": payload[:150],
        "feature": payload,
        "category_column": f"{payload} column",
        "categories": (payload, f"{payload}2", "DE", "FR"),
        "unseen": f"{payload} unseen",
        "device": "<img src=x onerror=alert(1)>",
        "comment": payload,
    }
