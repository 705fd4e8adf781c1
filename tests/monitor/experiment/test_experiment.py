from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from detectors.moments import Moments
from monitor.plan import ModelPlan
from monitor.store.base import Store
from tests.monitor.experiment.worlds import EXPERIMENT, broker_of, judged, latest, logged, plan
from tests.monitor.labelled_worlds import PREDICTIONS_AT
from tests.monitor.worlds import new_store

UNSTABLE = {"evaluated_at", "config_hash"}


def history(store: Store, view: Any = "experiment_history") -> list[tuple[Any, ...]]:
    rows = store.view(view)
    return sorted(
        (tuple(value for name, value in row.items() if name not in UNSTABLE) for row in rows), key=str
    )


def test_variants_are_compared_by_all_their_rows_and_labels(tmp_path: Path) -> None:
    predictions, labels = logged(better=2.0)
    store = judged(new_store(), broker_of(predictions, labels), tmp_path, plan())
    variant_of = {row["id"]: row["variant"] for row in predictions}
    earned = {
        name: np.array([row["revenue"] for row in labels if variant_of[row["id"]] == name])
        for name in ("v1", "v2")
    }
    found = latest(store, "metric", "revenue")
    assert (found["n_control"], found["n_variant"]) == (len(earned["v1"]), len(earned["v2"]))
    assert found["control_value"] == pytest.approx(earned["v1"].mean())
    assert found["variant_value"] == pytest.approx(earned["v2"].mean())
    assert found["difference"] == pytest.approx(earned["v2"].mean() - earned["v1"].mean())
    assert found["low"] < 2.0 < found["high"]
    assert found["lift_low"] < 0.2 < found["lift_high"]
    assert found["probability"] > 0.99
    assert found["conclusion"] == "better"
    label_of = {row["id"]: row["label"] for row in labels}
    right = [row["prediction"] == label_of[row["id"]] for row in predictions if row["variant"] == "v2"]
    assert latest(store, "performance", "accuracy")["variant_value"] == pytest.approx(np.mean(right))
    split = latest(store, "split", "rows")
    assert split["n_variant"] == sum(row["variant"] == "v2" for row in predictions)
    assert split["conclusion"] == latest(store, "input", "age")["conclusion"] == "ok"
    assert latest(store, "prediction", "score")["conclusion"] == "open"


def test_the_history_of_sums_leads_to_the_same_figures(tmp_path: Path) -> None:
    store = judged(new_store(), broker_of(*logged(better=2.0)), tmp_path, plan())
    rows = store.view("experiment_windows", where={"kind": "metric", "variant": "v2"})
    whole = Moments()
    for row in rows:
        whole = whole.merge(Moments.known(row["n"], row["total"], row["squares"]))
    found = latest(store, "metric", "revenue")
    assert len(rows) == 12
    assert whole.n == found["n_variant"]
    assert whole.mean == pytest.approx(found["variant_value"])


def test_batches_and_crashes_change_nothing(tmp_path: Path) -> None:
    broker = broker_of(*logged(hours=6, per_hour=100))
    calm = judged(new_store(), broker, tmp_path / "calm", plan(), seed=1)
    rough = judged(new_store(), broker, tmp_path / "rough", plan(), seed=5, crashes=0.15)
    assert history(rough, "experiment_windows") == history(calm, "experiment_windows")
    kept = [row for row in history(rough) if "split" in row or "input" in row]
    assert kept == [row for row in history(calm) if "split" in row or "input" in row]
    for measure in ("accuracy", "brier", "log_loss"):
        assert latest(rough, "performance", measure)["low"] == latest(calm, "performance", measure)["low"]


def test_a_split_that_is_off_is_an_alarm_and_nothing_is_concluded(tmp_path: Path) -> None:
    store = judged(new_store(), broker_of(*logged(share=0.4, better=5.0)), tmp_path, plan())
    (alert,) = [row for row in store.view("alert_history") if row["check_name"] == "sample_ratio"]
    assert alert["summary"].startswith("v1 60.4 %, v2 39.6 % of 2,400 rows since 1 Jan 2026")
    assert latest(store, "split", "rows")["conclusion"] == "fail"
    assert latest(store, "metric", "revenue")["conclusion"] == "invalid"


def test_a_split_that_was_set_is_no_alarm(tmp_path: Path) -> None:
    uneven = EXPERIMENT + "split = { v1 = 60, v2 = 40 }\n"
    store = judged(new_store(), broker_of(*logged(share=0.4)), tmp_path, plan(uneven))
    assert latest(store, "split", "rows")["conclusion"] == "ok"


