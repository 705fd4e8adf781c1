from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from detectors.columns import Column, Columns
from detectors.counts import Counts, count
from detectors.dictionary import Dictionary, Role
from detectors.frames import columns_from_frame
from detectors.grid import CategoricalGrid, Grid, NumericGrid, categorical_grid, numeric_grid
from detectors.inference import infer
from detectors.loss_model import Effect, LossModel, estimated_losses, fit_loss_model
from detectors.loss_model_bins import NUMERIC_BINS, Binning, bin_of_rows, binnings, bins_of_counts
from detectors.metrics import Measured
from tests.detectors.performance_worlds import columns, regression_frame, texts

ROLES = {"predicted": Role.PREDICTION, "label": Role.LABEL}


def as_columns(frame: pd.DataFrame) -> tuple[Dictionary, Columns]:
    dictionary = infer(frame, ROLES)
    return dictionary, columns_from_frame(frame, dictionary)


def grids_of(given: Columns) -> dict[str, Grid]:
    present = {name: column.present() for name, column in given.items() if name != "label"}
    return {
        name: categorical_grid(values) if values.dtype == object else numeric_grid(values)
        for name, values in present.items()
    }


def fitted(frame: pd.DataFrame) -> tuple[LossModel, dict[str, Grid]]:
    _, given = as_columns(frame)
    grids = grids_of(given)
    model = fit_loss_model((frame["predicted"] - frame["label"]).to_numpy(np.float64), given, grids, 2.0)
    assert model is not None
    return model, grids


def counts_of(frame: pd.DataFrame, grids: dict[str, Grid]) -> dict[str, Counts]:
    _, given = as_columns(frame)
    return {name: count(grid, given[name]) for name, grid in grids.items()}


def by_name(model: LossModel, counts: dict[str, Counts], rows: int) -> dict[str, Measured]:
    return {one.metric: one for one in estimated_losses(model, counts, rows)}


def plain(frame: pd.DataFrame) -> tuple[float, float]:
    error = (frame["predicted"] - frame["label"]).to_numpy(np.float64)
    return float(np.abs(error).mean()), float(np.sqrt((error**2).mean()))


@pytest.mark.parametrize("grid_size", [7, 60, 2048])
def test_counts_of_a_window_are_the_bins_of_its_rows(grid_size: int) -> None:
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=3000), 2)
    grid = numeric_grid(values, grid_size)
    (binning,) = binnings({"x": grid}, {"x": Column(values)}, np.ones(3000, bool))
    assert 5 <= binning.size <= NUMERIC_BINS + 1
    window = np.concatenate((np.round(rng.normal(1, 3, 500), 2), [np.nan, np.inf, -np.inf]))
    presence = np.zeros(503, np.uint8)
    presence[[3, 5]] = 2
    window[[3, 5]] = np.nan
    column = Column(window, presence)
    wanted = np.bincount(bin_of_rows(binning, grid, column), minlength=binning.size)
    np.testing.assert_array_equal(bins_of_counts(binning, count(grid, column)), wanted)
    assert wanted[-1] == 5


def test_counts_of_categories_are_the_bins_of_their_rows() -> None:
    grid = CategoricalGrid(("a", "b", "c"))
    binning = Binning("x", named=2, is_numeric=False)
    column = texts("a", "c", "b", "new", None, "a")
    found = Column(column.values, np.array([0, 0, 0, 0, 1, 0], np.uint8))
    assert bin_of_rows(binning, grid, found).tolist() == [0, 2, 1, 2, 3, 0]
    assert bins_of_counts(binning, count(grid, found)).tolist() == [2, 1, 2, 1]
    with pytest.raises(ValueError, match="another kind"):
        bins_of_counts(binning, count(NumericGrid(np.array([1.0])), columns(x=[1.0])["x"]))


def test_bins_hold_about_equal_shares_of_the_reference() -> None:
    values = np.random.default_rng(2).lognormal(size=24_000)
    grid = numeric_grid(values)
    (binning,) = binnings({"x": grid}, {"x": Column(values)}, np.ones(24_000, bool))
    rows = bins_of_counts(binning, count(grid, Column(values)))[:-1]
    assert rows.min() > 900
    assert rows.max() < 1100


