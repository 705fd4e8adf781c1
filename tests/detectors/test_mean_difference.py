from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binom, norm, ttest_ind

from detectors.mean_difference import Looking, difference, probabilities_of_best
from detectors.moments import Moments

LOOKING = Looking(0.05, 5_000, 50)
EXPERIMENTS, ROWS = 1_000, 8_000
LOOKS = np.unique(np.geomspace(200, ROWS, 40).astype(int))
MOST_FALSE = binom.ppf(1 - 1e-6, EXPERIMENTS, LOOKING.alpha)
VALUES = st.lists(st.floats(-1e6, 1e6), max_size=20).map(np.array)


def cumulated(rng: np.random.Generator, draw: Any, better: float) -> list[tuple[Moments, Moments]]:
    """Give both variants' moments at each look."""
    treated = rng.random(ROWS) < 0.5
    values = draw(rng) + better * treated
    sums = [
        [np.cumsum(np.where(side, part, 0.0))[LOOKS - 1] for part in (np.ones(ROWS), values, values**2)]
        for side in (~treated, treated)
    ]
    return [
        (
            Moments.known(*(part[at] for part in sums[0])),
            Moments.known(*(part[at] for part in sums[1])),
        )
        for at in range(len(LOOKS))
    ]


DRAWS = {
    "conversions": lambda rng: (rng.random(ROWS) < 0.1).astype(float),
    "revenue": lambda rng: rng.lognormal(0.0, 1.0, ROWS),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_equal_means_are_called_different_in_at_most_alpha_of_experiments_looked_at_all_the_time(
    kind: str,
) -> None:
    rng = np.random.default_rng(4)
    false = 0
    for _ in range(EXPERIMENTS):
        found = [difference(*pair, LOOKING) for pair in cumulated(rng, DRAWS[kind], 0.0)]
        false += any(
            one.low is not None and one.high is not None and not one.low <= 0 <= one.high for one in found
        )
    assert false <= MOST_FALSE


@pytest.mark.parametrize("better", [0.05, -0.3])
def test_the_intervals_of_difference_and_lift_hold_the_truth_at_all_looks(better: float) -> None:
    rng = np.random.default_rng(5)
    mean = math.exp(0.5)
    missed = 0
    for _ in range(300):
        found = [difference(*pair, LOOKING) for pair in cumulated(rng, DRAWS["revenue"], better)]
        for one, truth in ((found, better),):
            missed += any(
                not each.low <= truth <= each.high
                for each in one
                if each.low is not None and each.high is not None
            )
        lifts = [(each.lift_low, each.lift_high) for each in found]
        assert lifts[-1][0] is not None
        missed += any(
            not low <= better / mean <= high for low, high in lifts if low is not None and high is not None
        )
    assert missed <= binom.ppf(1 - 1e-6, 600, LOOKING.alpha)


def test_a_lift_of_a_fifth_is_shown_in_most_experiments() -> None:
    rng = np.random.default_rng(6)
    shown = 0
    for _ in range(100):
        last = difference(*cumulated(rng, DRAWS["revenue"], 0.2 * math.exp(0.5))[-1], LOOKING)
        shown += last.low is not None and last.low > 0
    assert shown >= 80


def test_the_interval_is_tightest_where_it_was_asked_to_be() -> None:
    for rows in (100, 5_000, 1_000_000):

        def width(log_variance: float, rows: int = rows) -> float:
            rho = math.exp(log_variance)
            spread = rows * rho + 1
            return math.sqrt(2 * spread / (rows**2 * rho) * math.log(math.sqrt(spread) / 0.05))

        best = minimize_scalar(width, bounds=(-25, 5), method="bounded").fun
        assert Looking(0.05, rows, 50).radius(rows) == pytest.approx(best, rel=1e-2)


def test_the_difference_is_scipys_and_wider_than_the_interval_of_one_look() -> None:
    rng = np.random.default_rng(7)
    before, after = rng.normal(10.0, 2.0, 3_000), rng.normal(10.3, 3.0, 2_000)
    found = difference(Moments.of(before), Moments.of(after), LOOKING)
    once = ttest_ind(after, before, equal_var=False).confidence_interval()
    assert found.difference == pytest.approx(after.mean() - before.mean(), abs=1e-6)
    assert found.low is not None
    assert found.high is not None
    assert found.low < once.low < once.high < found.high
    assert found.low + found.high == pytest.approx(once.low + once.high, abs=1e-5)


def test_a_lift_of_negative_means_has_the_sign_of_the_difference() -> None:
    rng = np.random.default_rng(8)
    found = difference(Moments.of(rng.normal(-10, 1, 4_000)), Moments.of(rng.normal(-9, 1, 4_000)), LOOKING)
    assert found.lift == pytest.approx(0.1, abs=0.01)
    assert found.lift_low is not None
    assert found.lift_high is not None
    assert 0.08 < found.lift_low < 0.1 < found.lift_high < 0.12


def test_a_lift_on_a_mean_that_may_be_zero_is_not_told() -> None:
    rng = np.random.default_rng(9)
    found = difference(Moments.of(rng.normal(0, 1, 4_000)), Moments.of(rng.normal(1, 1, 4_000)), LOOKING)
    assert found.low is not None
    assert (found.lift, found.lift_low, found.lift_high) == (None, None, None)


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        ([], [1.0] * 90, "no values of one of the variants"),
        ([1.0, 2.0] * 30, [1.0, 2.0] * 10, "20 values, 50 are needed"),
        ([1.0] * 60, [1.0] * 60, "all values are the same"),
    ],
)
def test_too_little_is_no_interval_and_a_reason(before: list[float], after: list[float], note: str) -> None:
    found = difference(Moments.of(np.array(before)), Moments.of(np.array(after)), LOOKING)
    assert (found.low, found.high, found.note) == (None, None, note)


