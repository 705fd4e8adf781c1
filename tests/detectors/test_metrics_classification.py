from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.metrics import Measured
from detectors.metrics_classification import realised_classification
from detectors.outputs import OutputRows
from detectors.performance_layout import PerformanceLayout, lay_out
from tests.detectors.performance_worlds import BINARY, CLASS_ONLY, THREE, World, binary_world, three_world


def measured(layout: PerformanceLayout, world: World) -> dict[str, Measured]:
    return {one.metric: one for one in realised_classification(layout, world.labelled(layout))}


def test_binary_metrics_of_scores_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(1)
    reference, window = binary_world(rng, 20_000), binary_world(rng, 3000, shift=0.3)
    found = measured(lay_out(BINARY, reference.rows, reference.labels), window)
    scores, labels = window.rows.scores[:, 0], window.labels
    of_truth = np.where(labels == 1, scores, 1 - scores)
    assert found["log_loss"].value == pytest.approx(-np.log(of_truth).mean(), abs=1e-6)
    assert found["log_loss"].standard_error == pytest.approx(stats.sem(-np.log(of_truth)), rel=1e-4)
    assert found["brier"].value == pytest.approx(((labels - scores) ** 2).mean(), abs=1e-6)
    assert found["brier"].standard_error == pytest.approx(stats.sem((labels - scores) ** 2), rel=1e-4)
    u = stats.mannwhitneyu(scores[labels == 1], scores[labels == 0]).statistic
    exact = u / ((labels == 1).sum() * (labels == 0).sum())
    assert abs(found["roc_auc"].value - exact) <= found["roc_auc"].bound < 0.001
    assert list(found) == [
        "accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier", "calibration_error"
    ]  # fmt: skip
    for one in found.values():
        assert one.low <= one.value <= one.high
        assert one.rows == 3000


def test_metrics_of_several_classes_are_those_of_their_definitions() -> None:
    rng = np.random.default_rng(2)
    reference, window = three_world(rng, 10_000), three_world(rng, 2000)
    found = measured(lay_out(THREE, reference.rows, reference.labels), window)
    scores, labels = window.rows.scores, window.labels.astype(int)
    of_truth = np.maximum(scores[np.arange(2000), labels], 2.0**-52)
    assert found["log_loss"].value == pytest.approx(-np.log(of_truth).mean(), abs=1e-6)
    assert found["brier"].value == pytest.approx(
        ((np.eye(3)[labels] - scores) ** 2).sum(axis=1).mean(), abs=1e-6
    )
    areas = []
    for at in range(3):
        own, rest = scores[labels == at, at], scores[labels != at, at]
        areas.append(stats.mannwhitneyu(own, rest).statistic / (len(own) * len(rest)))
    assert abs(found["roc_auc_macro"].value - np.mean(areas)) <= found["roc_auc_macro"].bound < 0.003
    assert found["accuracy"].value == np.mean(window.rows.prediction == labels)
    assert {
        "precision[a]",
        "recall[b]",
        "f1[c]",
        "precision_macro",
        "recall_macro",
        "f1_macro",
    } <= found.keys()


def test_a_score_of_zero_for_the_truth_costs_thirty_six() -> None:
    reference = binary_world(np.random.default_rng(3), 500)
    layout = lay_out(BINARY, reference.rows, reference.labels)
    window = World(OutputRows(np.array([0.0, 1.0]), np.array([[0.0], [1.0]])), np.array([1.0, 0.0]))
    assert measured(layout, window)["log_loss"].value == pytest.approx(36.0437, abs=1e-4)


def test_degenerate_windows_are_fewer_metrics_and_no_crash() -> None:
    reference = binary_world(np.random.default_rng(4), 500)
    layout = lay_out(BINARY, reference.rows, reference.labels)
    assert measured(layout, reference.take(slice(0, 0))) == {}
    negatives = World(OutputRows(np.zeros(5), np.full((5, 1), 0.2)), np.zeros(5))
    assert sorted(measured(layout, negatives)) == ["accuracy", "brier", "calibration_error", "log_loss"]
    one = World(OutputRows(np.ones(1), np.full((1, 1), 0.9)), np.ones(1))
    assert sorted(measured(layout, one)) == ["accuracy", "calibration_error", "f1", "precision", "recall"]
    unscored = World(OutputRows(np.array([1.0, 0.0]), np.full((2, 1), np.nan)), np.array([1.0, 1.0]))
    assert sorted(measured(layout, unscored)) == ["accuracy", "f1", "precision", "recall"]
    others = World(OutputRows(np.full(3, 2.0), np.full((3, 1), 0.5)), np.full(3, 2.0))
    assert [(name, one.value) for name, one in measured(layout, others).items()] == [("accuracy", 0.0)]


def test_without_scores_there_are_only_metrics_of_classes() -> None:
    world = binary_world(np.random.default_rng(5), 500)
    plain = World(OutputRows(world.rows.prediction, np.zeros((500, 0))), world.labels)
    found = measured(lay_out(CLASS_ONLY, plain.rows, plain.labels), plain)
    assert sorted(found) == ["accuracy", "f1", "precision", "recall"]
