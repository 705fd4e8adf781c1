from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, ks_2samp, norm

from detectors.columns import Column
from detectors.counts import count_categorical, count_numeric
from detectors.counts_categorical import CategoricalCounts
from detectors.counts_numeric import NumericCounts
from detectors.grid import CategoricalGrid, numeric_grid
from detectors.scores import BINS, LEAST_SHARE, Scores, scores_of

RNG = np.random.default_rng(5)


def known(counts: object) -> Scores:
    found = scores_of(counts)  # type: ignore[arg-type]
    assert found is not None
    return found


@given(st.lists(st.integers(-20, 20), min_size=2, max_size=200).map(lambda x: np.array(x, float)))
def test_scores_sum_to_nothing_over_the_reference_and_moments_have_variance_one(values: np.ndarray) -> None:
    grid = numeric_grid(values, 2048)
    counts = count_numeric(grid, Column(values))
    scores = scores_of(counts)
    if len(np.unique(values)) == 1:
        assert scores is None
        return
    if scores is None:  # all but few rows have one value
        return
    assert scores.sums(counts) == pytest.approx(np.zeros(scores.width), abs=1e-6)
    rows = np.zeros(2 * len(grid.points) + 1)
    rows[1::2] = counts.on
    for part in scores.components[:-1]:
        column = scores.matrix[:, part.begin]
        assert (rows @ column**2) / len(values) == pytest.approx(1.0)


def test_the_first_score_is_the_normal_score_and_the_second_that_of_scale() -> None:
    values = RNG.normal(size=20_000)
    grid = numeric_grid(values, 100_000)
    scores = known(count_numeric(grid, Column(values)))
    z = norm.ppf((np.argsort(np.argsort(values)) + 0.5) / len(values))
    moved = np.sort(values)[[100, 10_000, 19_900]]
    at = np.searchsorted(grid.points, moved)
    rank = np.searchsorted(np.sort(values), moved)
    assert scores.matrix[2 * at + 1, 0] == pytest.approx(np.sort(z)[rank], abs=1e-3)
    assert scores.matrix[2 * at + 1, 1] == pytest.approx((np.sort(z)[rank] ** 2 - 1) / np.sqrt(2), abs=5e-3)


def test_the_bins_give_pearsons_chi_square() -> None:
    grid = CategoricalGrid(("a", "b", "c"))
    reference = CategoricalCounts(np.array([500, 300, 200]))
    scores = known(reference)
    current = CategoricalCounts(np.array([40, 35, 25]))
    mean = scores.sums(current) / 100
    expected = chisquare([40, 35, 25], [50, 30, 20]).statistic
    assert 100 * (mean**2).sum() == pytest.approx(expected)
    assert scores.moved(mean) == pytest.approx(0.10)
    assert grid.categories == ("a", "b", "c")


def test_small_and_unknown_categories_are_one_bin() -> None:
    reference = CategoricalCounts(np.array([600, 350, 20, 20, 10]))
    scores = known(reference)
    assert len(scores.shares) == 3
    assert scores.shares.min() >= LEAST_SHARE
    unknown = CategoricalCounts(np.array([0, 0, 0, 0, 0]), {"new": 5}, 5)
    rare = CategoricalCounts(np.array([0, 0, 0, 0, 10]))
    assert scores.sums(unknown) == pytest.approx(scores.sums(rare))


def test_what_has_moved_is_kolmogorovs_distance_at_the_ends_of_the_bins() -> None:
    values, later = RNG.normal(size=30_000), RNG.normal(0.3, size=30_000)
    grid = numeric_grid(values, 2048)
    scores = known(count_numeric(grid, Column(values)))
    moved = scores.moved(scores.sums(count_numeric(grid, Column(later))) / len(later))
    exact = ks_2samp(values, later).statistic
    assert exact - 0.01 < moved <= exact + 1e-9
    assert len(scores.shares) == BINS


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0, 2.0]])
def test_a_feature_without_two_values_has_no_scores(values: list[float]) -> None:
    grid = numeric_grid(np.array(values), 100)
    assert scores_of(count_numeric(grid, Column(np.array(values)))) is None
    assert scores_of(count_categorical(CategoricalGrid(("a",)), Column(np.array(["a"] * 5, object)))) is None


