from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.labelled import Labelled, decode, encode
from detectors.outputs import OutputRows
from detectors.performance_layout import PerformanceLayout, lay_out
from detectors.performance_sums import LOSS_UNITS, SHARE_UNITS
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

RNG = np.random.default_rng(12)
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
CUTS = st.integers(0, 40)


def dirty(kind: str, rows: int) -> World:
    """Rows of which every seventh has no label, every ninth no prediction, every fifth another class."""
    world = WORLDS[kind].take(slice(0, rows))
    at = np.arange(rows)
    labels = np.where(at % 7 == 0, np.nan, world.labels)
    classes = len(OUTPUTS[kind].classes)
    if classes:
        labels = np.where(at % 5 == 1, classes, labels)
    prediction = np.where(at % 9 == 2, np.nan, world.rows.prediction)
    return World(OutputRows(prediction, world.rows.scores), labels)


@given(KINDS, CUTS, CUTS)
def test_batches_order_and_corrections_do_not_matter_to_the_last_bit(kind: str, one: int, other: int) -> None:
    layout, world = LAYOUTS[kind], dirty(kind, 40)
    first, last = sorted((one, other))
    parts = [world.take(slice(a, b)).labelled(layout, a) for a, b in ((0, first), (first, last), (last, 40))]
    whole = world.labelled(layout)
    assert parts[2].merge(parts[0]).merge(parts[1]) == whole
    assert whole.merge(Labelled.empty(layout)) == whole
    row = 3 + 7 * (first % 4)  # one with a label and a prediction
    wrong = replace(world, labels=np.where(np.arange(40) == row, 0.0, world.labels))
    at = slice(row, row + 1)
    old, new = wrong.take(at).labelled(layout, at.start), world.take(at).labelled(layout, at.start)
    assert wrong.labelled(layout).minus(old).merge(new) == whole
    assert whole.minus(parts[1]) == parts[0].merge(parts[2])


@pytest.mark.parametrize("kind", sorted(WORLDS))
def test_the_stored_form_gives_the_same_sums_back(kind: str) -> None:
    layout = LAYOUTS[kind]
    sums = dirty(kind, 200).labelled(layout).minus(dirty(kind, 200).take(slice(3, 9)).labelled(layout, 3))
    assert decode(encode(sums), layout) == sums
    assert encode(decode(encode(sums), layout)) == encode(sums)


def test_the_sums_are_those_of_a_plain_loop_over_rows() -> None:
    layout, world = LAYOUTS["binary"], dirty("binary", 600)
    found = world.labelled(layout)
    confusion, cells = np.zeros((3, 3), int), np.zeros_like(found.cells)
    group_labels, group_scores = np.zeros_like(found.group_labels), np.zeros(layout.groups)
    losses = np.zeros(4)
    for label, prediction, score in zip(
        world.labels, world.rows.prediction, world.rows.scores[:, 0], strict=True
    ):
        if math.isnan(label) or math.isnan(prediction):
            continue
        confusion[int(label), int(prediction)] += 1
        if label == 2:
            continue
        cells[int(label), layout.cells_of(0, np.array([score]))[0]] += 1
        group = int((layout.group_edges <= score).sum())
        group_labels[group, int(label)] += 1
        group_scores[group] += score
        of_truth = score if label else 1 - score
        losses += (-math.log(of_truth), math.log(of_truth) ** 2, (1 - of_truth) ** 2, (1 - of_truth) ** 4)
    np.testing.assert_array_equal(found.confusion, confusion)
    np.testing.assert_array_equal(found.cells, cells)
    np.testing.assert_array_equal(found.group_labels, group_labels)
    np.testing.assert_allclose(found.group_scores / SHARE_UNITS, group_scores, atol=600 / SHARE_UNITS)
    np.testing.assert_allclose(found.score_losses / LOSS_UNITS, losses, atol=600 / LOSS_UNITS)
    assert found.label_counts.tolist() == confusion.sum(axis=1).tolist()
    assert found.rows == confusion.sum()
    assert found.rows + found.unusable == 600
    assert found.delays.n + found.delays.unknown == found.rows


def test_what_was_expected_is_of_the_usable_rows_alone() -> None:
    found = dirty("binary", 600).labelled(LAYOUTS["binary"])
    assert found.expected.rows == found.rows


def test_infinite_differences_do_not_poison_a_regression() -> None:
    largest = float(np.finfo(np.float64).max)
    world = World(OutputRows(np.array([largest, 1.0]), np.zeros((2, 0))), np.array([-largest, 1.0]))
    found = world.labelled(LAYOUTS["regression"])
    assert found.rows == 2
    assert found.moments[0] == 1, "one row is clipped"


def test_sums_of_another_reference_are_refused() -> None:
    with pytest.raises(ValueError, match="of another reference"):
        decode(encode(Labelled.empty(LAYOUTS["binary"])), LAYOUTS["three"])
