from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.outputs import OutputRows
from detectors.performance_layout import PerformanceLayout, lay_out
from detectors.performance_sums import LOSS_UNITS, SHARE_UNITS
from detectors.scored import Scored, decode, encode, summarise_scored
from tests.detectors.performance_worlds import (
    BINARY,
    CLASS_ONLY,
    REGRESSION,
    THREE,
    World,
    binary_world,
    regression_frame,
    regression_world,
    three_world,
)

RNG = np.random.default_rng(11)
WORLDS: dict[str, World] = {
    "binary": binary_world(RNG, 3000),
    "three": three_world(RNG, 3000),
    "regression": regression_world(regression_frame(RNG, 400)),
    "no scores": World(OutputRows(RNG.integers(0, 3, 300).astype(float), np.zeros((300, 0))), np.ones(300)),
}
OUTPUTS = {"binary": BINARY, "three": THREE, "regression": REGRESSION, "no scores": CLASS_ONLY}
LAYOUTS: dict[str, PerformanceLayout] = {
    name: lay_out(OUTPUTS[name], world.rows, world.labels) for name, world in WORLDS.items()
}
KINDS = st.sampled_from(sorted(WORLDS))


@given(KINDS, st.lists(st.integers(0, 299), max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_batches_and_order_do_not_matter_to_the_last_bit(
    kind: str, rows: list[int], cut: int, other: int
) -> None:
    layout, given_rows = LAYOUTS[kind], WORLDS[kind].rows
    places = np.array(rows, np.intp)
    first, last = sorted((min(cut, len(rows)), min(other, len(rows))))
    parts = [
        summarise_scored(layout, given_rows.take(places[a:b]))
        for a, b in ((0, first), (first, last), (last, 99))
    ]
    whole = summarise_scored(layout, given_rows.take(places))
    assert parts[2].merge(parts[0].merge(parts[1])) == whole
    assert whole.minus(parts[1]) == parts[0].merge(parts[2])
    assert whole.merge(Scored.empty(layout)) == whole
    assert encode(decode(encode(whole), layout)) == encode(whole)


def test_the_sums_are_those_of_a_plain_loop_over_rows() -> None:
    layout, rows = LAYOUTS["binary"], WORLDS["binary"].rows.take(slice(0, 500))
    found = summarise_scored(layout, rows)
    posterior = layout.calibration.posterior(rows.scores)
    n = np.zeros_like(found.n)
    sums = np.zeros(found.posterior.shape)
    losses = np.zeros(4)
    for at in range(500):
        score, share = float(rows.scores[at, 0]), float(posterior[at, 1])
        group = int((layout.group_edges <= score).sum())
        n[int(rows.prediction[at]), group] += 1
        sums[int(rows.prediction[at]), group] += posterior[at]
        of_one, of_zero = -math.log(score), -math.log(1 - score)
        losses += (
            share * of_one + (1 - share) * of_zero,
            share * of_one**2 + (1 - share) * of_zero**2,
            share * (1 - score) ** 2 + (1 - share) * score**2,
            share * (1 - score) ** 4 + (1 - share) * score**4,
        )
    np.testing.assert_array_equal(found.n, n)
    np.testing.assert_allclose(found.posterior / SHARE_UNITS, sums, atol=500 / SHARE_UNITS)
    np.testing.assert_allclose(found.losses / LOSS_UNITS, losses, atol=500 / LOSS_UNITS)
    assert found.cell_rows.sum() == 500
    assert found.cell_posterior.sum() == found.posterior[:, :, 1].sum()


def test_several_classes_have_a_curve_each() -> None:
    layout, rows = LAYOUTS["three"], WORLDS["three"].rows
    found = summarise_scored(layout, rows)
    posterior = layout.calibration.posterior(rows.scores)
    for at, (start, end) in enumerate(zip(layout.starts[:-1], layout.starts[1:], strict=True)):
        assert found.cell_rows[start:end].sum() == len(rows)
        assert found.cell_posterior[start:end].sum() / SHARE_UNITS == pytest.approx(posterior[:, at].sum())
        assert found.posterior[:, :, at].sum() / SHARE_UNITS == pytest.approx(posterior[:, at].sum())
    log_loss = -(posterior * np.log(np.maximum(rows.scores, 2.0**-52))).sum()
    truth = np.eye(3)
    brier = sum(posterior[:, at] @ ((rows.scores - truth[at]) ** 2).sum(axis=1) for at in range(3))
    assert found.losses[0] / LOSS_UNITS == pytest.approx(log_loss, rel=1e-6)
    assert found.losses[2] / LOSS_UNITS == pytest.approx(brier, rel=1e-6)


def test_groups_for_the_label_shift_add_up_to_the_rows_and_their_posteriors() -> None:
    for kind in ("binary", "three"):
        layout, rows = LAYOUTS[kind], WORLDS[kind].rows
        n, posterior = summarise_scored(layout, rows).posterior_groups()
        assert n.sum() == len(rows)
        assert (n > 0).all()
        assert posterior.shape == (len(n), len(layout.outputs.classes))
        np.testing.assert_allclose(posterior.sum(axis=1), 1.0, atol=1e-8)
        np.testing.assert_allclose(
            n @ posterior, layout.calibration.posterior(rows.scores).sum(axis=0), rtol=1e-6
        )


def test_rows_without_a_prediction_or_a_score_are_unusable() -> None:
    rows = OutputRows(
        np.array([0.0, 1.0, 2.0, np.nan, 1.0]), np.array([[0.1], [np.nan], [0.9], [0.5], [0.7]])
    )
    found = summarise_scored(LAYOUTS["binary"], rows)
    assert (found.rows, found.unusable) == (5, 2)
    assert found.predicted_counts().tolist() == [1, 2, 1]
    assert found.n.sum(axis=1).tolist() == [1, 1, 1]


def test_without_scores_only_predictions_are_counted() -> None:
    rows = OutputRows(np.array([0.0, 1.0, 2.0, np.nan]), np.zeros((4, 0)))
    found = summarise_scored(LAYOUTS["no scores"], rows)
    assert (found.rows, found.unusable, found.predicted.tolist()) == (4, 1, [1, 1, 1])
    assert len(found.posterior_groups()[0]) == 0


def test_a_regression_counts_rows() -> None:
    found = summarise_scored(LAYOUTS["regression"], OutputRows(np.array([1.0, np.nan]), np.zeros((2, 0))))
    assert (found.rows, found.unusable) == (2, 1)
    assert len(found.posterior_groups()[0]) == 0


def test_sums_of_another_reference_are_refused() -> None:
    data = encode(Scored.empty(LAYOUTS["binary"]))
    with pytest.raises(ValueError, match="of another reference"):
        decode(data, LAYOUTS["three"])
