"""Models whose truth is known, for the tests of performance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.columns import Column, Columns
from detectors.labelled import Labelled, summarise_labelled
from detectors.outputs import OutputRows, Outputs, Task
from detectors.performance_layout import OnLayout

FloatArray = NDArray[np.float64]

BINARY = Outputs(Task.BINARY, ("0", "1"), "predicted", ("score",), "label")
SCORE_ONLY = Outputs(Task.BINARY, ("0", "1"), None, ("score",), "label")
CLASS_ONLY = Outputs(Task.BINARY, ("0", "1"), "predicted", (), "label")
THREE = Outputs(Task.MULTICLASS, ("a", "b", "c"), "predicted", ("score_a", "score_b", "score_c"), "label")
REGRESSION = Outputs(Task.REGRESSION, (), "predicted", (), "label")


@dataclass(frozen=True, slots=True)
class World:
    """Rows as the detectors take them."""

    rows: OutputRows
    labels: FloatArray

    def take(self, rows: NDArray[np.intp] | slice) -> World:
        return World(self.rows.take(rows), self.labels[rows])

    def labelled(self, reference: OnLayout, first: int = 0) -> Labelled:
        """The sums of the rows, with delays made of their places from ``first`` on."""
        places = np.arange(first, first + len(self.labels), dtype=np.int64)
        return summarise_labelled(reference, self.rows, self.labels, places % 977 - 1)


def columns(**values: FloatArray | list[float]) -> Columns:
    return {name: Column(np.asarray(value, np.float64)) for name, value in values.items()}


def texts(*values: str | None) -> Column:
    array = np.empty(len(values), object)
    array[:] = values
    return Column(array)


def binary_world(rng: np.random.Generator, rows: int, shift: float = 0.0, digits: int | None = None) -> World:
    """Scores that are wrong as probabilities: a score s means s squared. ``shift`` moves the scores."""
    scores = 1.0 / (1.0 + np.exp(-2.0 * (rng.normal(size=rows) + shift)))
    if digits is not None:
        scores = np.round(scores, digits)
    labels = (rng.random(rows) < scores**2).astype(np.float64)
    return World(OutputRows((scores >= 0.5).astype(np.float64), scores[:, None]), labels)


def three_world(rng: np.random.Generator, rows: int, shift: float = 0.0) -> World:
    """Three classes, the labels drawn from the scores themselves."""
    raw = rng.gamma((0.6 + shift, 0.6, 0.4), size=(rows, 3)) + 1e-9
    scores = raw / raw.sum(axis=1, keepdims=True)
    labels = (rng.random(rows)[:, None] > scores.cumsum(axis=1)[:, :2]).sum(axis=1)
    return World(OutputRows(scores.argmax(axis=1).astype(np.float64), scores), labels.astype(np.float64))


def regression_frame(rng: np.random.Generator, rows: int, shift: float = 0.0) -> pd.DataFrame:
    """Errors whose spread depends on a number and on a category."""
    size = rng.normal(shift, 1.0, rows)
    region = rng.choice(["north", "south"], rows, p=[0.8, 0.2])
    label = 10.0 * size + rng.normal(0, 3, rows)
    spread = 1.0 + 0.5 * np.abs(size) + (region == "south")
    return pd.DataFrame(
        {
            "size": size,
            "region": region,
            "predicted": label + spread * rng.normal(0.1, 1.0, rows),
            "label": label,
        }
    )


def regression_world(frame: pd.DataFrame) -> World:
    predicted = frame["predicted"].to_numpy(np.float64)
    return World(OutputRows(predicted, np.zeros((len(frame), 0))), frame["label"].to_numpy(np.float64))