def test_what_was_once_evident_stays_so(tmp_path: Path) -> None:
    early, _ = logged(hours=4, share=0.2)
    late, _ = logged(hours=12, seed=9)
    rest = [row | {"id": f"later{row['id']}"} for row in late if row["timestamp"] > early[-1]["timestamp"]]
    surplus = len(early) - 2 * sum(row["variant"] == "v2" for row in early)
    for row in [each for each in rest if each["variant"] == "v1"][: surplus // 2]:
        row["variant"] = "v2"
    store = judged(new_store(), broker_of([*early, *rest], []), tmp_path, plan())
    found = latest(store, "split", "rows")
    assert found["variant_value"] == pytest.approx(0.5, abs=0.02), "the split has come right in the end"
    assert found["conclusion"] == "fail"


def test_other_inputs_of_one_variant_are_an_alarm_about_the_feature(tmp_path: Path) -> None:
    store = judged(new_store(), broker_of(*logged(moved=6.0)), tmp_path, plan())
    (alert,) = [row for row in store.view("alert_history") if row["check_name"] == "randomisation"]
    assert alert["feature"] == "age"
    assert alert["summary"].startswith("tells the experiment's variant, 25.4 % of rows apart")
    assert latest(store, "input", "country")["conclusion"] == "ok"
    assert latest(store, "metric", "revenue")["conclusion"] == "invalid"


def test_a_metric_of_predictions_needs_no_labels(tmp_path: Path) -> None:
    predictions, _ = logged(hours=4)
    for i, row in enumerate(predictions):
        row["clicked"] = i % 3 == 0 or row["variant"] == "v2"
    settings = EXPERIMENT.replace('variant = "variant"', 'variant = "variant"\nmetric = "clicked"')
    settings = settings.replace('[models.loans.labels_fields]\nmetric = "revenue"\n', "")
    store = judged(new_store(), broker_of(predictions, []), tmp_path, plan(settings))
    found = latest(store, "metric", "revenue")
    assert found["variant_value"] == 1.0
    assert found["control_value"] == pytest.approx(1 / 3, abs=0.05)
    assert found["conclusion"] == "better"


def test_lower_may_be_better(tmp_path: Path) -> None:
    lower = EXPERIMENT + "higher_is_better = false\n"
    store = judged(new_store(), broker_of(*logged(better=2.0)), tmp_path, plan(lower))
    found = latest(store, "metric", "revenue")
    assert found["conclusion"] == "worse"
    assert found["probability"] < 0.01


def test_a_label_that_comes_anew_with_another_metric_corrects_the_sums(tmp_path: Path) -> None:
    predictions, labels = logged(hours=3)
    told = [row | {"revenue": 1_000.0} for row in labels[:50]]
    store = judged(new_store(), broker_of(predictions, [*told, *labels]), tmp_path, plan())
    calm = judged(new_store(), broker_of(predictions, labels), tmp_path / "calm", plan())
    assert history(store, "experiment_windows") == history(calm, "experiment_windows")


def test_rows_of_no_variant_are_told_and_left_out(tmp_path: Path) -> None:
    predictions, labels = logged(hours=3)
    for row in predictions[:100]:
        row["variant"] = None
    for row in predictions[100:120]:
        row["variant"] = "v3"
    store = judged(new_store(), broker_of(predictions, labels), tmp_path, plan())
    found = latest(store, "split", "rows")
    assert found["n_control"] + found["n_variant"] == 480
    assert found["note"] == "120 rows are of no variant"
    assert latest(store, "performance", "accuracy")["n_variant"] == found["n_variant"]


def test_another_split_begins_the_experiment_anew(tmp_path: Path) -> None:
    predictions, _ = logged(hours=6)
    halfway = predictions[len(predictions) // 2]["timestamp"]
    parts = [[row for row in predictions if (row["timestamp"] < halfway) is early] for early in (True, False)]
    broker = broker_of(parts[0], [])
    store = judged(new_store(), broker, tmp_path / "first", plan())
    for row in parts[1]:
        broker.append(PREDICTIONS_AT, msgspec.json.encode(row), timestamp=row["timestamp"])
    changed: ModelPlan = plan(EXPERIMENT + "split = { v1 = 1, v2 = 3 }\n")
    judged(store, broker, tmp_path / "second", changed)
    found = latest(store, "split", "rows")
    assert found["n_control"] + found["n_variant"] == len(parts[1])
    assert found["since"].timestamp() * 1000 == halfway


def test_alerts_about_an_experiment_end_with_it(tmp_path: Path) -> None:
    predictions, _ = logged(hours=8, share=0.3)
    half = len(predictions) // 2
    broker = broker_of(predictions[:half], [])
    store = judged(new_store(), broker, tmp_path / "first", plan())
    (alert,) = [row for row in store.view("alert_history") if row["check_name"] == "sample_ratio"]
    assert alert["status"] == "firing"
    for row in predictions[half:]:
        broker.append(PREDICTIONS_AT, msgspec.json.encode(row), timestamp=row["timestamp"])
    judged(store, broker, tmp_path / "second", plan(""))
    (alert,) = [row for row in store.view("alert_history") if row["check_name"] == "sample_ratio"]
    assert alert["status"] == "resolved"
    told = store.view("quality_history", where={"check_name": "sample_ratio"})
    assert sum(row["observed"] == "the experiment is over" for row in told) == 2, "until it was resolved"


def test_three_variants_share_the_error_and_the_probability_of_being_best(tmp_path: Path) -> None:
    predictions, labels = logged(better=3.0)
    for row in predictions[::3]:
        row["variant"] = "v3"
    three = EXPERIMENT.replace('treatments = ["v2"]', 'treatments = ["v2", "v3"]')
    store = judged(new_store(), broker_of(predictions, labels), tmp_path, plan(three))
    found = store.view("experiment_history", where={"kind": "metric"}, limit=2)
    v2, v3 = sorted(found, key=lambda row: row["variant"])
    assert (v2["control"], v3["control"]) == ("v1", "v1")
    assert v2["difference"] == pytest.approx(3.0, abs=1.0)
    assert v3["difference"] == pytest.approx(1.5, abs=1.0)
    assert v2["probability"] > v3["probability"]
    assert v2["probability"] + v3["probability"] <= 1.0
    assert latest(store, "split", "rows", "v3")["n_variant"] == 800


def test_evidence_is_the_logarithm_that_the_docs_say(tmp_path: Path) -> None:
    store = judged(new_store(), broker_of(*logged(share=0.4)), tmp_path, plan())
    (quality,) = store.view("quality_history", where={"check_name": "sample_ratio"}, limit=1)
    evidence = latest(store, "split", "rows")["log_evidence"]
    assert quality["p_value"] == pytest.approx(math.exp(-evidence))
