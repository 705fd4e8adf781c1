"""Rows that are labels: told from predictions, and found wanting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, Columns, Presence

Rows = NDArray[np.bool_]


def label_only(columns: Columns, labels: Column | None) -> Rows | None:
    """Tell which rows have a label and no key of a prediction; None unless both may be there."""
    if labels is None or not columns:
        return None
    alone = np.ones(len(labels), np.bool_)
    if labels.presence is not None:
        alone = labels.presence == Presence.PRESENT
    for column in columns.values():
        if column.presence is None:
            return np.zeros(len(labels), np.bool_)
        alone &= column.presence == Presence.MISSING
    return alone


def nameless(ids: NDArray[np.object_] | None, among: Rows) -> Rows:
    """Tell which of these rows have no id, or an empty one, to be joined by."""
    if ids is None:
        return among
    return among & np.fromiter((not each for each in ids.tolist()), np.bool_, len(ids))
