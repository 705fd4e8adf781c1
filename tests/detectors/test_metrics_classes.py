from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.metrics import Measured
from detectors.metrics_classes import accuracy, macro, of_class

FloatArray = NDArray[np.float64]
MATRICES = st.lists(st.integers(0, 6), min_size=16, max_size=16)


def slow_ratios(pairs: list[tuple[int, int]], at: int) -> dict[str, float]:
    """Give precision, recall and F1 of one class from their definitions, row by row; 0 for 0 / 0."""
    hits = sum(label == at == prediction for label, prediction in pairs)
    labels = sum(label == at for label, _ in pairs)
    predictions = sum(prediction == at for _, prediction in pairs)
    return {
        "precision": hits / predictions if predictions else 0.0,
        "recall": hits / labels if labels else 0.0,
        "f1": 2 * hits / (labels + predictions) if labels + predictions else 0.0,
    }


def rows_of(confusion: FloatArray) -> list[tuple[int, int]]:
    size = len(confusion)
    return [(i, j) for i in range(size) for j in range(size) for _ in range(int(confusion[i, j]))]


@given(MATRICES)
def test_metrics_are_those_of_their_definitions(cells: list[int]) -> None:
    confusion = np.array(cells, np.float64).reshape(4, 4)  # three classes and another one
    pairs = rows_of(confusion)
    whole = accuracy(confusion, len(pairs))
    if not pairs:
        assert whole is None
        assert list(macro(confusion, 0)) == []
        return
    assert whole is not None
    assert whole.value == pytest.approx(np.mean([label == prediction < 3 for label, prediction in pairs]))
    present = [at for at in range(3) if any(at in pair for pair in pairs)]
    means = {one.metric: one for one in macro(confusion, len(pairs))}
    for name in ("precision", "recall", "f1") if present else ():
        wanted = np.mean([slow_ratios(pairs, at)[name] for at in present])
        assert means[f"{name}_macro"].value == pytest.approx(wanted)
    for at in range(3):
        for one in of_class(confusion, at, f"[{at}]", len(pairs)):
            assert one.value == pytest.approx(slow_ratios(pairs, at)[one.metric[: one.metric.index("[")]])
            assert one.low <= one.value + 1e-12
            assert one.value <= one.high + 1e-12
            assert one.standard_error > 0.0


def test_what_has_no_rows_is_left_out() -> None:
    never_predicted = np.array([[5.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert [one.metric for one in of_class(never_predicted, 1, "", 8)] == ["recall", "f1"]
    no_positives = np.array([[5.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert [one.metric for one in of_class(no_positives, 1, "", 6)] == ["precision", "f1"]
    nothing = np.diag([5.0, 0.0, 0.0])
    assert list(of_class(nothing, 1, "", 5)) == []


def of_draws(confusion: FloatArray, metric: Callable[[FloatArray], list[Measured]]) -> dict[str, float]:
    """Give the standard deviation of each metric over samples of the matrix's own shares."""
    rng = np.random.default_rng(1)
    rows = int(confusion.sum())
    draws = rng.multinomial(rows, (confusion / rows).reshape(-1), 2000).reshape(-1, *confusion.shape)
    values: dict[str, list[float]] = {}
    for draw in draws:
        for one in metric(draw.astype(np.float64)):
            values.setdefault(one.metric, []).append(one.value)
    return {name: float(np.std(found)) for name, found in values.items()}


THREE = np.array([[300.0, 20, 30, 0], [40, 200, 10, 2], [15, 25, 100, 0], [3, 0, 1, 0]])


@pytest.mark.parametrize("metric", [lambda c: list(macro(c, 1)), lambda c: list(of_class(c, 1, "", 1))])
def test_standard_errors_are_those_of_repeated_samples(
    metric: Callable[[FloatArray], list[Measured]],
) -> None:
    simulated = of_draws(THREE, metric)
    for one in metric(THREE):
        # 2,000 samples know a standard deviation to 1.6 %
        assert one.standard_error == pytest.approx(simulated[one.metric], rel=0.08)


@pytest.mark.parametrize(
    "name", ["accuracy", "precision", "recall", "f1", "f1_macro", "precision_macro", "recall_macro"]
)
def test_the_slopes_given_to_the_further_variance_are_derivatives(name: str) -> None:
    slopes: dict[str, FloatArray] = {}

    def all_of(confusion: FloatArray, seen: list[FloatArray]) -> dict[str, Measured]:
        def see(slope: FloatArray) -> float:
            seen.append(slope)
            return 0.0

        whole = accuracy(confusion, 1, see)
        found = [*([whole] if whole else []), *of_class(confusion, 1, "", 1, see), *macro(confusion, 1, see)]
        return {one.metric: one for one in found}

    seen: list[FloatArray] = []
    found = all_of(THREE, seen)
    slopes = dict(zip(found, seen, strict=True))
    for cell in np.ndindex(3, 3):
        step = np.zeros_like(THREE)
        step[cell] = 1e-4
        moved = all_of(THREE + step, [])
        difference = (moved[name].value - found[name].value) / 1e-4
        assert difference == pytest.approx(slopes[name][cell], rel=1e-3, abs=1e-7)


def test_the_interval_of_f1_covers_it() -> None:
    # wanted 95 %; 1,000 samples of 60 rows: four standard deviations are 2.8 %
    rng = np.random.default_rng(2)
    shares = np.array([0.55, 0.05, 0.0, 0.04, 0.36, 0.0, 0.0, 0.0, 0.0])
    true = 2 * 0.36 / (2 * 0.36 + 0.09)
    covered = 0
    for draw in rng.multinomial(60, shares, 1000):
        found = {one.metric: one for one in of_class(draw.reshape(3, 3).astype(float), 1, "", 60)}
        covered += found["f1"].low <= true <= found["f1"].high
    assert 0.922 <= covered / 1000 <= 0.978
