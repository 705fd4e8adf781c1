"""The reference replayed in windows: how many rows to expect in one, and how alike they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.budget import design_effect
from detectors.columns import Columns
from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.dictionary import Kind
from detectors.grid import CategoricalGrid
from detectors.profile import Layout, Profile, summarise

WINDOWS_TO_REPLAY = 5  # fewer say nothing about how windows differ
MAX_REPLAYED = 200  # evenly spread over the reference; more would cost time and change little
ROWS_TO_REPLAY = 20  # of a window that is compared with the whole
PRESENT_OR_NOT = CategoricalGrid(("absent", "present"))


@dataclass(frozen=True, slots=True)
class RowsPerWindow:
    """The rows in the reference's whole windows: without the first and the last, which may be cut."""

    window_ms: int
    windows: int
    minimum: int
    maximum: int
    mean: float


@dataclass(frozen=True, slots=True)
class Windows:
    """What replaying the reference showed; `none` when its rows have no times."""

    rows: RowsPerWindow | None
    design_effect: Mapping[str, float] = field(default_factory=dict)
    absence_effect: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def none(cls) -> Self:
        return cls(None)

    @classmethod
    def replay(
        cls,
        layout: Layout,
        columns: Columns,
        whole: Profile,
        times_ms: NDArray[np.int64],
        window_ms: int,
    ) -> Self:
        """Cut the rows into windows aligned to the epoch and compare each with the whole.

        The effects are rounded to three digits, so that the last bits of a sum
        do not make two references of one.
        """
        slots = _slots(times_ms, window_ms)
        parts = [summarise(layout, _take(columns, slot)) for slot in _spread(slots)]
        names = layout.grids if len(parts) >= WINDOWS_TO_REPLAY else ()
        values = {name: _value_effect(layout, whole, parts, name) for name in names}
        absences = {name: _absence_effect(whole, parts, name) for name in names}
        return cls(_rows_per_window(times_ms, window_ms), values, absences)

    def fingerprint(self) -> tuple[object, ...]:
        """What goes into a reference's id."""
        rows = self.rows
        usual = None if rows is None else (rows.window_ms, rows.windows, rows.minimum, rows.maximum)
        return (usual, sorted(self.design_effect.items()), sorted(self.absence_effect.items()))


def _slots(times_ms: NDArray[np.int64], window_ms: int) -> list[NDArray[np.intp]]:
    """The row positions of each window that has enough rows, in the order of time."""
    index = times_ms // window_ms
    order = np.argsort(index, kind="stable")
    cuts = np.flatnonzero(np.diff(index[order])) + 1
    return [slot for slot in np.split(order, cuts) if len(slot) >= ROWS_TO_REPLAY]


def _spread(slots: Sequence[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
    if len(slots) <= MAX_REPLAYED:
        return list(slots)
    return [slots[step * len(slots) // MAX_REPLAYED] for step in range(MAX_REPLAYED)]


def _take(columns: Columns, rows: NDArray[np.intp]) -> Columns:
    return {name: column.take(rows) for name, column in columns.items()}


def _value_effect(layout: Layout, whole: Profile, parts: Sequence[Profile], name: str) -> float:
    if layout.dictionary.features[name].kind in (Kind.TEXT, Kind.DATETIME):
        return 1.0
    windows = [part.counts[name] for part in parts]
    return round(design_effect(whole.counts[name], windows, layout.grids[name]), 3)


def _absence_effect(whole: Profile, parts: Sequence[Profile], name: str) -> float:
    windows = [_present_or_not(part.counts[name]) for part in parts]
    return round(design_effect(_present_or_not(whole.counts[name]), windows, PRESENT_OR_NOT), 3)


def _present_or_not(counts: Counts) -> CategoricalCounts:
    missing = absent(counts)
    return CategoricalCounts(np.array([missing, counts.rows - missing], np.int64))


def absent(counts: Counts) -> int:
    """The cells without a value. NaN is among them: it is how data frames, and their JSON, write null."""
    nan = counts.nan if isinstance(counts, NumericCounts) else 0
    return counts.missing + counts.null + nan


def _rows_per_window(times_ms: NDArray[np.int64], window_ms: int) -> RowsPerWindow | None:
    found, rows = np.unique(times_ms // window_ms, return_counts=True)
    whole = rows[1:-1]
    if not len(whole):
        return None
    windows = int(found[-1] - found[0]) - 1
    least = int(whole.min()) if len(whole) == windows else 0  # a window without rows is a window
    return RowsPerWindow(window_ms, windows, least, int(whole.max()), float(whole.sum() / windows))
