"""Which of a model's columns are its outputs, as far as the data dictionary and the reference show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.columns import Column, Columns
from detectors.dictionary import Dictionary, Kind, Role, category_text
from detectors.outputs import MAX_CLASSES, Outputs, Task, class_codes

FEW_VALUES = 20  # distinct whole numbers that may be classes
POSITIVES = ("1", "true", "yes", "y", "positive", "pos", "t")


def infer_outputs(
    dictionary: Dictionary,
    columns: Columns,
    *,
    task: Task | None = None,
    positive: str | None = None,
    threshold: float = 0.5,
) -> Outputs | None:
    """The outputs of a model, from the roles of its columns and the reference's values.

    None when no column is a label, or there is no prediction and no score to compare it with.
    Without a ``task``, labels that are texts, truth values or at most twenty whole numbers which the
    predictions share are classes; others make a regression. Without ``positive`` that class is the
    positive one which is written 1, true, yes or the like, else the one with the larger mean score, else the
    last in order.

    Raises
    ------
    ValueError
        If several columns are labels or predictions, if the scores cannot be told apart,
        or if the task or the positive class does not fit the data.
    """
    label = _only(dictionary, columns, Role.LABEL)
    prediction = _only(dictionary, columns, Role.PREDICTION)
    scores = _of_role(dictionary, columns, Role.SCORE)
    if label is None or (prediction is None and not scores):
        return None
    found = task or _task(columns[label], columns[prediction] if prediction else None, scores)
    if found is Task.REGRESSION:
        if prediction is None:
            return None
        _check_numeric(dictionary, label, prediction)
        return Outputs(found, (), prediction, (), label)
    classes = _classes(columns[label], columns[prediction] if prediction else None)
    _check_classes(classes, label)
    if found is Task.BINARY or (task is None and len(classes) == 2):  # noqa: PLR2004
        return _binary(columns, classes, prediction, scores, label, positive, threshold)
    return Outputs(found, classes, prediction, _score_per_class(scores, classes), label, threshold)


def _of_role(dictionary: Dictionary, columns: Columns, role: Role) -> tuple[str, ...]:
    used = dictionary.used()
    return tuple(name for name, feature in used.items() if feature.role is role and name in columns)


def _only(dictionary: Dictionary, columns: Columns, role: Role) -> str | None:
    names = _of_role(dictionary, columns, role)
    if len(names) > 1:
        shown = ", ".join(map(repr, names))
        raise ValueError(
            f'{len(names)} columns have role = "{role}" ({shown}): keep one, a model has one {role} here'
        )
    return names[0] if names else None


def _check_classes(classes: tuple[str, ...], label: str) -> None:
    if not 2 <= len(classes) <= MAX_CLASSES:  # noqa: PLR2004
        raise ValueError(
            f"label {label!r} and its prediction have {len(classes)} different values: a classification has "
            f'2 to {MAX_CLASSES} classes; for numbers set task = "regression"'
        )


def _check_numeric(dictionary: Dictionary, label: str, prediction: str) -> None:
    for name in (label, prediction):
        kind = dictionary.features[name].kind
        if kind is not Kind.NUMERIC:
            raise ValueError(
                f'{name!r} is {kind}: a regression needs numbers; set task = "multiclass" or its kind'
            )


def _task(label: Column, prediction: Column | None, scores: Sequence[str]) -> Task:
    """Classes if the label's values look like some, else a regression. Two or more is decided later."""
    if label.values.dtype == object or (prediction is not None and prediction.values.dtype == object):
        return Task.MULTICLASS
    known = _distinct_numbers(label)
    predicted = known if prediction is None else _distinct_numbers(prediction)
    few = len(known) <= FEW_VALUES and bool((known == np.trunc(known)).all())
    if few and scores:
        return Task.MULTICLASS
    return Task.MULTICLASS if few and np.isin(predicted, known).all() else Task.REGRESSION


