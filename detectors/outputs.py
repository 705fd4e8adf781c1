"""What a model says and what turns out to be true, row by row: predictions, scores and labels as numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, Columns
from detectors.dictionary import category_text

FloatVector = NDArray[np.float64]
MAX_CLASSES = 100  # sums grow with the square of the classes
_SAME_AS = {"true": "1", "false": "0", "1": "true", "0": "false"}


class Task(StrEnum):
    """What a model predicts."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True)
class Outputs:
    """Which columns hold a model's predictions, scores and labels, and what they mean.

    ``classes`` are texts as `detectors.dictionary.category_text` gives them: of a
    binary model (negative, positive), of a regression none. ``prediction`` is None
    where only scores are logged: then the predicted class is the positive one
    from a score of ``threshold`` on (binary), or the one with the largest score.
    ``scores`` are none, the one score of the positive class (binary), or one
    column per class in the order of ``classes``.

    Raises
    ------
    ValueError
        If the parts contradict each other.
    """

    task: Task
    classes: tuple[str, ...]
    prediction: str | None
    scores: tuple[str, ...]
    label: str
    threshold: float = 0.5

    def __post_init__(self) -> None:
        self._check_classes()
        wanted = {Task.BINARY: 1, Task.MULTICLASS: len(self.classes), Task.REGRESSION: 0}[self.task]
        if len(self.scores) not in (0, wanted):
            raise ValueError(f"a {self.task} model has 0 or {wanted} score columns, not {len(self.scores)}")
        if self.prediction is None and not self.scores:
            raise ValueError(
                f"label {self.label!r} has nothing to be compared with: name a prediction or a score"
            )
        if not 0.0 <= self.threshold <= 1.0:
            raise ValueError(f"threshold = {self.threshold} is no score: give a number from 0 to 1")

    def _check_classes(self) -> None:
        found = len(self.classes)
        fits = {
            Task.BINARY: found == 2,  # noqa: PLR2004
            Task.MULTICLASS: 2 <= found <= MAX_CLASSES,  # noqa: PLR2004
            Task.REGRESSION: found == 0,
        }
        if not fits[self.task] or len(set(self.classes)) != found:
            wanted = {
                Task.BINARY: "two different classes, (negative, positive)",
                Task.MULTICLASS: f"2 to {MAX_CLASSES} different classes",
                Task.REGRESSION: "no classes",
            }
            shown = ", ".join(map(repr, self.classes[:5])) or "none"
            raise ValueError(f"a {self.task} model has {wanted[self.task]}, not {found} ({shown})")


@dataclass(frozen=True, slots=True, eq=False)
class OutputRows:
    """Predictions and scores of n rows.

    ``prediction``, shape (n,): of a classification the position in the classes,
    the number of classes for another class, NaN where there is none; of a
    regression the value, NaN where there is none or it is not finite.
    ``scores``, shape (n, number of scores): NaN where absent or outside [0, 1].
    """

    prediction: FloatVector
    scores: FloatVector

    def __len__(self) -> int:
        return len(self.prediction)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> OutputRows:
        """The selected rows (mask, positions or slice)."""
        return OutputRows(self.prediction[rows], self.scores[rows])


def output_rows(outputs: Outputs, columns: Columns) -> OutputRows:
    """The rows' predictions and scores; a column that the batch lacks is absent in every row."""
    size = _rows(outputs, columns)
    scores = np.full((size, len(outputs.scores)), np.nan)
    for position, name in enumerate(outputs.scores):
        if name in columns:
            scores[:, position] = _score_values(columns[name])
    if outputs.prediction is None:
        return OutputRows(_derived(outputs, scores), scores)
    column = columns.get(outputs.prediction)
    prediction = np.full(size, np.nan) if column is None else label_values(outputs, column)
    return OutputRows(prediction, scores)


def label_values(outputs: Outputs, column: Column) -> FloatVector:
    """A column of labels (or predictions) as numbers, coded as `OutputRows.prediction` is."""
    if outputs.task is Task.REGRESSION:
        return _numbers(column)
    codes = class_codes(outputs.classes)
    if column.values.dtype == object:
        return _coded_texts(codes, column.values)
    return _coded_numbers(codes, len(outputs.classes), column.values)


def class_codes(classes: Sequence[str]) -> Callable[[str | None], float]:
    """A function from a category's text to its class's position, as a float.

    Where 1 and 0 are classes, true and false stand for them, and the other way round: labels and
    predictions of one model are often written differently.
    """
    known = {text: float(position) for position, text in enumerate(classes)}
    for text, position in tuple(known.items()):
        if text in _SAME_AS:
            known.setdefault(_SAME_AS[text], position)
    other = float(len(classes))
    return lambda text: np.nan if text is None else known.get(text, other)


def _rows(outputs: Outputs, columns: Columns) -> int:
    for name in (outputs.prediction, *outputs.scores):
        if name is not None and name in columns:
            return len(columns[name])
    return len(next(iter(columns.values()))) if columns else 0


def _numbers(column: Column) -> FloatVector:
    if column.values.dtype == object:
        return np.full(len(column), np.nan)
    values: FloatVector = column.values
    return np.where(np.isfinite(values), values, np.nan)


def _score_values(column: Column) -> FloatVector:
    values = _numbers(column)
    return np.where((values >= 0.0) & (values <= 1.0), values, np.nan)  # NaN is in no range


def _derived(outputs: Outputs, scores: FloatVector) -> FloatVector:
    """The predicted classes that the scores mean; NaN where a score is absent."""
    if outputs.task is Task.BINARY:
        score = scores[:, 0]
        return np.where(np.isnan(score), np.nan, score >= outputs.threshold)
    is_known = ~np.isnan(scores).any(axis=1)
    largest = np.full(len(scores), np.nan)
    largest[is_known] = scores[is_known].argmax(axis=1)
    return largest


def _coded_texts(code: Callable[[str | None], float], values: NDArray[np.object_]) -> FloatVector:
    texts = values.tolist()
    codes = {text: code(text) for text in set(texts)}
    return np.array([codes[text] for text in texts], np.float64)


def _coded_numbers(code: Callable[[str | None], float], classes: int, values: FloatVector) -> FloatVector:
    distinct, places = _distinct(values, classes)
    codes = np.array([code(category_text(value)) for value in distinct.tolist()], np.float64)
    return codes[places]


def _distinct(values: FloatVector, classes: int) -> tuple[FloatVector, NDArray[np.intp]]:
    """The distinct values and each row's position among them; small whole numbers need no sorting."""
    highest = max(255, classes)
    if ((values >= 0) & (values <= highest)).all():  # no NaN either
        whole = values.astype(np.intp)
        if (whole == values).all():
            return np.arange(float(whole.max(initial=0) + 1)), whole
    distinct, places = np.unique(values, return_inverse=True)
    return distinct, places
