"""Every detector on the data that break detectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from detectors.columns import Column
from detectors.counts import Counts, count, empty
from detectors.covariate import (
    AnyDetector,
    ChiSquare,
    JensenShannon,
    KolmogorovSmirnov,
    Psi,
    TotalVariation,
    Wasserstein,
)
from detectors.grid import CategoricalGrid, Grid, categorical_grid, numeric_grid
from detectors.result import TestResult

NUMERIC: list[AnyDetector] = [
    KolmogorovSmirnov(),
    Psi(),
    JensenShannon(),
    TotalVariation(),
    Wasserstein(),
]
CATEGORICAL: list[AnyDetector] = [ChiSquare(), Psi(), JensenShannon(), TotalVariation()]
CASES: list[tuple[AnyDetector, str]] = [
    *((one, "numeric") for one in NUMERIC),
    *((one, "categorical") for one in CATEGORICAL),
]
every_detector = pytest.mark.parametrize(("detector", "kind"), CASES)


def present(kind: str, values: Sequence[int]) -> Column:
    if kind == "numeric":
        return Column(np.array(values, np.float64))
    return Column(np.array([f"c{value}" for value in values], object))


def absent(kind: str, rows: int) -> Column:
    values: Any = np.full(rows, np.nan) if kind == "numeric" else np.full(rows, None, object)
    return Column(values, np.array([1, 2, 3] * rows, np.uint8)[:rows])


def grid_of(kind: str, column: Column) -> Grid:
    return numeric_grid(column.values) if kind == "numeric" else categorical_grid(column.values)


def compare(detector: AnyDetector, kind: str, reference: Sequence[int], current: Sequence[int]) -> TestResult:
    column = present(kind, reference)
    grid = grid_of(kind, column)
    result = detector.compare(count(grid, column), count(grid, present(kind, current)), grid)
    assert_sound(result)
    return result


def assert_sound(result: TestResult) -> None:
    numbers = [value for value in asdict(result).values() if isinstance(value, float)]
    assert all(math.isfinite(number) for number in numbers)
    assert result.p_value is None or 0.0 <= result.p_value <= 1.0
    if result.effect is not None and result.effect_low is not None and result.effect_high is not None:
        assert 0.0 <= result.effect_low <= result.effect <= result.effect_high <= 1.0


def is_detected(result: TestResult) -> bool:
    return result.statistic > 0.0 if result.p_value is None else result.p_value < 0.001


@every_detector
def test_an_empty_current_window_says_nothing(detector: AnyDetector, kind: str) -> None:
    result = compare(detector, kind, [1, 2, 3], [])
    assert (result.p_value, result.effect, result.n_current) == (None, None, 0)
    assert result.note == "no values in the current window"


@every_detector
def test_an_empty_reference_says_nothing(detector: AnyDetector, kind: str) -> None:
    result = compare(detector, kind, [], [1, 2, 3])
    assert (result.p_value, result.effect, result.n_reference) == (None, None, 0)
    assert result.note == "no values in the reference"


@every_detector
def test_nothing_on_both_sides_says_nothing(detector: AnyDetector, kind: str) -> None:
    assert compare(detector, kind, [], []).note == "no values in the reference and the current window"


@every_detector
def test_a_window_in_which_every_cell_is_missing_says_nothing(detector: AnyDetector, kind: str) -> None:
    column = present(kind, [1, 2, 3])
    grid = grid_of(kind, column)
    result = detector.compare(count(grid, column), count(grid, absent(kind, 30)), grid)
    assert_sound(result)
    assert (result.p_value, result.n_current) == (None, 0)


@every_detector
def test_one_row_is_no_evidence(detector: AnyDetector, kind: str) -> None:
    result = compare(detector, kind, list(range(10)) * 10, [3])
    assert result.n_current == 1
    assert result.p_value is None or result.p_value > 0.05


@every_detector
def test_one_row_against_one_row_is_no_evidence(detector: AnyDetector, kind: str) -> None:
    result = compare(detector, kind, [1], [2])
    assert result.p_value is None or result.p_value == pytest.approx(1.0)


@every_detector
def test_the_same_constant_has_not_moved(detector: AnyDetector, kind: str) -> None:
    result = compare(detector, kind, [7] * 200, [7] * 90)
    assert result.statistic == 0.0
    assert result.p_value is None or result.p_value == pytest.approx(1.0)


@every_detector
def test_another_constant_has_moved(detector: AnyDetector, kind: str) -> None:
    result = compare(detector, kind, [7] * 200, [8] * 90)
    assert is_detected(result)
    assert result.effect in {None, 1.0}


@every_detector
def test_a_window_of_unseen_values_only_has_moved(detector: AnyDetector, kind: str) -> None:
    assert is_detected(compare(detector, kind, list(range(10)) * 100, list(range(50, 80)) * 3))


@every_detector
def test_the_counts_of_no_rows_are_not_an_error(detector: AnyDetector, kind: str) -> None:
    grid = grid_of(kind, present(kind, []))
    assert detector.compare(empty(grid), empty(grid), grid).p_value is None


@every_detector
def test_counts_of_the_other_kind_are_refused(detector: AnyDetector, kind: str) -> None:
    other = "categorical" if kind == "numeric" else "numeric"
    column = present(other, [1, 2, 3])
    here: Counts = count(grid_of(kind, present(kind, [1, 2])), present(kind, [1, 2]))
    there: Counts = count(grid_of(other, column), column)
    with pytest.raises(TypeError):
        detector.compare(here, there, CategoricalGrid(("c1",)))
