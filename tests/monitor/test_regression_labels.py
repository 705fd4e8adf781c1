"""A regression's labels through the engine: their distribution against that of the training rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from alerts.evidence import evidence
from alerts.evidence_kinds import Kind, kind_of
from detectors.dictionary import Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from monitor.cli.findings import alert_of
from monitor.clock import ManualClock
from monitor.replaying import replay_files
from monitor.telling import Speaking
from tests.monitor.labelled_worlds import LABELS
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, config, new_store

HOURS, PER_HOUR = 6, 300


def homes(rows: int, seed: int, moved_from: int | None = None) -> pd.DataFrame:
    """Predictions that are off by a constant spread; from some row on dearer homes, predicted as well."""
    rng = np.random.default_rng(seed)
    size = rng.normal(100.0, 20.0, rows)
    price = 3.0 * size + rng.normal(0.0, 30.0, rows)
    if moved_from is not None:
        price[moved_from:] += 60.0
    return pd.DataFrame({"size": size, "prediction": price + rng.normal(0.0, 10.0, rows), "label": price})


def homes_reference(training: pd.DataFrame) -> Reference:
    dictionary = infer(training, {"prediction": Role.PREDICTION, "label": Role.LABEL})
    columns = columns_from_frame(training, dictionary)
    return build(columns, dictionary, model="loans", version="", source="test", built_at=NOW)


def test_labels_that_move_are_a_prior_shift_with_the_statistic_of_scipy(tmp_path: Path) -> None:
    training, frame = homes(2_000, 1), homes(HOURS * PER_HOUR, 2, moved_from=3 * PER_HOUR)
    frame["id"] = [f"r{i}" for i in range(len(frame))]
    frame["timestamp"] = START_MS + np.arange(len(frame)) * HOUR_MS // PER_HOUR
    frame[["id", "timestamp", "size", "prediction"]].to_parquet(tmp_path / "rows.parquet")
    frame[["id", "label"]].to_parquet(tmp_path / "labels.parquet")
    store = new_store()
    replay_files(
        config(LABELS),
        "loans",
        homes_reference(training),
        [tmp_path / "rows.parquet"],
        store,
        ManualClock(NOW),
        Speaking(),
        labels=[tmp_path / "labels.parquet"],
    )
    where = {"feature": "label", "multiple": 1}
    found = store.view("drift_history", where=where, newest_first=False)
    assert [row["verdict"] for row in found] == ["ok"] * 3 + ["drift"] * 3
    assert {(row["shift"], row["detector"]) for row in found} == {("prior", "ks")}
    for hour, row in enumerate(found):
        exact = ks_2samp(frame["label"][hour * PER_HOUR : (hour + 1) * PER_HOUR], training["label"])
        assert exact.statistic - row["bound"] <= row["statistic"] <= exact.statistic
        assert 0 < row["bound"] < 0.002
    assert found[3]["effect"] > 0.3
    (alert,) = store.view("alert_history", where={"feature": "label"})
    assert kind_of(alert_of(alert)) is Kind.LABELS
    told = "".join(span.text for span in evidence(alert_of(alert)))
    assert told.startswith("median 297 → 360, 37 % of rows moved")
    known = store.view("performance_history", where={"metric": "mae", "is_estimate": False, "multiple": 1})
    assert [row["value"] for row in known] == pytest.approx([8.0] * HOURS, abs=1.0)
