from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from detectors.columns import Column
from detectors.counts import count
from detectors.cycles import Cycle, cycle
from detectors.dependence import value_directions
from detectors.grid import numeric_grid

HOUR_MS = 3_600_000
PER_HOUR = 60


def found(means: NDArray[np.float64], seed: int, window_ms: int = HOUR_MS) -> Cycle | None:
    """The cycle of rows whose mean is this in each hour."""
    values = np.random.default_rng(seed).normal(np.repeat(means, PER_HOUR))
    grid, column = numeric_grid(values, 256), Column(values)
    windows = (
        480_000 * HOUR_MS // window_ms + np.repeat(np.arange(len(means)), PER_HOUR) * HOUR_MS // window_ms
    )
    return cycle(value_directions(count(grid, column), grid, column), windows, window_ms)


def hours(days: int) -> NDArray[np.int64]:
    return np.arange(24 * days)


def test_a_daily_cycle_is_found_and_how_much_it_explains() -> None:
    of = found(0.5 * np.sin(2 * np.pi * hours(14) / 24), 1)
    assert of is not None
    assert of.name == "day"
    assert of.share == pytest.approx(0.88, abs=0.06)  # .125 of .125 + 1 / 60


def test_quiet_weekends_are_a_weekly_cycle() -> None:
    of = found(np.where(hours(35) // 24 % 7 >= 5, 0.5, 0.0), 2)
    assert of is not None
    assert of.name == "week"


@pytest.mark.parametrize("rho", [0.0, 0.6, 0.95])
def test_what_wanders_or_only_drifts_is_no_cycle(rho: float) -> None:
    rng = np.random.default_rng(3)
    for seed in range(20):
        steps = rng.normal(size=24 * 14) * 0.3 * np.sqrt(1 - rho**2)
        assert found(np.asarray(lfilter([1.0], [1.0, -rho], steps)), seed) is None
    assert found(np.linspace(0.0, 1.0, 24 * 14), 4) is None


def test_two_days_are_too_few_and_windows_as_long_as_the_cycle_have_none() -> None:
    means = 0.5 * np.sin(2 * np.pi * hours(2) / 24)
    assert found(means, 5) is None
    assert found(np.tile(means, 7), 5, 24 * HOUR_MS) is None
    assert cycle(None, np.arange(3), HOUR_MS) is None
