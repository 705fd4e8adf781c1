"""`driftd replay --labels`: the same join and the same results as behind Kafka."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from monitor.clock import ManualClock
from monitor.replaying import replay_files
from monitor.store.types import to_datetime
from monitor.telling import Speaking
from tests.monitor.labelled_worlds import LABELS, labelled_reference, rows_of_hours
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, config, new_store

HOURS = 6


@pytest.mark.parametrize("with_times", [True, False])
def test_labels_of_a_file_are_joined(tmp_path: Path, with_times: bool) -> None:
    frame = rows_of_hours(HOURS, 60, 3, lambda _: 0.1)
    frame["id"] = [f"r{i}" for i in range(len(frame))]
    labels = pd.DataFrame({"id": frame["id"], "label": frame.pop("label")})
    if with_times:
        labels["timestamp"] = frame["time_ms"] + HOUR_MS
    right = frame["prediction"] == labels["label"]
    wanted = right.groupby((frame["time_ms"] - START_MS) // HOUR_MS).mean()
    rows = frame.rename(columns={"time_ms": "timestamp"})
    rows.to_parquet(tmp_path / "rows.parquet")
    labels = pd.concat([labels, labels.tail(1).assign(id="nobody")])
    labels.sample(frac=1.0, random_state=1).to_parquet(tmp_path / "labels.parquet")
    store = new_store()
    done = replay_files(
        config(LABELS),
        "loans",
        labelled_reference(),
        [tmp_path / "rows.parquet"],
        store,
        ManualClock(NOW),
        Speaking(),
        labels=[tmp_path / "labels.parquet"],
    )
    assert (done.rows, done.labels, done.rejected) == (len(frame), len(labels), 0)
    where = {"metric": "accuracy", "is_estimate": False, "multiple": 1}
    found = store.view("performance_history", where=where, newest_first=False)
    assert [row["value"] for row in found] == pytest.approx(wanted.tolist())
    met = [row["window_start"] for row in store.view("label_history") if row["unmatched"]]
    came = to_datetime(START_MS + HOURS * HOUR_MS) if with_times else NOW.replace(minute=0)
    assert met == [came]
    where = {"metric": "label_delay_median_s", "multiple": 1}
    delays = store.view("performance_history", where=where)
    assert [row["value"] for row in delays] == pytest.approx([3600.0] * HOURS if with_times else [], rel=0.05)
