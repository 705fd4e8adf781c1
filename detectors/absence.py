"""The values of a column apart from the cells that have none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, Presence


def split_present(column: Column) -> tuple[NDArray[Any], tuple[int, int, int]]:
    """The present values in row order, and how many cells are missing, null and of a bad type.

    The same as `Column.present` and `Column.count`, in one pass: comparing an
    array with an `IntEnum` costs numpy more than counting a small batch does.
    """
    presence = column.presence
    if presence is None:
        return column.values, (0, 0, 0)
    is_absent = presence != 0
    tally = np.bincount(presence[is_absent], minlength=len(Presence)).tolist()
    return column.values[~is_absent], (tally[1], tally[2], tally[3])


def is_present(column: Column) -> NDArray[np.bool_]:
    """Which cells have a value of the right type, NaN and infinities among them."""
    return np.ones(len(column), np.bool_) if column.presence is None else column.presence == 0
