from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.clustering import RowsPerWindow
from detectors.reference import Reference

Make = Callable[..., Reference]
WINDOW_MS = 1000


def times(rows: int, per_window: int) -> NDArray[np.int64]:
    return np.arange(rows) * (WINDOW_MS // per_window)


def built(make: Make, values: NDArray[np.float64], per_window: int = 50) -> Reference:
    frame = pd.DataFrame({"x": values})
    return make(frame, times_ms=times(len(values), per_window), window_ms=WINDOW_MS)


def test_independent_rows_have_a_design_effect_near_one(make_reference: Make) -> None:
    rng = np.random.default_rng(1)
    values = np.where(rng.random(5000) < 0.1, np.nan, rng.normal(size=5000))
    reference = built(make_reference, values)
    assert 1.0 <= reference.design_effect["x"] < 1.15
    assert 1.0 <= reference.absence_effect["x"] < 1.4


def test_values_that_stay_for_a_while_have_a_large_one(make_reference: Make) -> None:
    reference = built(make_reference, np.random.default_rng(1).normal(size=200).repeat(25))
    assert 15 < reference.design_effect["x"] < 35


def test_nulls_that_come_in_spells_have_a_large_one_of_their_own(make_reference: Make) -> None:
    rng = np.random.default_rng(1)
    is_out = (rng.random(200) < 0.1).repeat(25)
    reference = built(make_reference, np.where(is_out, np.nan, rng.normal(size=5000)))
    assert 10 < reference.absence_effect["x"] < 40
    assert reference.design_effect["x"] < 1.2


def test_few_windows_or_no_times_say_nothing(make_reference: Make) -> None:
    assert built(make_reference, np.arange(200.0)).design_effect == {}
    assert make_reference(pd.DataFrame({"x": [1.0, 2.0]})).rows_per_window is None


def test_only_whole_windows_say_how_many_rows_to_expect(make_reference: Make) -> None:
    at = np.array([900, 1000, 1100, 1200, 2000, 2500, 3000])
    reference = make_reference(pd.DataFrame({"x": at * 1.0}), times_ms=at, window_ms=WINDOW_MS)
    assert reference.rows_per_window == RowsPerWindow(WINDOW_MS, 2, 2, 3, 2.5)


def test_a_window_without_rows_is_a_window_too(make_reference: Make) -> None:
    at = np.array([0, 1000, 1001, 4000, 4001, 5000])
    reference = make_reference(pd.DataFrame({"x": at * 1.0}), times_ms=at, window_ms=WINDOW_MS)
    assert reference.rows_per_window == RowsPerWindow(WINDOW_MS, 4, 0, 2, 1.0)


def test_the_order_of_the_rows_does_not_matter(make_reference: Make) -> None:
    rng = np.random.default_rng(2)
    values, at = rng.normal(size=2000), times(2000, 50)
    shuffled = rng.permutation(2000)
    one = make_reference(pd.DataFrame({"x": values}), times_ms=at, window_ms=WINDOW_MS)
    other = make_reference(pd.DataFrame({"x": values[shuffled]}), times_ms=at[shuffled], window_ms=WINDOW_MS)
    assert one.id == other.id
