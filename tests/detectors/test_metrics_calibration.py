from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.metrics_calibration import calibration_error

FloatArray = NDArray[np.float64]


def grouped(scores: FloatArray, labels: FloatArray, groups: int = 20) -> tuple[FloatArray, FloatArray]:
    group = np.minimum((scores * groups).astype(int), groups - 1)
    positives, sums = np.bincount(group, labels, groups), np.bincount(group, scores, groups)
    rows = np.bincount(group, minlength=groups)
    return np.stack((rows - positives, positives), axis=1).astype(np.float64), sums.astype(np.float64)


def plain(scores: FloatArray, labels: FloatArray, groups: int = 20) -> float:
    """Give the definition: the distance of mean score and share of positives, weighted with the rows."""
    found = 0.0
    for at in range(groups):
        inside = np.minimum((scores * groups).astype(int), groups - 1) == at
        if inside.any():
            found += inside.mean() * abs(scores[inside].mean() - labels[inside].mean())
    return found


def drawn(seed: int, rows: int, bias: float) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    scores = rng.random(rows)
    return scores, (rng.random(rows) < np.clip(scores - bias, 0, 1)).astype(float)


def test_in_many_rows_it_is_the_plain_sum() -> None:
    scores, labels = drawn(1, 200_000, 0.1)
    found = calibration_error(*grouped(scores, labels), 200_000)
    assert found is not None
    assert found.value == pytest.approx(plain(scores, labels), abs=0.001)


def test_in_few_rows_it_is_nearer_to_the_truth_than_the_plain_sum() -> None:
    for bias, true in ((0.0, 0.0), (0.1, 0.095)):
        samples = [drawn(seed, 400, bias) for seed in range(100)]
        found = [one.value for sample in samples if (one := calibration_error(*grouped(*sample), 400))]
        sums = [plain(*sample) for sample in samples]
        assert np.mean(sums) > true + 0.008, "the plain sum is too large"
        assert abs(np.mean(found) - true) < 0.75 * abs(np.mean(sums) - true)
        assert min(found) >= 0.0


def test_its_standard_error_is_that_of_repeated_samples() -> None:
    found = [
        one for seed in range(200) if (one := calibration_error(*grouped(*drawn(seed, 5000, 0.2)), 5000))
    ]
    simulated = np.std([one.value for one in found])
    # 200 samples know a standard deviation to 5 %
    assert np.mean([one.standard_error for one in found]) == pytest.approx(simulated, rel=0.2)


def test_empty_groups_and_no_rows_are_nothing() -> None:
    assert calibration_error(np.zeros((3, 2)), np.zeros(3), 0) is None
    found = calibration_error(np.array([[0.0, 0.0], [0.0, 10.0]]), np.array([0.0, 10.0]), 10)
    assert found is not None
    assert found.value == 0.0
    assert 0.0 < found.standard_error < 0.1
