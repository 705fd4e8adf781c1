"""Estimated performance on the car-loan log against the figures that NannyML publishes for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from detectors.columns import Column, Columns
from detectors.outputs import Outputs, Task, output_rows
from detectors.performance import PerformanceReference, build_performance, estimated, judge_performance
from detectors.performance_verdict import tolerated
from detectors.result import Verdict
from detectors.scored import summarise_scored
from tests.data.car_loan import clean

OUTPUTS = Outputs(Task.BINARY, ("0", "1"), "y_pred", ("y_pred_proba",), "repaid")
ROWS = 5000
DAY_MS = 86_400_000
METRICS = ("roc_auc", "accuracy", "f1")
PUBLISHED = (  # CBPE of ten chunks of 5,000 rows
    (0.970744, 0.941792, 0.943030),
    (0.971011, 0.943321, 0.941324),
    (0.971407, 0.945492, 0.943574),
    (0.971091, 0.944816, 0.943159),
    (0.971123, 0.944645, 0.944204),
    (0.961090, 0.910714, 0.911753),
    (0.961825, 0.911149, 0.911766),
    (0.961073, 0.911193, 0.911661),
    (0.962533, 0.914389, 0.913763),
    (0.961316, 0.911731, 0.914751),
)
THRESHOLDS = {"roc_auc": (0.963317, 0.978660), "accuracy": (0.935859, 0.951421), "f1": (0.934660, 0.950850)}


def columns_of(frame: pd.DataFrame) -> Columns:
    names = [name for name in ("y_pred", "y_pred_proba", "repaid") if name in frame]
    return {name: Column(frame[name].to_numpy(np.float64)) for name in names}


@pytest.fixture(scope="module")
def reference() -> PerformanceReference:
    frame = clean("reference")
    times = np.arange(len(frame)) * (DAY_MS // ROWS)  # 5,000 rows a day
    return build_performance(OUTPUTS, columns_of(frame), times, DAY_MS)


def test_what_is_tolerated_is_three_deviations_between_the_references_windows(
    reference: PerformanceReference,
) -> None:
    for name, thresholds in THRESHOLDS.items():
        assert tolerated(name, reference) == pytest.approx(thresholds, abs=1e-6)


def test_estimates_are_the_published_ones_and_drift_is_where_it_is_published(
    reference: PerformanceReference,
) -> None:
    rows = output_rows(OUTPUTS, columns_of(clean("analysis")))
    for chunk, published in enumerate(PUBLISHED):
        scored = summarise_scored(reference, rows.take(slice(chunk * ROWS, (chunk + 1) * ROWS)))
        measured = estimated(reference, scored)
        judged = judge_performance(reference, measured, 0.004, 500, frozenset(METRICS))
        found = {one.measured.metric: one for one in judged}
        assert [found[name].measured.value for name in METRICS] == pytest.approx(published, abs=1e-5)
        wanted = Verdict.DRIFT if chunk >= 5 else Verdict.OK
        assert [found[name].verdict for name in METRICS] == [wanted] * 3
        assert found["roc_auc"].measured.bound == 0.0, "scores of two digits lie on the points"
