"""SEA: the relation of inputs and label changes three times, the inputs never do."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from river.linear_model import LogisticRegression
from scipy.special import expit

from detectors.dictionary import Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from monitor.compile import model_plan
from monitor.plan import ModelPlan
from monitor.source.memory import MemoryBroker
from monitor.store.base import Store
from tests.monitor.labelled_worlds import LABELS, LABELS_AT, PREDICTIONS_AT, Reader
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, config, new_store

ROWS, LEARNED, STEP_MS = 40_000, 8_000, HOUR_MS // 1_000
CHANGES = (10_000, 20_000, 30_000)
THETAS = (8.0, 7.0, 9.0, 9.5)
"""The label is 1 where the first two features add up to more than this (Street and Kim, 2001)."""
FEATURES = ["x0", "x1", "x2"]
BUDGET = 'false_alarms = "1 per 30d"\n'

pytestmark = pytest.mark.slow


def stream(noise: float, width: int, changes: tuple[int, ...] = CHANGES) -> pd.DataFrame:
    """Rows of SEA; ``width`` is how many rows a change takes, ``noise`` the share of labels turned round."""
    rng = np.random.default_rng(7)
    x = rng.uniform(0.0, 10.0, (ROWS, 3)).round(6)
    concept = np.zeros(ROWS, np.intp)
    for change in changes:
        concept += rng.random(ROWS) < expit(4 * (np.arange(ROWS) + 0.5 - change) / width)
    y = (x[:, 0] + x[:, 1] > np.array(THETAS)[concept]) ^ (rng.random(ROWS) < noise)
    frame = pd.DataFrame(x, columns=FEATURES)
    frame["label"] = y.astype(int)
    return frame.assign(score=frozen_scores(frame)).assign(
        prediction=lambda f: (f["score"] > 0.5).astype(int)
    )


def frozen_scores(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Scores of an online logistic regression that stops learning at row 8,000."""
    model = LogisticRegression()
    rows = ((frame[FEATURES] - 5) / 3).to_dict("records")
    for row, label in zip(rows[:LEARNED], frame["label"][:LEARNED], strict=True):
        model.learn_one(row, bool(label))
    weights = np.array([model.weights[name] for name in FEATURES])
    linear = ((frame[FEATURES].to_numpy() - 5) / 3) @ weights + model.intercept
    return np.asarray(1 / (1 + np.exp(-linear))).round(6)


def reference_of(frame: pd.DataFrame) -> Reference:
    training = frame.iloc[:LEARNED]
    roles = {"prediction": Role.PREDICTION, "score": Role.SCORE, "label": Role.LABEL}
    dictionary = infer(training, roles)
    return build(
        columns_from_frame(training, dictionary),
        dictionary,
        model="loans",
        version="",
        source="test",
        built_at=NOW,
        times_ms=START_MS + np.arange(LEARNED, dtype=np.int64) * STEP_MS - 1_000 * HOUR_MS,
        window_ms=HOUR_MS,
    )


def plan_of(reference: Reference) -> ModelPlan:
    settings = config(LABELS + BUDGET)
    return model_plan("loans", settings.models["loans"], settings.alerts, reference, 1_000_000)


def read(folder: Path, frame: pd.DataFrame) -> Store:
    """What is found in the rows after those that the model has learned from, labels at once."""
    broker = MemoryBroker()
    broker.create("predictions", 1)
    broker.create("labels", 1)
    for i, row in enumerate(frame.iloc[LEARNED:].to_dict("records"), LEARNED):
        time_ms = START_MS + i * STEP_MS
        features = {name: row[name] for name in FEATURES}
        value = {"id": f"r{i}", "timestamp": time_ms, "features": features}
        value |= {"prediction": int(row["prediction"]), "score": row["score"]}
        label = {"id": f"r{i}", "timestamp": time_ms, "label": int(row["label"])}
        broker.append(PREDICTIONS_AT, msgspec.json.encode(value), timestamp=time_ms)
        broker.append(LABELS_AT, msgspec.json.encode(label), timestamp=time_ms)
    store = new_store()
    reader = Reader(store, broker, folder, plan_of(reference_of(frame)))
    reader.batch = 4_000
    reader.read_all(random.Random(1))
    return store


def changes_found(store: Store) -> list[tuple[int, int]]:
    """Row and delay of each change that ADWIN found, in the loss or the kind of the errors."""
    rows = store.view("drift_history", where={"detector": "adwin", "verdict": "drift"}, newest_first=False)
    found: dict[int, int] = {}
    for row in rows:
        details: dict[str, Any] = row["details"]
        at = (details["changed_at_ms"] - START_MS) // STEP_MS
        detected = (row["window_end"].timestamp() * 1000 - START_MS) // STEP_MS
        found.setdefault(at, int(detected - at))
    return sorted(found.items())


@pytest.mark.parametrize("width", [1, 2_000])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_each_change_of_the_relation_is_found_and_no_input_is_blamed(
    tmp_path: Path, noise: float, width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    store = read(tmp_path, stream(noise, width))
    found = changes_found(store)
    with capsys.disabled():
        print(  # noqa: T201  # the delays are to be seen
            f"\nSEA noise {noise}, width {width}: (row, rows until its window had ended): {found}"
        )
    for change in CHANGES:
        near = [at for at, _ in found if abs(at - change) <= 2_000]
        assert near, (change, found)
    assert not store.view("drift_history", where={"shift": "covariate", "verdict": "drift"})
    assert not store.view("alert_history", where={"shift": "covariate"})


def test_a_stationary_stream_raises_no_alarm_at_all(tmp_path: Path) -> None:
    store = read(tmp_path, stream(0.1, 1, changes=()))
    assert store.view("window_history")
    assert store.view("alert_history") == []