def _distinct_numbers(column: Column) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    values = column.present()
    return np.unique(values[np.isfinite(values)])


def _classes(label: Column, prediction: Column | None) -> tuple[str, ...]:
    """The texts of all values as the label writes them: numbers by size, then others in their order."""
    known = _texts(label)
    code = class_codes(known)
    others = [] if prediction is None else [text for text in _texts(prediction) if code(text) == len(known)]
    return tuple(sorted({*known, *others}, key=_order))


def _texts(column: Column) -> list[str]:
    return [text for value in set(column.present().tolist()) if (text := category_text(value)) is not None]


def _order(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


def _binary(
    columns: Columns,
    classes: tuple[str, ...],
    prediction: str | None,
    scores: Sequence[str],
    label: str,
    positive: str | None,
    threshold: float,
) -> Outputs:
    if len(classes) != 2:  # noqa: PLR2004
        shown = ", ".join(map(repr, classes[:5]))
        raise ValueError(f'{label!r} has {len(classes)} values ({shown} ...): set task = "multiclass"')
    chosen = (
        _positive(columns, classes, scores, label) if positive is None else _stated(classes, positive, label)
    )
    negative = classes[0] if chosen == classes[1] else classes[1]
    score = _score_of(scores, chosen, negative)
    return Outputs(Task.BINARY, (negative, chosen), prediction, score, label, threshold)


def _stated(classes: tuple[str, ...], positive: str, label: str) -> str:
    place = class_codes(classes)(positive)
    if place >= len(classes):
        shown = " or ".join(map(repr, classes))
        raise ValueError(f"positive = {positive!r} is no value of {label!r}: give {shown}")
    return classes[int(place)]


def _positive(columns: Columns, classes: tuple[str, ...], scores: Sequence[str], label: str) -> str:
    usual = [text for text in classes if text.strip().lower() in POSITIVES]
    if len(usual) == 1:
        return usual[0]
    if len(scores) == 1:
        values = columns[scores[0]].values
        truth = columns[label].values
        is_scored = np.isfinite(values) if values.dtype == np.float64 else np.zeros(len(values), bool)
        codes = np.array([class_codes(classes)(category_text(value)) for value in truth[is_scored].tolist()])
        known = values[is_scored]
        if (codes == 0).any() and (codes == 1).any():
            return classes[int(known[codes == 1].mean() >= known[codes == 0].mean())]
    return classes[1]


def _score_of(scores: Sequence[str], positive: str, negative: str) -> tuple[str, ...]:
    """The one score of the positive class: of two, the one whose name ends with the class."""
    if len(scores) <= 1:
        return tuple(scores)
    found = [name for name in scores if _is_of(name, positive) and not _is_of(name, negative)]
    if len(found) != 1:
        shown = ", ".join(map(repr, scores))
        raise ValueError(
            f"{shown} are scores, and which one is of the class {positive!r} is not clear: "
            f'let its name end with "_{positive}", or keep one'
        )
    return (found[0],)


def _score_per_class(scores: Sequence[str], classes: tuple[str, ...]) -> tuple[str, ...]:
    """The scores in the order of the classes, by the ends of their names; none where there is only one."""
    if len(scores) < 2:  # noqa: PLR2004  # that of the predicted class says nothing of the others
        return ()
    ordered = []
    for text in classes:
        longer = [other for other in classes if len(other) > len(text)]
        found = [
            name for name in scores if _is_of(name, text) and not any(_is_of(name, other) for other in longer)
        ]
        if len(found) != 1:
            raise ValueError(
                f"{len(found)} scores are of the class {text!r}: each class needs one whose name "
                f'is the class or ends with "_{text}" or ".{text}"'
            )
        ordered.append(found[0])
    return tuple(ordered)


def _is_of(name: str, text: str) -> bool:
    return name == text or name.endswith(tuple(f"{mark}{text}" for mark in "_.-:/ ["))
