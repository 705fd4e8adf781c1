"""What is understood of a training file's labels, predictions and scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from detectors.reference import Reference
from monitor.config import Fields, LabelsFields, Model, Performance
from monitor.config.performance import METRICS
from monitor.demo.car_loan import REFERENCE
from monitor.errors import DataError
from monitor.references import built, understood
from tests.monitor.worlds import NOW

ROWS = 400


def reference(folder: Path, frame: pd.DataFrame, **settings: object) -> Reference:
    file = folder / "training.parquet"
    frame.to_parquet(file)
    model = Model(**({"topics": ("p",)} | settings))  # type: ignore[arg-type]
    return built("m", model, file, NOW)


def binary(rows: int = ROWS) -> pd.DataFrame:
    """Four rows in five are right; the score is higher for the later class."""
    rng = np.random.default_rng(3)
    label = rng.random(rows) < 0.4
    prediction = np.where(np.arange(rows) % 5 == 0, ~label, label)
    score = np.clip(0.3 + 0.4 * prediction + rng.normal(0.0, 0.1, rows), 0.0, 1.0)
    words = np.array(["no", "sure"])
    return pd.DataFrame(
        {
            "age": rng.normal(40.0, 10.0, rows),
            "prediction": words[prediction.astype(int)],
            "score": score,
            "label": words[label.astype(int)],
        }
    )


def test_a_binary_model_is_understood_and_its_figures_are_those_of_the_rows(tmp_path: Path) -> None:
    told = understood(reference(tmp_path, binary()))
    assert told.startswith(
        "binary: prediction and score against label, positive class sure; accuracy 80.0 %, "
    )
    assert told.endswith("; estimates without labels: yes")


def test_the_line_about_the_car_loans_is_the_published_one() -> None:
    fields = Fields(prediction="y_pred", score="y_pred_proba", label="repaid")
    told = understood(built("loans", Model(topics=("p",), fields=fields), REFERENCE, NOW))
    assert told == (
        "binary: y_pred and y_pred_proba against repaid, positive class 1; accuracy 94.4 %, roc_auc .971; "
        "estimates without labels: yes"
    )


def test_the_settings_decide_what_is_inferred_otherwise(tmp_path: Path) -> None:
    frame = binary().drop(columns="prediction")
    settings = Performance(positive="no", threshold=0.25)
    known = reference(tmp_path, frame, performance=settings).performance
    assert known is not None
    assert (known.outputs.classes, known.outputs.threshold) == (("sure", "no"), 0.25)
    assert "positive class no from a score of 0.25 on" in understood(
        reference(tmp_path, frame, performance=settings)
    )
    numbers = binary().assign(label=np.arange(ROWS) % 3, prediction=np.arange(ROWS) % 3)
    chosen = reference(tmp_path, numbers.drop(columns="score"), performance=Performance(task="regression"))
    assert understood(chosen).startswith("regression: prediction against label; mae 0, rmse 0; ")


def test_settings_that_do_not_fit_the_rows_are_told_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"training.parquet: positive = 'maybe' is no value of 'label'"):
        reference(tmp_path, binary(), performance=Performance(positive="maybe"))


def several() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    names = np.array(["a", "b", "c"])
    label = names[rng.integers(0, 3, ROWS)]
    scores = rng.dirichlet([1.0, 1.0, 1.0], ROWS)
    frame = pd.DataFrame({"age": rng.normal(size=ROWS), "prediction": label, "label": label})
    return frame.assign(x=scores[:, 0], y=scores[:, 1], z=scores[:, 2])


def test_scores_belong_to_the_classes_that_the_configuration_names_whatever_their_paths(
    tmp_path: Path,
) -> None:
    """The paths are those of other classes on purpose."""
    frame = several().rename(columns={"x": "p.b", "y": "p.c", "z": "p.a"})
    fields = Fields(scores={"a": "p.b", "b": "p.c", "c": "p.a"})
    made = reference(tmp_path, frame, fields=fields)
    assert made.performance is not None
    assert made.performance.outputs.scores == ("p.b:a", "p.c:b", "p.a:c")
    assert "multiclass: prediction and 3 scores against label, 3 classes; accuracy 100.0 %" in understood(
        made
    )


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (binary().drop(columns="label"), "no label column: performance cannot be known"),
        (
            binary().drop(columns=["prediction", "score"]),
            "label is the label, but nothing predicts it: performance cannot be known",
        ),
    ],
    ids=["no label", "no prediction"],
)
def test_what_is_lacking_is_told(tmp_path: Path, frame: pd.DataFrame, told: str) -> None:
    assert understood(reference(tmp_path, frame)) == told


def test_without_scores_nothing_is_estimated(tmp_path: Path) -> None:
    assert understood(reference(tmp_path, binary().drop(columns="score"))).endswith(
        "estimates without labels: no"
    )


def test_the_label_is_found_where_labels_own_messages_have_it(tmp_path: Path) -> None:
    frame = binary().rename(columns={"label": "outcome"})
    settings = {"fields": Fields(label=""), "labels_fields": LabelsFields(label="outcome")}
    assert "against outcome" in understood(reference(tmp_path, frame, **settings))


@pytest.mark.parametrize("task", list(METRICS))
def test_every_metric_that_the_configuration_offers_is_measured(tmp_path: Path, task: str) -> None:
    scores = Fields(scores={"a": "x", "b": "y", "c": "z"})
    rng = np.random.default_rng(5)
    numbers = pd.DataFrame({"age": rng.normal(size=ROWS), "label": rng.normal(size=ROWS)})
    made = {
        "binary": lambda: reference(tmp_path, binary()),
        "multiclass": lambda: reference(tmp_path, several(), fields=scores),
        "regression": lambda: reference(tmp_path, numbers.assign(prediction=numbers["label"] + 0.1)),
    }[task]()
    assert made.performance is not None
    assert made.performance.outputs.task == task
    assert set(METRICS[task]) <= made.performance.metrics.keys()
