"""What a few rows show that columns cannot: features that nobody knows, rows of another width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from detectors.counts import CategoricalCounts

MAX_NAME = 200  # characters of an extra column's name that are kept


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen in the sampled rows that the columns cannot show.

    ``extra_columns`` counts, by name, the sampled rows that had a feature the
    dictionary does not know; of more names than are kept, those with the
    smallest stable hash stay (see `CategoricalCounts`) and ``extra_other`` counts
    the others. ``other_width`` counts the sampled rows whose features came as a
    list of another length than the dictionary's.
    """

    rows: int = 0
    extra_columns: Mapping[str, int] = field(default_factory=dict)
    extra_other: int = 0
    other_width: int = 0

    @classmethod
    def of(cls, rows: int, extra_columns: Mapping[str, int], other_width: int = 0) -> Self:
        """A sample with its names shortened and capped."""
        names: dict[str, int] = {}
        for name, count in extra_columns.items():
            shown = name[:MAX_NAME].encode("utf-8", "backslashreplace").decode()  # half a surrogate pair
            names[shown] = names.get(shown, 0) + count
        return cls(rows, names, 0, other_width).merge(cls())

    def merge(self, other: Self) -> Self:
        """Both samples together; neither part changes."""
        extra = self._extra().merge(other._extra())
        return type(self)(
            self.rows + other.rows, extra.unseen, extra.other, self.other_width + other.other_width
        )

    def _extra(self) -> CategoricalCounts:
        return CategoricalCounts(np.zeros(0, np.int64), self.extra_columns, self.extra_other)
