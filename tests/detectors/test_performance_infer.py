from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from detectors.dictionary import Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.outputs import Outputs, Task
from detectors.performance_infer import infer_outputs

ROLES = {
    "y": Role.LABEL,
    "p": Role.PREDICTION,
    "s": Role.SCORE,
    "s_a": Role.SCORE,
    "s_b": Role.SCORE,
    "s_c": Role.SCORE,
    "s_no": Role.SCORE,
    "s_yes": Role.SCORE,
    "s_ham": Role.SCORE,
    "s_spam": Role.SCORE,
    "s_not_spam": Role.SCORE,
}


def outputs_of(given: dict[str, list[Any]], **options: Any) -> Outputs | None:
    frame = pd.DataFrame(given)
    dictionary = infer(frame, ROLES)
    return infer_outputs(dictionary, columns_from_frame(frame, dictionary), **options)


def test_zeros_and_ones_are_binary() -> None:
    found = outputs_of(
        {"y": [0.0, 1.0, 1.0], "p": [1, 1, 0], "s": [0.2, 0.9, 0.4], "x": [1, 2, 3]}, threshold=0.3
    )
    assert found == Outputs(Task.BINARY, ("0", "1"), "p", ("s",), "y", 0.3)


def test_truth_values_and_numbers_are_the_same_classes() -> None:
    found = outputs_of({"y": [True, False, True], "p": [1, 0, 1]})
    assert found == Outputs(Task.BINARY, ("false", "true"), "p", (), "y")


def test_the_positive_class_is_stated_usual_or_the_one_that_scores_higher() -> None:
    yes_no: dict[str, list[Any]] = {"y": ["yes", "no", "no"], "s": [0.1, 0.2, 0.3]}
    found = outputs_of(yes_no)
    assert found is not None
    assert (found.classes, found.prediction) == (("no", "yes"), None)
    scored: dict[str, list[Any]] = {"y": ["bad", "good", "bad"], "s": [0.9, 0.1, 0.8]}
    assert [one.classes for one in (outputs_of(scored), outputs_of(scored, positive="good")) if one] == [
        ("good", "bad"),
        ("bad", "good"),
    ]
    unscored = outputs_of({"y": ["bad", "good"], "p": ["good", "bad"]})
    assert unscored is not None
    assert unscored.classes == ("bad", "good")
    stated = outputs_of({"y": [0, 1], "p": [0, 1]}, positive="0")
    assert stated is not None
    assert stated.classes == ("1", "0")


def test_texts_are_several_classes_with_a_score_each() -> None:
    found = outputs_of(
        {"y": ["a", "b", "c"], "p": ["c", "b", "a"], "s_c": [0.1] * 3, "s_a": [0.2] * 3, "s_b": [0.7] * 3}
    )
    assert found == Outputs(Task.MULTICLASS, ("a", "b", "c"), "p", ("s_a", "s_b", "s_c"), "y")


def test_a_score_belongs_to_the_longest_class_its_name_ends_with() -> None:
    scores = {"s_spam": [0.1] * 3, "s_not_spam": [0.2] * 3, "s_ham": [0.7] * 3}
    found = outputs_of({"y": ["spam", "not_spam", "ham"], "p": ["spam", "not_spam", "ham"], **scores})
    assert found is not None
    assert dict(zip(found.classes, found.scores, strict=True)) == {
        "ham": "s_ham", "not_spam": "s_not_spam", "spam": "s_spam"
    }  # fmt: skip


def test_one_score_of_several_classes_is_not_used() -> None:
    found = outputs_of({"y": ["a", "b", "c"], "p": ["c", "b", "a"], "s": [0.5, 0.6, 0.7]})
    assert found == Outputs(Task.MULTICLASS, ("a", "b", "c"), "p", (), "y")


def test_of_two_scores_that_of_the_positive_class_is_taken() -> None:
    found = outputs_of({"y": ["yes", "no"], "s_no": [0.1, 0.2], "s_yes": [0.9, 0.8]})
    assert found is not None
    assert found.scores == ("s_yes",)
    with pytest.raises(ValueError, match="which one is of the class 'yes' is not clear"):
        outputs_of({"y": ["yes", "no"], "s_a": [0.1, 0.2], "s_b": [0.9, 0.8]})


def test_numbers_are_sorted_by_size() -> None:
    found = outputs_of({"y": [10, 9, 2], "p": [10, 2, 2]})
    assert found == Outputs(Task.MULTICLASS, ("2", "9", "10"), "p", (), "y")


def test_a_class_that_only_the_predictions_have_is_a_class() -> None:
    found = outputs_of({"y": ["a", "b", "a"], "p": ["a", "c", "b"]})
    assert found is not None
    assert found.classes == ("a", "b", "c")


def test_other_numbers_are_a_regression() -> None:
    wanted = Outputs(Task.REGRESSION, (), "p", (), "y")
    assert outputs_of({"y": [1.5, 2.0, 2.5], "p": [1.4, 2.2, 2.5]}) == wanted
    assert outputs_of({"y": [1, 2, 3], "p": [1.4, 2.2, 2.5]}) == wanted, (
        "counts that a model predicts in fractions"
    )
    assert outputs_of({"y": [1, 2, 3], "p": [1, 2, 3]}, task=Task.REGRESSION) == wanted
    many = np.arange(50).tolist()
    assert outputs_of({"y": many, "p": many}) == wanted


def test_nothing_to_compare_is_nothing() -> None:
    assert outputs_of({"x": [1, 2], "p": [1, 2]}) is None
    assert outputs_of({"y": [1, 2], "x": [1, 2]}) is None
    assert outputs_of({"y": [0.5, 1.7], "s": [0.1, 0.2]}) is None


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        (
            {"y": ["a", "b"], "p": ["a", "b"]},
            {"positive": "c"},
            "positive = 'c' is no value of 'y': give 'a' or 'b'",
        ),
        ({"y": ["a", "b", "c"], "p": ["a", "b", "c"]}, {"task": Task.BINARY}, 'set task = "multiclass"'),
        ({"y": ["a", "b"], "p": ["a", "b"]}, {"task": Task.REGRESSION}, "a regression needs numbers"),
        ({"y": ["a", "a"], "p": ["a", "a"]}, {}, "1 different values"),
        ({"y": ["a", "b", "c"], "s_a": [0.1] * 3, "s_b": [0.2] * 3}, {}, "0 scores are of the class 'c'"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, list[Any]], options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        outputs_of(given, **options)


def test_two_labels_are_one_too_many() -> None:
    frame = pd.DataFrame({"y": [0, 1], "z": [1, 0], "p": [1, 1]})
    dictionary = infer(frame, {"y": Role.LABEL, "z": Role.LABEL, "p": Role.PREDICTION})
    with pytest.raises(ValueError, match="2 columns have role"):
        infer_outputs(dictionary, columns_from_frame(frame, dictionary))
