"""What stands in a line of the tables: a library, which of its answers count, and what its scores are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", np.int8, np.float64)


class Looks(StrEnum):
    """Which answers count: about each feature, about all together, or both."""

    FEATURES = "features"
    ALL = "all"
    BOTH = "both"


class Scale(StrEnum):
    """How scores of different features compare."""

    NONE = "none"  # no scores, or none that can be asked for another rate
    COMMON = "common"  # one threshold for all: p-values, standard deviations
    OWN = "own"  # distances: each feature has its own


@dataclass(frozen=True, slots=True)
class Line:
    """``runner`` is what was run, ``name`` how it is called in tables, ``level`` what it calls drift."""

    name: str
    runner: str
    looks: Looks
    scale: Scale
    level: str

    def chosen(self, answers: NDArray[T]) -> NDArray[T]:
        """Give the columns that count, of answers with one column a feature and the last for all together."""
        match self.looks:
            case Looks.FEATURES:
                return answers[:, :-1]
            case Looks.ALL:
                return answers[:, -1:]
            case Looks.BOTH:
                return answers

    def places(self, moved: Sequence[str], features: Sequence[str]) -> list[int]:
        """Give the chosen columns whose alarm counts as having found what moved."""
        match self.looks:
            case Looks.FEATURES:
                return [features.index(name) for name in moved]
            case Looks.ALL:
                return [0]
            case Looks.BOTH:
                return [*(features.index(name) for name in moved), len(features)]


OURS = Line("driftd", "driftd sensitive", Looks.BOTH, Scale.NONE, "1 in 1,000 windows, effect 0.005")
LINES = (
    Line("driftd, defaults", "driftd default", Looks.BOTH, Scale.NONE, "1 in 90 days, effect 0.01"),
    OURS,
    Line("Evidently, columns", "Evidently", Looks.FEATURES, Scale.OWN, "distance 0.1"),
    Line("Evidently, data set", "Evidently", Looks.ALL, Scale.NONE, "half of the columns"),
    Line("NannyML, columns", "NannyML", Looks.FEATURES, Scale.COMMON, "3 sd of the reference's chunks"),
    Line("NannyML, PCA", "NannyML", Looks.ALL, Scale.COMMON, "3 sd of the reference's chunks"),
    Line("alibi-detect", "alibi-detect", Looks.FEATURES, Scale.COMMON, "p < 0.05 / 25"),
    Line("Frouros", "Frouros", Looks.FEATURES, Scale.COMMON, "p < 0.05"),
    Line("whylogs", "whylogs", Looks.FEATURES, Scale.COMMON, "p < 0.05"),
)
