from __future__ import annotations

import numpy as np
import pytest

from detectors.metrics import Z
from detectors.outputs import OutputRows
from detectors.performance_build import build_performance
from detectors.performance_metrics import realised
from detectors.performance_reference import PerformanceReference
from detectors.performance_residual import Residual, residuals
from tests.detectors.performance_worlds import (
    BINARY,
    REGRESSION,
    World,
    binary_world,
    columns,
    regression_frame,
    regression_world,
)
from tests.detectors.test_loss_model import as_columns, counts_of, grids_of


def reference_of(world: World) -> PerformanceReference:
    score = world.rows.scores[:, 0]
    return build_performance(
        BINARY, columns(predicted=world.rows.prediction, score=score, label=world.labels)
    )


def by_name(found: tuple[Residual, ...]) -> dict[str, Residual]:
    return {one.metric: one for one in found}


def test_under_covariate_shift_alone_false_alarms_come_at_the_wanted_rate() -> None:
    # wanted at most 5 %; 20 references of 20 windows each, 400 windows: four standard deviations are 4.4 %
    rng = np.random.default_rng(1)
    alarms: dict[str, int] = {}
    for _ in range(20):
        reference = reference_of(binary_world(rng, 10_000))
        for _ in range(20):
            found = residuals(reference, binary_world(rng, 600, shift=0.6).labelled(reference))
            for one in found:
                alarms[one.metric] = alarms.get(one.metric, 0) + (one.p_value <= 0.05)
    assert alarms.keys() == {"accuracy", "precision", "recall", "f1", "roc_auc"}
    assert max(alarms.values()) <= 38, alarms
    assert max(alarms.values()) >= 4, "and it is not far too careful"


def test_concept_shift_is_found_with_its_direction() -> None:
    rng = np.random.default_rng(2)
    reference = reference_of(binary_world(rng, 20_000))
    window = binary_world(rng, 2000)
    flipped = np.where(rng.random(2000) < 0.15, 1 - window.labels, window.labels)
    found = by_name(residuals(reference, World(window.rows, flipped).labelled(reference)))
    assert found["accuracy"].p_value < 1e-6
    assert found["accuracy"].direction == found["roc_auc"].direction == "worse"
    assert found["accuracy"].low < found["accuracy"].difference < found["accuracy"].high < 0.0
    perfect = by_name(residuals(reference, World(window.rows, window.rows.prediction).labelled(reference)))
    assert perfect["accuracy"].direction == "better"


def test_it_is_the_difference_of_realised_and_estimated_on_the_same_rows() -> None:
    rng = np.random.default_rng(3)
    reference = reference_of(binary_world(rng, 5000))
    window = binary_world(rng, 500)
    labels = np.where(np.arange(500) < 200, np.nan, window.labels)
    labelled = World(window.rows, labels).labelled(reference)
    known = {one.metric: one.value for one in realised(reference, labelled)}
    share = reference.calibration.posterior(window.rows.scores[200:])[:, 1]
    right = np.where(window.rows.prediction[200:] == 1, share, 1 - share)
    found = by_name(residuals(reference, labelled))["accuracy"]
    assert found.rows == 300
    assert found.realised == known["accuracy"]
    assert found.estimated == pytest.approx(right.mean(), abs=1e-7)
    assert found.difference == pytest.approx(known["accuracy"] - right.mean(), abs=1e-7)
    assert found.high - found.low == pytest.approx(2 * Z * found.standard_error)
    labels_alone = np.sqrt((right * (1 - right)).sum()) / 300
    assert labels_alone < found.standard_error < 1.15 * labels_alone


def test_rows_without_scores_give_no_residual() -> None:
    rng = np.random.default_rng(4)
    world = binary_world(rng, 500)
    reference = reference_of(world)
    unscored = World(OutputRows(world.rows.prediction, np.full((500, 1), np.nan)), world.labels)
    assert residuals(reference, unscored.labelled(reference)) == ()
    half = np.where(np.arange(500)[:, None] < 250, np.nan, world.rows.scores)
    assert (
        residuals(reference, World(OutputRows(world.rows.prediction, half), world.labels).labelled(reference))
        == ()
    )


def test_of_a_regression_it_is_that_of_the_loss_model() -> None:
    rng = np.random.default_rng(5)
    frame = regression_frame(rng, 10_000)
    _, given = as_columns(frame)
    grids = grids_of(given)
    reference = build_performance(REGRESSION, given, grids=grids)
    window = regression_frame(rng, 1000, shift=0.5)
    counts = counts_of(window, grids)
    same = by_name(residuals(reference, regression_world(window).labelled(reference), counts))
    assert same["mae"].p_value > 0.001
    worse = window.assign(predicted=window["label"] + 2 * (window["predicted"] - window["label"]))
    found = by_name(residuals(reference, regression_world(worse).labelled(reference), counts))
    assert found["mae"].p_value < 1e-9
    assert found["mae"].direction == "worse"
    assert residuals(reference, regression_world(worse).labelled(reference)) == ()
