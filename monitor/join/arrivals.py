"""What comes to the join, and what leaves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Columns
from detectors.experiment_sums import Codes
from detectors.outputs import OutputRows
from monitor.source.base import TopicPartition


@dataclass(frozen=True, slots=True)
class Predictions:
    """A model's predictions of one chunk; every row has an id.

    ``is_late`` says of each row whether its window had ended for its own partition before it came.
    ``columns`` are the rows' features, for models that have a challenger; ``variants`` are the places of
    their variants, for those that have an experiment.
    """

    model: str
    partition: TopicPartition
    hashes: NDArray[np.uint64]
    times_ms: NDArray[np.int64]
    is_late: NDArray[np.bool_]
    rows: OutputRows
    columns: Columns | None = None
    variants: Codes | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """A model's labels of one chunk, in offset order.

    ``times_ms`` is `entry.UNKNOWN_MS` where a label has no time; ``seen_ms`` is where it was met: its own
    time, else how far event time had come in its partition, else the time of the clock. ``metric`` is what an
    experiment compares; NaN for none.
    """

    model: str
    partition: TopicPartition
    hashes: NDArray[np.uint64]
    times_ms: NDArray[np.int64]
    seen_ms: NDArray[np.int64]
    is_late: NDArray[np.bool_]
    values: NDArray[np.float64]
    metric: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Predictions with a label. ``sign`` is -1 for what a correction takes back.

    ``labels`` are those in force; ``first_labels`` those that came first. ``delays_ms`` is negative when
    unknown. ``is_fed`` marks the rows that sequential detectors step through: each id once, never a late
    one, in the window of ``known_ms``, the time at which both parts were there. ``variants`` and ``metric``
    are 0 and NaN in models without an experiment.
    """

    sign: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    times_ms: NDArray[np.int64]
    known_ms: NDArray[np.int64]
    delays_ms: NDArray[np.int64]
    partitions: NDArray[np.int64]
    outputs: OutputRows
    labels: NDArray[np.float64]
    first_labels: NDArray[np.float64]
    is_fed: NDArray[np.bool_]
    variants: Codes
    metric: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.hashes)

    def take(self, chosen: NDArray[np.bool_]) -> Rows:
        """Give the chosen rows."""
        outputs = OutputRows(self.outputs.prediction[chosen], self.outputs.scores[chosen])
        return Rows(
            self.sign[chosen],
            self.hashes[chosen],
            self.times_ms[chosen],
            self.known_ms[chosen],
            self.delays_ms[chosen],
            self.partitions[chosen],
            outputs,
            self.labels[chosen],
            self.first_labels[chosen],
            self.is_fed[chosen],
            self.variants[chosen],
            self.metric[chosen],
        )


def all_rows(parts: Sequence[Rows]) -> Rows:
    """Put parts together, in order."""
    if len(parts) == 1:
        return parts[0]
    outputs = OutputRows(
        np.concatenate([part.outputs.prediction for part in parts]),
        np.concatenate([part.outputs.scores for part in parts]),
    )
    return Rows(
        np.concatenate([part.sign for part in parts]),
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.times_ms for part in parts]),
        np.concatenate([part.known_ms for part in parts]),
        np.concatenate([part.delays_ms for part in parts]),
        np.concatenate([part.partitions for part in parts]),
        outputs,
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.first_labels for part in parts]),
        np.concatenate([part.is_fed for part in parts]),
        np.concatenate([part.variants for part in parts]),
        np.concatenate([part.metric for part in parts]),
    )


@dataclass(slots=True)
class Tally:
    """What happened to labels, counted for one window and partition."""

    duplicates: int = 0
    corrected: int = 0
    too_late: int = 0
    unmatched: int = 0  # goes down again when the prediction comes


TallyKey = tuple[int, int]
"""The number of a partition, and the start of a window in milliseconds."""


@dataclass(frozen=True, slots=True)
class Learnable:
    """A sampled row with its features, its label and production's prediction, as `OutputRows` codes them."""

    time_ms: int
    features: bytes
    label: float
    prediction: float


@dataclass(slots=True)
class Met:
    """What one model's join has given since the last commit."""

    rows: list[Rows] = field(default_factory=list)
    learnable: list[Learnable] = field(default_factory=list)
    tallies: dict[TallyKey, Tally] = field(default_factory=dict)

    def tally(self, partition: int, start_ms: int) -> Tally:
        """Give the tally of this window and partition, a new one if need be."""
        return self.tallies.setdefault((partition, start_ms), Tally())