def test_on_the_reference_itself_the_estimate_is_what_was_realised() -> None:
    frame = regression_frame(np.random.default_rng(3), 5000)
    model, grids = fitted(frame)
    found = by_name(model, counts_of(frame, grids), 5000)
    mae, rmse = plain(frame)
    assert found["mae"].value == pytest.approx(mae)
    assert found["rmse"].value == pytest.approx(rmse)


def test_the_estimate_follows_covariate_shift() -> None:
    # wanted 95 % inside; 100 windows of 500 rows, four standard deviations are 9 %
    rng = np.random.default_rng(4)
    model, grids = fitted(regression_frame(rng, 20_000))
    inside = {"mae": 0, "rmse": 0}
    for _ in range(100):
        window = regression_frame(rng, 500, shift=1.0)
        found = by_name(model, counts_of(window, grids), 500)
        for name, wanted in zip(("mae", "rmse"), plain(window), strict=True):
            inside[name] += found[name].low <= wanted <= found[name].high
    assert min(inside.values()) >= 86, inside
    before, after = (
        plain(regression_frame(rng, 50_000))[0],
        plain(regression_frame(rng, 50_000, shift=1.0))[0],
    )
    assert found["mae"].value - before == pytest.approx(after - before, rel=0.35)
    assert after - before > 0.1


def test_a_shift_of_a_category_is_followed_too() -> None:
    rng = np.random.default_rng(5)
    model, grids = fitted(regression_frame(rng, 20_000))
    window = regression_frame(rng, 20_000).query("region == 'south'")
    found = by_name(model, counts_of(window, grids), len(window))
    assert found["mae"].value == pytest.approx(plain(window)[0], rel=0.05)


def test_features_without_counts_are_taken_as_unchanged() -> None:
    frame = regression_frame(np.random.default_rng(6), 3000)
    model, grids = fitted(frame)
    assert by_name(model, {}, 100)["mae"].value == pytest.approx(plain(frame)[0])
    empty = counts_of(frame.iloc[:0], {})
    assert by_name(model, empty, 100)["mae"].value == pytest.approx(plain(frame)[0])
    assert list(estimated_losses(model, counts_of(frame, grids), 0)) == []


def test_an_estimate_below_zero_is_zero_and_named() -> None:
    model = LossModel(1.0, 100, 0.5, 0.4, 0.1, 0.2, ())
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    grid = numeric_grid(frame["x"].to_numpy(np.float64))
    (binning,) = binnings({"x": grid}, {"x": Column(frame["x"].to_numpy(np.float64))}, np.ones(2, bool))
    down, rows = (-3.0,) * binning.size, (50,) * binning.size
    shrunk = LossModel(1.0, 100, 0.5, 0.4, 0.1, 0.2, (Effect(binning, down, down, rows),))
    assert by_name(model, {}, 10)["mae"].note == ""
    found = by_name(shrunk, {"x": count(grid, Column(np.array([1.0, 2.0])))}, 10)
    assert (found["mae"].value, found["rmse"].value) == (0.0, 0.0)
    assert "fell below 0" in found["mae"].note
    assert all(math.isfinite(one.high) for one in found.values())


def test_nothing_to_learn_from_is_no_model() -> None:
    frame = regression_frame(np.random.default_rng(7), 50)
    _, given = as_columns(frame)
    assert fit_loss_model(np.full(50, np.nan), given, grids_of(given), 1.0) is None
    assert fit_loss_model(np.ones(50), given, {}, 1.0) is None


def test_only_the_features_that_say_most_are_used() -> None:
    rng = np.random.default_rng(8)
    frame = regression_frame(rng, 2000)
    noise = {f"noise{at}": rng.normal(size=2000) for at in range(40)}
    model, _ = fitted(frame.assign(**noise))
    names = [effect.binning.name for effect in model.effects]
    assert len(names) == len(set(names)) == 32
    assert "region" in names[:3]