def test_the_probability_of_two_is_the_posterior_of_their_difference() -> None:
    rng = np.random.default_rng(10)
    arms = [Moments.of(rng.normal(mean, 1.0, 500)) for mean in (0.0, 0.1)]
    found = probabilities_of_best(arms, LOOKING, higher_is_better=True)
    assert found is not None
    weight = 500 * LOOKING.variance / (1 + 500 * LOOKING.variance)
    spread = math.sqrt(weight * (arms[0].variance + arms[1].variance) / 500)
    assert found[1] == pytest.approx(norm.cdf(weight * (arms[1].mean - arms[0].mean) / spread))
    assert sum(found) == pytest.approx(1.0)


def test_the_probabilities_of_three_are_those_of_draws_from_their_posteriors() -> None:
    rng = np.random.default_rng(11)
    arms = [Moments.of(rng.normal(mean, 1.0, 400)) for mean in (0.0, 0.05, 0.1)]
    lower = probabilities_of_best(arms, LOOKING, higher_is_better=False)
    assert lower is not None
    pooled = sum(arm.sum for arm in arms) / 1_200
    weight = 400 * LOOKING.variance / (1 + 400 * LOOKING.variance)
    draws = np.stack(
        [
            rng.normal(pooled + weight * (arm.mean - pooled), math.sqrt(weight * arm.variance / 400), 200_000)
            for arm in arms
        ]
    )
    assert lower == pytest.approx(np.bincount(draws.argmin(axis=0), minlength=3) / 200_000, abs=0.01)


@given(VALUES, VALUES, VALUES)
def test_moments_add_up_in_any_order_and_can_be_taken_back(one: Any, two: Any, three: Any) -> None:
    parts = [Moments.of(values) for values in (one, two, three)]
    whole = Moments.of(np.concatenate([three, one, two]))
    assert parts[0].merge(parts[1]).merge(parts[2]) == whole == parts[2].merge(parts[1].merge(parts[0]))
    assert whole.minus(parts[1]) == parts[0].merge(parts[2])
    assert Moments.known(whole.n, whole.sum, whole.sum_of_squares).mean == pytest.approx(
        whole.mean, nan_ok=True
    )


def test_moments_are_numpys_and_leave_out_what_is_no_number() -> None:
    values = np.array([1.5, np.nan, 2.25, np.inf, -7.0, 1e13])
    found = Moments.of(values)
    usable = np.array([1.5, 2.25, -7.0])
    assert found.n == 3
    assert found.mean == pytest.approx(usable.mean())
    assert found.variance == pytest.approx(usable.var(ddof=1))
