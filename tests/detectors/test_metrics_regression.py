from __future__ import annotations

import numpy as np
import pytest

from detectors.metrics import Measured
from detectors.metrics_regression import realised_regression
from detectors.outputs import OutputRows
from detectors.performance_errors import ErrorScale
from detectors.performance_layout import PerformanceLayout, lay_out
from tests.detectors.performance_worlds import REGRESSION, World, regression_frame, regression_world


def layout_of(world: World) -> PerformanceLayout:
    return lay_out(REGRESSION, world.rows, world.labels)


def measured(layout: PerformanceLayout, world: World) -> dict[str, Measured]:
    assert layout.errors is not None
    return {one.metric: one for one in realised_regression(layout.errors, world.labelled(layout))}


def plain(world: World) -> dict[str, float]:
    error = world.rows.prediction - world.labels
    spread = ((world.labels - world.labels.mean()) ** 2).sum()
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": float(1 - (error**2).sum() / spread),
        "bias": float(error.mean()),
    }


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e12])
def test_metrics_are_those_of_their_definitions_on_any_scale(scale: float) -> None:
    rng = np.random.default_rng(1)
    reference = regression_world(regression_frame(rng, 2000))
    window = regression_world(regression_frame(rng, 500, shift=2.0))
    reference, window = (
        World(OutputRows(scale * one.rows.prediction, one.rows.scores), scale * one.labels)
        for one in (reference, window)
    )
    found = measured(layout_of(reference), window)
    for name, wanted in plain(window).items():
        assert found[name].value == pytest.approx(wanted, rel=2e-5)
        assert found[name].note == ""


def test_standard_errors_are_those_of_repeated_samples() -> None:
    rng = np.random.default_rng(2)
    layout = layout_of(regression_world(regression_frame(rng, 2000)))
    runs = [measured(layout, regression_world(regression_frame(rng, 300, shift=1.0))) for _ in range(400)]
    for name in ("mae", "rmse", "r2", "bias"):
        simulated = np.std([run[name].value for run in runs])
        # 400 samples know a standard deviation to 3.5 %, and heavy tails make each estimate low
        assert np.mean([run[name].standard_error for run in runs]) == pytest.approx(simulated, rel=0.15)


def test_degenerate_rows_are_no_metrics_and_no_crash() -> None:
    layout = layout_of(
        World(OutputRows(np.array([1.0, 2.0, 3.0]), np.zeros((3, 0))), np.array([1.0, 2.5, 3.0]))
    )
    nothing = World(OutputRows(np.zeros(0), np.zeros((0, 0))), np.zeros(0))
    assert measured(layout, nothing) == {}
    one = World(OutputRows(np.ones(1), np.zeros((1, 0))), np.ones(1))
    assert measured(layout, one) == {}
    constant = World(OutputRows(np.array([2.0, 3.0]), np.zeros((2, 0))), np.array([2.0, 2.0]))
    assert sorted(measured(layout, constant)) == ["bias", "mae", "rmse"]
    perfect = World(OutputRows(np.array([2.0, 3.0]), np.zeros((2, 0))), np.array([2.0, 3.0]))
    found = measured(layout, perfect)
    assert (found["mae"].value, found["rmse"].value, found["r2"].value) == (0.0, 0.0, 1.0)


def test_a_reference_without_errors_still_measures_windows() -> None:
    exact = World(OutputRows(np.array([1.0, 2.0]), np.zeros((2, 0))), np.array([1.0, 2.0]))
    constant = World(OutputRows(np.array([5.0, 5.0]), np.zeros((2, 0))), np.array([5.0, 5.0]))
    window = World(OutputRows(np.array([1.001, 2.001]), np.zeros((2, 0))), np.array([1.0, 2.0]))
    assert measured(layout_of(exact), window)["mae"].value == pytest.approx(0.001, rel=0.01)
    assert measured(layout_of(constant), window)["mae"].value == pytest.approx(0.001, rel=0.01)


def test_values_far_outside_the_reference_are_cut_and_named() -> None:
    rng = np.random.default_rng(3)
    world = regression_world(regression_frame(rng, 500))
    layout = layout_of(world)
    prediction = world.rows.prediction.copy()
    prediction[:2] = 1e300, -1e300
    found = measured(layout, World(OutputRows(prediction, world.rows.scores), world.labels))
    assert found["mae"].note.startswith("2 rows beyond 1024 times")
    assert np.isfinite(found["rmse"].value)
    assert found["mae"].value > 5.0


def test_labels_of_one_huge_value_do_not_overflow() -> None:
    largest = float(np.finfo(np.float64).max)
    scale = ErrorScale.of(np.array([largest, -largest, 0.0]), np.array([-largest, largest, largest]))
    assert np.isfinite([scale.centre, scale.label_unit, scale.error_unit]).all()


def test_a_reference_without_labelled_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="both a prediction and a label"):
        ErrorScale.of(np.array([np.nan, 1.0]), np.array([1.0, np.nan]))
