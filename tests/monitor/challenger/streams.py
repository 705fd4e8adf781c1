"""Rows like those of SEA (Street and Kim, 2001): does the sum of two of three features pass a limit?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.outputs import Outputs, Task
from detectors.warm_up import warm_up_rows
from monitor.challenger.rows import LabelledRow, SeenRow, packed_features
from monitor.challenger.terms import Terms, river_version

HOUR_MS = 3_600_000
LIMIT = 7.0  # of the concept that production's model knows
NAMES = ("a", "b", "c")
OUTPUTS = Outputs(Task.BINARY, ("over", "under"), "prediction", (), "label")
DICTIONARY = Dictionary(
    {name: Feature(name, Kind.NUMERIC, "float") for name in NAMES}
    | {"label": Feature("label", Kind.CATEGORICAL, "str", Role.LABEL)}
)
TERMS = Terms(
    model="loans",
    base="adwin_bagging",
    rule="grid",
    seed=3,
    classes=OUTPUTS.classes,
    features=tuple((name, "numeric") for name in NAMES),
    river=river_version(),
)


@dataclass(frozen=True)
class Stream:
    """So many rows of a concept; production's model goes on predicting by `LIMIT`."""

    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    packed: list[bytes]

    def labelled(self, hour: int = 0) -> list[LabelledRow]:
        """Give the rows with labels, all in one window."""
        predicted = under(self.values, LIMIT)
        return [
            LabelledRow(hour * HOUR_MS + at, packed, int(label), int(prediction))
            for at, (packed, label, prediction) in enumerate(
                zip(self.packed, self.labels, predicted, strict=True)
            )
        ]

    def seen(self, hour: int = 0) -> list[SeenRow]:
        """Give the same rows without labels."""
        return [SeenRow(hour * HOUR_MS + at, packed) for at, packed in enumerate(self.packed)]

    def warm_up(self) -> bytes:
        """Give the rows as a reference stores them."""
        labels = np.array(OUTPUTS.classes, object)[self.labels]
        return warm_up_rows(columns(self.values) | {"label": Column(labels)}, DICTIONARY, OUTPUTS)


def under(values: NDArray[np.float64], limit: float) -> NDArray[np.int64]:
    return (values[:, 0] + values[:, 1] <= limit).astype(np.int64)


def columns(values: NDArray[np.float64]) -> dict[str, Column]:
    return {name: Column(values[:, at]) for at, name in enumerate(NAMES)}


def stream(size: int, limit: float = LIMIT, seed: int = 1, *, is_moved: bool = False) -> Stream:
    """Make rows, 5 % of the labels wrong; moved ones lie where the members are unsure, close to the limit."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 10, (size, 3))
    if is_moved:
        values[:, 1] = np.clip(limit - values[:, 0] + rng.normal(0, 0.6, size), 0, 10)
    labels = under(values, limit) ^ (rng.random(size) < 0.05)
    return Stream(values, labels, packed_features(DICTIONARY, columns(values), np.arange(size)))
