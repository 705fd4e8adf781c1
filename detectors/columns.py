"""Rows as columns: what decoders make and detectors read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Presence(IntEnum):
    """Why a cell has, or has not, a usable value.

    Missing, null and mistyped are different defects of the log; NaN and the
    infinities are values of a numeric column and have no code here.
    """

    PRESENT = 0
    MISSING = 1  # the key was absent
    NULL = 2  # the key was there, its value was null (or a declared missing value)
    BAD_TYPE = 3  # a value of another type than the dictionary says


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one feature, one per row.

    ``values`` is float64 for a numeric feature (NaN wherever the cell is not
    present) and an object array of ``str`` for every other kind (``None``
    wherever the cell is not present). ``presence`` holds one `Presence` code
    per row, or is None when every cell is present.
    """

    values: NDArray[Any]
    presence: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Column:
        """The column of the selected rows (mask, positions or slice)."""
        presence = None if self.presence is None else self.presence[rows]
        return Column(self.values[rows], presence)

    def count(self, code: Presence) -> int:
        """How many cells have this presence code."""
        if self.presence is None:
            return len(self.values) if code is Presence.PRESENT else 0
        return int(np.count_nonzero(self.presence == code))

    def present(self) -> NDArray[Any]:
        """The values of the present cells, in row order."""
        if self.presence is None:
            return self.values
        values: NDArray[Any] = self.values[self.presence == Presence.PRESENT]
        return values


Columns = Mapping[str, Column]


def concatenate(parts: Sequence[Column]) -> Column:
    """One column of the rows of all parts, in order."""
    values = np.concatenate([part.values for part in parts])
    if all(part.presence is None for part in parts):
        return Column(values)
    codes = [np.zeros(len(part), np.uint8) if part.presence is None else part.presence for part in parts]
    return Column(values, np.concatenate(codes))
