"""What is remembered of a prediction until its label comes, and of a label until its prediction comes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

HAS_PREDICTION = 1
HAS_LABEL = 2
PREDICTION_LATE = 4  # its window had ended for its own partition
LABEL_LATE = 8
HAS_FEATURES = 16  # kept beside the entry, for the challenger
UNKNOWN_MS = -(2**62)
"""Stands for the time of a label whose message had none."""

_FIXED: list[tuple[str, str]] = [
    ("time_ms", "<i8"),  # of the prediction; until it comes, when the label was met
    ("label_time_ms", "<i8"),  # of the first label
    ("prediction", "<f8"),
    ("label", "<f8"),  # the latest
    ("first_label", "<f8"),
    ("partition", "<u2"),  # where the prediction came from
    ("label_partition", "<u2"),
    ("flags", "<u1"),
    ("duplicates", "<u1"),  # labels that came again, not counted in a window yet
    ("corrected", "<u1"),  # labels that came anew with another value, not counted in a window yet
    ("spare", "<u1"),
]

Entries = NDArray[np.void]
"""A structured array of `entry_type`: one element an id."""


_OF_EXPERIMENT: list[tuple[str, str]] = [
    ("variant", "<u1"),  # of the prediction: its place from 1 on, 0 for none
    ("metric", "<f8"),  # the latest that came with a label
]


def entry_type(n_scores: int, *, has_variants: bool = False) -> np.dtype[np.void]:
    """Give the fixed-width layout of an entry with so many scores."""
    more = _OF_EXPERIMENT if has_variants else []
    fields: list[Any] = [*_FIXED, *more, ("scores", "<f8", (n_scores,))]
    return np.dtype(fields)


def blank(n: int, dtype: np.dtype[np.void]) -> Entries:
    """Make entries in which nothing is known."""
    entries = np.zeros(n, dtype)
    for name in ("prediction", "label", "first_label", "scores", "metric"):
        if name in (dtype.names or ()):
            entries[name] = np.nan
    entries["label_time_ms"] = UNKNOWN_MS
    return entries
