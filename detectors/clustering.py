"""The reference replayed in windows: how many rows to expect in one, and how alike they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.absence import is_present
from detectors.columns import Column, Columns
from detectors.counts import Counts, NumericCounts
from detectors.dependence import absence_directions, design_effects, value_directions
from detectors.dictionary import Kind
from detectors.profile import Layout, Profile


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
    """What replaying the reference showed; `none` when its rows have no times.

    ``design_effect`` and ``absence_effect`` are, by feature, of single windows; ``longer`` is the first for
    1, 2, 4 ... windows put together, of the features for which it is not 1 throughout.
    """

    rows: RowsPerWindow | None
    design_effect: Mapping[str, float] = field(default_factory=dict)
    absence_effect: Mapping[str, float] = field(default_factory=dict)
    longer: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

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
        """Cut the rows into windows aligned to the epoch; rows of one time stay in the order they came in."""
        order = np.argsort(times_ms, kind="stable")
        index = times_ms[order] // window_ms
        values, absences = {}, {}
        for name in layout.grids:
            column = columns[name].take(order) if name in columns else None
            if column is not None:
                values[name] = _value_effects(layout, whole, name, column, index)
                absences[name] = design_effects(absence_directions(_is_absent(column)), index)
        return cls(
            _rows_per_window(times_ms, window_ms),
            {name: effects[0] for name, effects in values.items() if effects},
            {name: effects[0] for name, effects in absences.items() if effects},
            {name: effects for name, effects in values.items() if any(one > 1.0 for one in effects)},
        )

    def fingerprint(self) -> tuple[object, ...]:
        """What goes into a reference's id."""
        rows = self.rows
        usual = None if rows is None else (rows.window_ms, rows.windows, rows.minimum, rows.maximum)
        effects = (self.design_effect, self.absence_effect, *([self.longer] if self.longer else ()))
        return (usual, *(sorted(each.items()) for each in effects))


def _value_effects(
    layout: Layout, whole: Profile, name: str, column: Column, windows: NDArray[np.int64]
) -> tuple[float, ...]:
    if layout.dictionary.features[name].kind in (Kind.TEXT, Kind.DATETIME):
        return ()
    return design_effects(value_directions(whole.counts[name], layout.grids[name], column), windows)


def _is_absent(column: Column) -> NDArray[np.bool_]:
    """Which cells have no value; NaN is among them (see `absent`)."""
    missing = ~is_present(column)
    if column.values.dtype.kind == "f":
        missing = missing | np.isnan(column.values)
    return missing


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
