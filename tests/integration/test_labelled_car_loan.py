"""The car-loan log with its labels, through real Kafka: estimated and realised values are as published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from monitor.demo.car_loan import LABELS
from monitor.store.base import Store
from tests.data.car_loan import clean
from tests.integration.labelled import labelled_world, run_until_settled, two_topics
from tests.services.postgres_fixtures import Databases

CHUNK, CHUNKS = 5_000, 10
DAY_MS = 86_400_000
START_MS = 1_767_225_600_000  # 2026-01-01: each published chunk of 5,000 rows becomes one day
STEP_MS = DAY_MS // CHUNK
FIRST_DRIFTED_CHUNK = 5
PUBLISHED = Path(__file__).parents[1] / "data" / "car_loan_published_performance.csv"
MODEL = """
window = "1d"
windows_up_to = "1d"
false_alarms = "1 per 14d"
labels_wait = "10d"
[models.loans.fields]
preset = "flat"
id = "id"
prediction = "y_pred"
score = "y_pred_proba"
label = "repaid"
"""

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("labelled car loan"),  # one worker makes its world
]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def stamped(frame: pd.DataFrame, start_ms: int) -> pd.DataFrame:
    return frame.assign(timestamp=start_ms + np.arange(len(frame)) * STEP_MS)


@pytest.fixture(scope="module")
def store(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("car_loan")
    training = folder / "training.parquet"
    stamped(clean("reference"), START_MS - 20 * DAY_MS).to_parquet(training)
    rows = stamped(clean("analysis"), START_MS)
    labels = pd.read_parquet(LABELS)
    delays = np.random.default_rng(1).integers(DAY_MS // 24, 3 * DAY_MS, len(rows))
    known = pd.DataFrame(
        {"id": labels["id"], "repaid": labels["repaid"], "timestamp": rows["timestamp"] + delays}
    ).sort_values("timestamp")
    topics = two_topics(kafka_bootstrap, records(rows), records(known))
    url = postgres_databases.empty()
    at = labelled_world(folder, kafka_bootstrap, url, topics, training, MODEL)
    run_until_settled(at, topics, 2 * len(rows))
    yield at.store
    at.store.close_connections()


def measured(store: Store, *, is_estimate: bool) -> dict[tuple[int, str], dict[str, Any]]:
    rows = store.view("performance_history", where={"is_estimate": is_estimate, "multiple": 1})
    return {
        (int((row["window_start"].timestamp() * 1000 - START_MS) // DAY_MS), row["metric"]): row
        for row in rows
    }


def published() -> list[dict[str, Any]]:
    return records(pd.read_csv(PUBLISHED))


@pytest.mark.parametrize(
    ("is_estimate", "column", "within"), [(True, "cbpe_estimate", 0.003), (False, "realized", 0.0005)]
)
def test_values_are_the_published_ones(store: Store, is_estimate: bool, column: str, within: float) -> None:
    found = measured(store, is_estimate=is_estimate)
    off = {
        (row["chunk"], row["metric"]): found[row["chunk"], row["metric"]]["value"] - row[column]
        for row in published()
    }
    assert len(off) == 3 * CHUNKS
    assert {key: by for key, by in off.items() if abs(by) > within} == {}


@pytest.mark.parametrize(("is_estimate", "column"), [(True, "estimate_alert"), (False, "realized_alert")])
def test_every_flag_is_the_published_one(store: Store, is_estimate: bool, column: str) -> None:
    found = measured(store, is_estimate=is_estimate)
    said = {
        (row["chunk"], row["metric"]): (found[row["chunk"], row["metric"]]["verdict"] == "drift", row[column])
        for row in published()
    }
    assert {key: pair for key, pair in said.items() if pair[0] != pair[1]} == {}


def test_the_drift_is_covariate_with_a_fall_in_accuracy_and_begins_in_its_window(store: Store) -> None:
    drifted = store.view("drift_history", where={"verdict": "drift"}, newest_first=False)
    covariate = [row for row in drifted if row["shift"] == "covariate"]
    begins = pd.Timestamp(START_MS + FIRST_DRIFTED_CHUNK * DAY_MS, unit="ms", tz="UTC")
    assert covariate[0]["window_start"] == begins
    assert {"car_value", "loan_length", "salary_range"} <= {row["feature"] for row in covariate}
    fell = store.view("alert_history", where={"shift": "performance", "feature": "accuracy"})
    assert {row["opened_at"] for row in fell} == {begins.to_pydatetime()}
    assert {row["check_name"] for row in fell} == {"estimated", "realised"}


def test_all_labels_were_joined_once(store: Store) -> None:
    rows = store.view("label_history", newest_first=False)
    assert [(row["rows"], row["labelled"]) for row in rows] == [(CHUNK, CHUNK)] * CHUNKS
    assert all(
        row["duplicates"] == row["corrected"] == row["unmatched"] == row["too_late"] == 0 for row in rows
    )
