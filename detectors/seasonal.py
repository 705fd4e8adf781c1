"""The reference by parts of a cycle: what the hours that a window covers look like."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import counts as counting
from detectors.columns import Columns
from detectors.counts import Counts
from detectors.cycles import LEAST_CYCLES
from detectors.dependence import Directions, design_effects, value_directions, within
from detectors.dictionary import Dictionary, Kind, Role
from detectors.grid import CategoricalGrid, Grid
from detectors.mixture import mixed
from detectors.reference_hash import count_facts
from detectors.season import Hours, Season, parted, placed

LEAST_ROWS = 200
"""A part has at least so many rows, or tests of one hour could tell nothing."""
MOST_CELLS = 100_000_000
"""Counts that all parts of all features may have; one takes about a byte."""


@dataclass(frozen=True, slots=True)
class Seasonal:
    """A reference's counts once more, by parts of a cycle.

    ``rows`` are those of each part. ``effects`` are design effects of 1, 2, 4 ... windows that are compared
    with what their hours look like, so that the cycle is no part of them. Counts are kept packed: a
    window needs those of its own hours only.
    """

    season: Season
    rows: tuple[int, ...]
    packed: Mapping[str, tuple[bytes, ...]]
    effects: Mapping[str, tuple[float, ...]]

    def weights(self, rows: Sequence[int]) -> tuple[float, ...]:
        """How much a row of each part counts when so many rows of a window are in each.

        Of no part more than its own rows count, so that tests never think the reference larger than it is
        anywhere. All weights are 0 when the window has no rows.
        """
        wanted = np.array(rows, np.float64) / np.array(self.rows, np.float64)
        result: list[float] = (wanted / max(wanted.max(initial=0.0), sys.float_info.min)).tolist()
        return tuple(result)

    def parts(self, name: str, grid: Grid, numbers: Sequence[int]) -> list[Counts]:
        """The counts of some parts."""
        return [counting.decode(self.packed[name][number], grid) for number in numbers]

    def expected(self, grids: Mapping[str, Grid], rows: Sequence[int]) -> dict[str, Counts]:
        """What features of a window with so many rows in each part look like if nothing has moved.

        Of those that are tested for drift, among the ones whose grids are given.
        """
        weights = {number: weight for number, weight in enumerate(self.weights(rows)) if weight}
        tested = {name: grid for name, grid in grids.items() if name in self.packed}
        if not weights:
            return {name: counting.empty(grid) for name, grid in tested.items()}
        numbers, each = tuple(weights), tuple(weights.values())
        return {name: mixed(self.parts(name, grid, numbers), each) for name, grid in tested.items()}

    def fingerprint(self, grids: Mapping[str, Grid]) -> Iterator[tuple[object, ...]]:
        """What goes into a reference's id, without packed bytes, which may differ between machines."""
        yield (
            self.season.hours,
            self.season.zone,
            self.season.parts,
            self.rows,
            sorted(self.effects.items()),
        )
        for name in self.packed:
            for counts in self.parts(name, grids[name], range(self.season.size)):
                yield (name, *count_facts(counts))


def seasonal_of(
    dictionary: Dictionary,
    grids: Mapping[str, Grid],
    whole: Mapping[str, Counts],
    columns: Columns,
    times_ms: NDArray[np.int64],
    window_ms: int,
    hours: Hours,
    zone: str,
) -> Seasonal:
    """Count a reference's rows by parts of the cycle; hours with too few rows are put together.

    Raises
    ------
    ValueError
        If the rows are of fewer than three cycles, too few for two parts, or the parts would take too much
        room.
    """
    tested = {name: grid for name, grid in grids.items() if _is_tested(dictionary, name) and name in columns}
    season, parts = season_of(times_ms, hours, zone)
    _check_room(season, tested)
    order = np.argsort(parts, kind="stable")
    ends = np.cumsum(np.bincount(parts, minlength=season.size))
    rows_of = np.split(order, ends[:-1])
    packed = {
        name: tuple(counting.encode(counting.count(grid, columns[name].take(rows))) for rows in rows_of)
        for name, grid in tested.items()
    }
    by_time = np.argsort(times_ms, kind="stable")
    effects = {}
    for name, grid in tested.items():
        of = value_directions(whole[name], grid, columns[name].take(by_time))
        effects[name] = effects_within(of, parts[by_time], times_ms[by_time], window_ms, hours)
    there = {name: found for name, found in effects.items() if found}
    return Seasonal(season, tuple(len(rows) for rows in rows_of), packed, there)


def effects_within(
    of: Directions | None,
    parts: NDArray[np.intp],
    times_ms: NDArray[np.int64],
    window_ms: int,
    hours: Hours,
) -> tuple[float, ...]:
    """Design effects of 1, 2, 4 ... windows that are compared with what their hours look like.

    The rows are in the order of time, ``parts`` are those of each.
    """
    if of is None:
        return ()
    return design_effects(within(of, parts), times_ms // window_ms, max(1, hours.cycle_ms // window_ms))


def _is_tested(dictionary: Dictionary, name: str) -> bool:
    feature = dictionary.features[name]
    return feature.role is not Role.LABEL and feature.kind not in (Kind.TEXT, Kind.DATETIME)


def season_of(times_ms: NDArray[np.int64], hours: Hours, zone: str) -> tuple[Season, NDArray[np.intp]]:
    """The parts that rows of these times make, and that of each row; raises as `seasonal_of` does."""
    of_row, cycle = placed(times_ms, hours, zone)
    span_ms = int(times_ms.max() - times_ms.min())
    if span_ms < (LEAST_CYCLES - 1) * hours.cycle_ms:
        raise ValueError(_too_short(hours, span_ms))
    rows = np.bincount(of_row, minlength=hours.number)
    pairs = np.unique(np.stack([of_row, cycle]), axis=1)
    cycles = np.bincount(pairs[0], minlength=hours.number)
    found = parted(rows, cycles, LEAST_ROWS, LEAST_CYCLES)
    season = Season(hours, zone, found)
    if season.size == 1:
        raise ValueError(
            f'season = "{hours}": {len(times_ms):,} rows are too few for parts of {LEAST_ROWS} rows from '
            f"{LEAST_CYCLES} different {_cycles(hours)} each: give more rows, or leave season out"
        )
    return season, np.array(found, np.intp)[of_row]


def _cycles(hours: Hours) -> str:
    return "days" if hours is Hours.OF_DAY else "weeks"


def _too_short(hours: Hours, span_ms: int) -> str:
    days = span_ms / Hours.OF_DAY.cycle_ms
    way = ', or season = "hour_of_day"' if hours is Hours.OF_WEEK and days >= LEAST_CYCLES else ""
    return (
        f'season = "{hours}" needs rows from {LEAST_CYCLES} different {_cycles(hours)}, these are of '
        f"{days:.1f} days: give rows of a longer time{way}, or leave season out"
    )


def _check_room(season: Season, grids: Mapping[str, Grid]) -> None:
    cells = sum(map(_cells, grids.values())) * season.size
    if cells > MOST_CELLS:
        way = 'season = "hour_of_day", ' if season.hours is Hours.OF_WEEK else ""
        raise ValueError(
            f'season = "{season.hours}": {season.size} parts of {len(grids)} features have {cells:,} counts, '
            f"more than {MOST_CELLS:,}: take {way}a smaller grid_size, or fewer features"
        )


def _cells(grid: Grid) -> int:
    return len(grid.categories) + 1 if isinstance(grid, CategoricalGrid) else 2 * len(grid.points) + 1
