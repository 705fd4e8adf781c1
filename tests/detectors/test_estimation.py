from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.metrics import Measured
from detectors.outputs import OutputRows
from detectors.performance_layout import lay_out
from detectors.performance_metrics import estimated, realised
from detectors.performance_reference import PerformanceReference
from detectors.scored import Scored, summarise_scored
from tests.detectors.performance_worlds import BINARY, THREE, World, binary_world, three_world


def reference_of(world: World) -> PerformanceReference:
    outputs = BINARY if world.rows.scores.shape[1] == 1 else THREE
    layout = lay_out(outputs, world.rows, world.labels)
    return PerformanceReference(layout, world.labelled(layout), summarise_scored(layout, world.rows), {})


def by_name(found: tuple[Measured, ...]) -> dict[str, Measured]:
    return {one.metric: one for one in found}


def test_a_binary_estimate_is_the_sum_of_expectations_row_by_row() -> None:
    rng = np.random.default_rng(1)
    reference = reference_of(binary_world(rng, 5000))
    rows = binary_world(rng, 400, shift=0.5).rows
    share = reference.calibration.posterior(rows.scores)[:, 1]
    hits = misses = false_alarms = rejections = 0.0
    for positive, prediction in zip(share.tolist(), rows.prediction.tolist(), strict=True):
        if prediction == 1:
            hits, false_alarms = hits + positive, false_alarms + 1 - positive
        else:
            misses, rejections = misses + positive, rejections + 1 - positive
    found = by_name(estimated(reference, summarise_scored(reference, rows)))
    assert found["accuracy"].value == pytest.approx((hits + rejections) / 400, abs=1e-7)
    assert found["precision"].value == pytest.approx(hits / (hits + false_alarms), abs=1e-7)
    assert found["recall"].value == pytest.approx(hits / (hits + misses), abs=1e-7)
    assert found["f1"].value == pytest.approx(2 * hits / (2 * hits + misses + false_alarms), abs=1e-7)
    scores = rows.scores[:, 0]
    above = (scores[:, None] > scores) + 0.5 * (scores[:, None] == scores)
    area = share @ above @ (1 - share) / (share.sum() * (1 - share).sum())
    assert abs(found["roc_auc"].value - area) <= found["roc_auc"].bound + 1e-7
    log_loss = -(share * np.log(scores) + (1 - share) * np.log(1 - scores)).mean()
    assert found["log_loss"].value == pytest.approx(log_loss, abs=1e-6)


@pytest.mark.parametrize("kind", ["binary", "three"])
def test_the_estimate_follows_covariate_shift_and_its_interval_holds_what_labels_show(kind: str) -> None:
    # wanted 95 % or more: the intervals are wide by the variance of the scores; 200 windows
    rng = np.random.default_rng(2)
    world, shift = (binary_world, -1.0) if kind == "binary" else (three_world, 1.5)
    reference = reference_of(world(rng, 20_000))
    inside: dict[str, int] = {}
    for _ in range(200):
        window = world(rng, 500, shift)
        found = by_name(estimated(reference, summarise_scored(reference, window.rows)))
        for one in realised(reference, window.labelled(reference)):
            if one.metric in found:
                inside[one.metric] = inside.get(one.metric, 0) + (
                    found[one.metric].low <= one.value <= found[one.metric].high
                )
    assert {"accuracy", "brier", "log_loss"} < inside.keys()
    assert min(inside.values()) >= 180, inside
    before = by_name(realised(reference, reference.labelled))["accuracy"].value
    assert abs(found["accuracy"].value - before) > 0.03, "the shift moved the accuracy"


def test_a_small_reference_makes_the_estimate_less_sure() -> None:
    rng = np.random.default_rng(3)
    rows = binary_world(rng, 2000).rows
    errors = []
    for size in (300, 30_000):
        reference = reference_of(binary_world(rng, size))
        errors.append(by_name(estimated(reference, summarise_scored(reference, rows))))
    for name in ("accuracy", "f1", "roc_auc"):
        assert errors[0][name].standard_error > 1.5 * errors[1][name].standard_error
    plain = math.sqrt(errors[1]["accuracy"].value * (1 - errors[1]["accuracy"].value) / 2000)
    assert errors[1]["accuracy"].standard_error == pytest.approx(plain, rel=0.1)


def test_nothing_scored_is_nothing_estimated() -> None:
    reference = reference_of(binary_world(np.random.default_rng(4), 500))
    assert estimated(reference, Scored.empty(reference)) == ()
    unscored = OutputRows(np.ones(5), np.full((5, 1), np.nan))
    assert estimated(reference, summarise_scored(reference, unscored)) == ()
    one = estimated(reference, summarise_scored(reference, OutputRows(np.ones(1), np.full((1, 1), 0.8))))
    assert all(math.isfinite(found.low + found.high + found.standard_error) for found in one)
