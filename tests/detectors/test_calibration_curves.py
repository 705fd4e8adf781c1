from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.calibration import Calibration, Isotonic
from tests.detectors.performance_worlds import binary_world, three_world


def min_max(scores: list[float], labels: list[bool]) -> dict[float, float]:
    """Give the closed form of isotonic regression: the largest of the smallest means over intervals."""
    distinct = sorted(set(scores))
    by_score = {at: [float(y) for s, y in zip(scores, labels, strict=True) if s == at] for at in distinct}

    def mean(first: int, last: int) -> float:
        return float(np.mean([y for at in distinct[first : last + 1] for y in by_score[at]]))

    size = len(distinct)
    return {
        distinct[at]: max(min(mean(first, last) for last in range(at, size)) for first in range(at + 1))
        for at in range(size)
    }


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=25))
def test_the_fit_is_isotonic_regression_with_ties_weighted(pairs: list[tuple[int, bool]]) -> None:
    scores, labels = [pair[0] / 8 for pair in pairs], [pair[1] for pair in pairs]
    curve = Isotonic.fit(np.array(scores), np.array(labels))
    for score, wanted in min_max(scores, labels).items():
        assert curve(np.array([score]))[0] == pytest.approx(wanted, abs=1e-12)
    assert (np.diff(curve.scores) > 0).all()
    assert (np.diff(curve.shares) >= 0).all()


def test_between_knots_it_is_a_line_and_beyond_them_constant() -> None:
    curve = Isotonic(np.array([0.2, 0.4, 0.8]), np.array([0.1, 0.3, 0.5]))
    assert curve(np.array([0.0, 0.2, 0.3, 0.6, 0.8, 1.0])) == pytest.approx([0.1, 0.1, 0.2, 0.4, 0.5, 0.5])


def test_it_finds_what_the_scores_mean() -> None:
    world = binary_world(np.random.default_rng(1), 100_000)
    curve = Isotonic.fit(world.rows.scores[:, 0], world.labels == 1)
    at = np.linspace(0.05, 0.95, 91)
    assert np.abs(curve(at) - at**2).mean() < 0.015


def test_rows_of_one_score_or_one_label_give_a_constant() -> None:
    same = Isotonic.fit(np.full(4, 0.3), np.array([True, False, False, False]))
    assert same(np.array([0.0, 0.3, 1.0])) == pytest.approx([0.25] * 3)
    never = Isotonic.fit(np.array([0.1, 0.9]), np.array([False, False]))
    assert never(np.array([0.5])) == pytest.approx([0.0])


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="both a score and a label"):
        Isotonic.fit(np.zeros(0), np.zeros(0, bool))


def by_class(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> Calibration:
    return Calibration(tuple(Isotonic.fit(scores[:, at], labels == at) for at in range(scores.shape[1])))


def test_several_classes_are_normalised_and_calibrated_scores_stay() -> None:
    world = three_world(np.random.default_rng(2), 60_000)
    posterior = by_class(world.rows.scores, world.labels).posterior(world.rows.scores)
    assert posterior.sum(axis=1) == pytest.approx(1.0)
    assert np.abs(posterior - world.rows.scores).mean() < 0.01


def test_a_row_that_no_class_claims_keeps_its_scores() -> None:
    zero = Isotonic(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    calibration = Calibration((zero, zero))
    assert calibration.posterior(np.array([[0.2, 0.6], [0.0, 0.0]])) == pytest.approx(
        np.array([[0.25, 0.75], [0.5, 0.5]])
    )


def test_one_curve_gives_both_classes() -> None:
    calibration = Calibration((Isotonic(np.array([0.0, 1.0]), np.array([0.0, 0.5])),))
    assert calibration.posterior(np.array([[0.4]])) == pytest.approx(np.array([[0.8, 0.2]]))
