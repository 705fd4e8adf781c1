from __future__ import annotations

import numpy as np
import pytest

from detectors.columns import Column
from detectors.outputs import Outputs, Task, label_values, output_rows
from tests.detectors.performance_worlds import (
    BINARY,
    CLASS_ONLY,
    REGRESSION,
    SCORE_ONLY,
    THREE,
    columns,
    texts,
)

NAN = np.nan


def same(found: object, wanted: object) -> None:
    np.testing.assert_array_equal(found, wanted)


def test_classes_are_their_positions_and_other_values_come_last() -> None:
    same(label_values(BINARY, Column(np.array([0.0, 1.0, 2.0, NAN, np.inf, -1.0]))), [0, 1, 2, NAN, NAN, 2])
    same(label_values(THREE, texts("c", "a", None, "d", "b")), [2, 0, NAN, 3, 1])
    same(label_values(THREE, texts()), [])
    same(label_values(BINARY, Column(np.array([]))), [])


def test_fractions_and_large_numbers_are_classes_too() -> None:
    outputs = Outputs(Task.MULTICLASS, ("0.5", "1000000", "-2"), "p", (), "label")
    same(label_values(outputs, Column(np.array([1e6, 0.5, -2.0, 7.0, NAN]))), [1, 0, 2, 3, NAN])


def test_true_and_one_are_the_same_class() -> None:
    same(label_values(BINARY, texts("true", "false", "maybe")), [1, 0, 2])
    yes_no = Outputs(Task.BINARY, ("false", "true"), "p", (), "label")
    same(label_values(yes_no, Column(np.array([1.0, 0.0, 5.0]))), [1, 0, 2])


def test_a_regression_keeps_finite_values() -> None:
    same(label_values(REGRESSION, Column(np.array([1.5, NAN, np.inf, -np.inf]))), [1.5, NAN, NAN, NAN])
    same(label_values(REGRESSION, texts("1.5")), [NAN])


def test_scores_outside_zero_and_one_are_absent() -> None:
    given = columns(predicted=[1, 1, 0, 1, 0], score=[0.0, 1.0, -0.1, 1.5, NAN])
    rows = output_rows(BINARY, given)
    same(rows.prediction, [1, 1, 0, 1, 0])
    same(rows.scores[:, 0], [0.0, 1.0, NAN, NAN, NAN])


def test_a_prediction_that_is_not_logged_follows_from_the_score() -> None:
    same(output_rows(SCORE_ONLY, columns(score=[0.5, 0.49, NAN])).prediction, [1, 0, NAN])
    outputs = Outputs(Task.MULTICLASS, ("a", "b"), None, ("sa", "sb"), "label")
    same(output_rows(outputs, columns(sa=[0.2, 0.6, NAN], sb=[0.8, 0.4, 0.1])).prediction, [1, 0, NAN])


def test_a_column_that_a_batch_lacks_is_absent_in_every_row() -> None:
    rows = output_rows(BINARY, columns(score=[0.5, 0.1]))
    same(rows.prediction, [NAN, NAN])
    same(output_rows(BINARY, columns(other=[1, 2, 3])).scores, np.full((3, 1), NAN))
    assert len(output_rows(CLASS_ONLY, {})) == 0


@pytest.mark.parametrize(
    ("task", "classes", "prediction", "scores", "words"),
    [
        (Task.BINARY, ("0",), "p", (), "two different classes"),
        (Task.BINARY, ("0", "0"), "p", (), "two different classes"),
        (Task.MULTICLASS, ("a",), "p", (), "2 to 100"),
        (Task.REGRESSION, ("a",), "p", (), "no classes"),
        (Task.BINARY, ("0", "1"), "p", ("a", "b"), "0 or 1 score columns"),
        (Task.MULTICLASS, ("a", "b", "c"), "p", ("a", "b"), "0 or 3 score columns"),
        (Task.BINARY, ("0", "1"), None, (), "nothing to be compared with"),
    ],
)
def test_contradictions_are_refused(
    task: Task, classes: tuple[str, ...], prediction: str | None, scores: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Outputs(task, classes, prediction, scores, "label")


def test_a_threshold_is_a_score() -> None:
    with pytest.raises(ValueError, match=r"threshold = 1\.5"):
        Outputs(Task.BINARY, ("0", "1"), None, ("s",), "label", 1.5)