def test_counts_of_another_grid_are_refused() -> None:
    scores = known(CategoricalCounts(np.array([50, 50])))
    with pytest.raises(ValueError, match="counts of 4 cells do not fit scores of 3"):
        scores.sums(CategoricalCounts(np.array([1, 1, 1])))


@pytest.mark.parametrize("shares", [(0.3, 0.7), (0.2,) * 5])
@pytest.mark.parametrize("moved", [0.0, 0.1])
def test_the_interval_of_a_total_variation_holds_with_95_percent_and_is_not_much_too_wide(
    shares: tuple[float, ...], moved: float
) -> None:
    later = np.array(shares) + np.array([moved, -moved, *([0.0] * (len(shares) - 2))])
    rng, ends = np.random.default_rng(5), []
    for _ in range(200):
        scores = known(CategoricalCounts(rng.multinomial(5_000, shares)))
        now = CategoricalCounts(rng.multinomial(2_000, later))
        ends.append(scores.interval(scores.sums(now) / now.n, now.n, 5_000))
    assert np.mean([low <= moved <= high for low, high in ends]) >= 0.91
    assert np.mean([high - low for low, high in ends]) < 0.15


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_the_interval_of_a_distance_holds_with_95_percent_and_its_lower_end_is_sharp_for_shifts(
    shift: float,
) -> None:
    rng, ends = np.random.default_rng(6), []
    for _ in range(600):
        values = rng.normal(size=20_000)
        grid = numeric_grid(values, 64)
        scores = known(count_numeric(grid, Column(values)))
        shares = np.diff(norm.cdf(grid.points, shift), prepend=0.0, append=1.0)
        now = NumericCounts(np.zeros(len(grid.points), np.int64), rng.multinomial(3_000, shares))
        ends.append(scores.interval(scores.sums(now) / now.n, now.n, 20_000))
    true = norm.cdf(0.0) - norm.cdf(0.0, shift)
    assert np.mean([low <= true + 1e-9 and true - 0.002 <= high for low, high in ends]) >= 0.95
    lows = np.array([low for low, _ in ends])
    if shift:
        assert np.median(lows) > true - 1.358 * np.sqrt(1 / 3_000 + 1 / 20_000) + 0.0025
    else:
        assert np.mean(lows > 0.0) <= 0.05


def test_few_rows_that_went_far_out_surely_moved_though_their_distance_is_small() -> None:
    rng, of_scores, ends = np.random.default_rng(8), [], []
    for _ in range(100):
        values = rng.normal(size=20_000)
        grid = numeric_grid(values, 256)
        scores = known(count_numeric(grid, Column(values)))
        later = rng.normal(size=8_000) * np.where(rng.random(8_000) < 0.02, 4.0, 1.0)
        means = scores.sums(count_numeric(grid, Column(later))) / len(later)
        of_scores.append(scores.moved(means))
        ends.append(scores.interval(means, len(later), len(values)))
    crossing = np.sqrt(2.0 * np.log(4.0) / (1.0 - 1.0 / 16.0))
    true = 0.02 * 2.0 * (norm.cdf(crossing) - norm.cdf(crossing / 4.0))  # 1.1 % of the rows
    distance = 0.02 * max(norm.cdf(x) - norm.cdf(x / 4.0) for x in np.linspace(0.5, 3.0, 100))
    lows, highs = np.array(ends).T
    assert (lows <= true).all()
    assert (lows <= of_scores).all()
    assert (of_scores <= highs).all()
    assert np.median(lows) > 0.8 * distance


def test_of_single_scores_the_skewness_is_known() -> None:
    ones = NumericCounts(np.array([900, 100]), np.zeros(3, np.int64))
    location = known(ones).components[0]
    assert location.skewness == pytest.approx((1 - 2 * 0.1) / np.sqrt(0.1 * 0.9))
