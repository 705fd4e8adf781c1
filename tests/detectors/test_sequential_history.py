from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.sequential_history import KEPT, History

CUTS = st.lists(st.integers(0, 900), max_size=6)


def history_of(values: NDArray[np.float64], cuts: list[int] | None = None) -> History:
    history = History()
    times = np.arange(len(values), dtype=np.int64) * 10
    for rows in np.split(np.arange(len(values)), sorted(cuts or [])):
        history = history.append(values[rows], times[rows])
    return history


def coins(seed: int, *parts: tuple[int, float]) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.random(rows) < rate for rows, rate in parts]).astype(np.float64)


def same(first: History, second: History) -> bool:
    return len(first.levels) == len(second.levels) and all(
        np.array_equal(mine, theirs)
        for one, other in zip(first.levels, second.levels, strict=True)
        for mine, theirs in zip(one, other, strict=True)
    )


@given(CUTS, CUTS)
def test_batches_of_any_sizes_give_the_same_history(first: list[int], second: list[int]) -> None:
    values = np.random.default_rng(3).random(800)
    assert same(history_of(values, first), history_of(values, second))
    assert history_of(values, first).rows == 800


def test_appending_leaves_the_older_history_as_it_was() -> None:
    values = coins(1, (500, 0.5))
    older = history_of(values)
    older.append(np.ones(300), np.zeros(300, np.int64))
    assert same(older, history_of(values))


def test_a_million_rows_take_few_blocks() -> None:
    history = history_of(coins(2, (1_000_000, 0.2)))
    assert history.rows == 1_000_000
    assert len(history.levels) <= math.log2(1_000_000 / KEPT) + 2
    assert max(len(sums) for sums, _ in history.levels) <= KEPT + 1


@pytest.mark.parametrize("ago", [1, 2, 63, 64, 65, 500, 5_000, 99_000])
def test_a_place_is_known_to_one_row_and_a_64th_of_the_rows_since(ago: int) -> None:
    values = np.random.default_rng(4).random(100_000)
    split = history_of(values).split(ago)
    at = len(values) - split.rows_since
    assert abs(split.rows_since - ago) <= 1 + ago / 64
    assert split.changed_at_ms == at * 10
    assert split.before == pytest.approx(values[:at].mean(), abs=1e-9)
    assert split.after == pytest.approx(values[at:].mean(), abs=1e-9)


def likelihood(values: NDArray[np.float64]) -> float:
    mean = float(values.mean())
    if mean in {0.0, 1.0}:
        return 0.0
    return len(values) * (mean * math.log(mean) + (1 - mean) * math.log(1 - mean))


@given(st.lists(st.sampled_from([0.0, 1.0, 0.25]), min_size=2, max_size=KEPT))
def test_the_most_likely_row_is_found(listed: list[float]) -> None:
    values = np.array(listed)
    best = max(likelihood(values[:at]) + likelihood(values[at:]) for at in range(1, len(values)))
    at = len(values) - history_of(values).split().rows_since
    assert likelihood(values[:at]) + likelihood(values[at:]) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize(("before", "after"), [(0.2, 0.4), (0.4, 0.2), (0.05, 0.2)])
def test_the_most_likely_row_is_near_the_change(before: float, after: float) -> None:
    errors = [
        history_of(coins(seed, (10_000, before), (300, after))).split().rows_since - 300 for seed in range(40)
    ]
    assert abs(float(np.median(errors))) <= 10
    assert np.quantile(np.abs(errors), 0.9) <= 120


def test_means_of_constant_values_stay_inside_the_unit_interval() -> None:
    split = history_of(np.ones(1000)).split()
    assert (split.before, split.after) == (1.0, 1.0)
