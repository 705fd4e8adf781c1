"""A reference made of judged windows: what the data have become is what is expected from now on.

No raw rows are needed, because counts on a grid add up. Numeric features keep their grid, and with it all
that is laid out on it. Categories that the old reference did not know have names of their own now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

import numpy as np

from detectors.clustering import RowsPerWindow
from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.counts_categorical import MAX_TEXT
from detectors.dependence import Floats, window_effects
from detectors.dictionary import MEANING, Dictionary, Feature, rules_of
from detectors.grid import MAX_CATEGORIES, CategoricalGrid, Grid, NumericGrid
from detectors.profile import PRESENCE_ONLY, Profile
from detectors.reference import Reference, identified
from detectors.scores import Scores, scores_of
from detectors.segments import Segments, pairs_of, segment_name


@dataclass(frozen=True, slots=True)
class Regrid:
    """Takes profiles from one reference's grids to those of the reference that its windows become."""

    old: Mapping[str, Grid]
    new: Mapping[str, Grid]

    @classmethod
    def of(cls, reference: Reference, whole: Profile, max_categories: int = MAX_CATEGORIES) -> Self:
        """Find the grids for these windows of the reference, all together."""
        keeps_order = reference.performance is not None and reference.performance.loss_model is not None
        new = {
            name: _grid(grid, whole.counts[name], max_categories, keeps_order=keeps_order)
            for name, grid in reference.grids.items()
        }
        return cls(reference.grids, new)

    def profile(self, of: Profile) -> Profile:
        """Give the same rows on the new grids."""
        segments = {
            name: replace(segment, counts=self._counts(segment.counts))
            for name, segment in of.segments.items()
        }
        return replace(of, counts=self._counts(of.counts), segments=segments, season_rows=None, arms=None)

    def _counts(self, counts: Mapping[str, Counts]) -> dict[str, Counts]:
        return {name: _moved(each, self.old[name], self.new[name]) for name, each in counts.items()}


def _grid(grid: Grid, counts: Counts, max_categories: int, *, keeps_order: bool) -> Grid:
    if isinstance(grid, NumericGrid) and isinstance(counts, NumericCounts):
        return NumericGrid(grid.points, unresolved(counts))
    if grid == PRESENCE_ONLY or not isinstance(grid, CategoricalGrid):
        return grid
    return _with_new_categories(grid, counts, max_categories, keeps_order=keeps_order)


def unresolved(counts: Counts) -> float:
    """The largest share of a feature's values that are counted together: so much may move unseen."""
    if isinstance(counts, NumericCounts):
        return int(counts.between.max(initial=0)) / counts.n if counts.n else 0.0
    return 0.0


def _with_new_categories(
    grid: CategoricalGrid, counts: Counts, max_categories: int, *, keeps_order: bool
) -> CategoricalGrid:
    """The known categories and the new ones, by falling count unless a loss model counts on their order.

    A name that may have been cut stands for none. Where not all new categories have names, the grid is open.
    """
    if not isinstance(counts, CategoricalCounts):
        raise TypeError("a categorical feature was counted as a numeric one")
    rows = dict(zip(grid.categories, counts.known.tolist(), strict=True))
    named = {name: count for name, count in counts.unseen.items() if count and len(name) < MAX_TEXT}
    first = [] if not keeps_order else list(grid.categories)
    known = rows | named
    rest = sorted(known.keys() - set(first), key=lambda name: (-known[name], name))
    categories = tuple([*first, *rest][: max(max_categories, len(first))])
    is_open = grid.is_open or counts.other > 0 or len(named) < len(counts.unseen)
    return CategoricalGrid(categories, is_open or len(categories) < len(known))


def _moved(counts: Counts, old: Grid, new: Grid) -> Counts:
    if old == new or isinstance(counts, NumericCounts):
        return counts
    if not isinstance(old, CategoricalGrid) or not isinstance(new, CategoricalGrid):
        raise TypeError("a feature is numeric on one grid and categorical on the other")
    rows = dict(zip(old.categories, counts.known.tolist(), strict=True)) | dict(counts.unseen)
    known = np.array([rows.pop(name, 0) for name in new.categories], np.int64)
    kept, other = ({}, counts.other + sum(rows.values())) if new.is_open else (rows, counts.other)
    return replace(counts, known=known, unseen={name: n for name, n in kept.items() if n}, other=other)


@dataclass(slots=True)
class Between:
    """How the windows of a stretch differ from each other; they are added in order.

    Of dependence inside of windows counts say nothing.
    """

    window_ms: int
    tables: Mapping[str, Floats]
    scores: Mapping[str, Scores]
    rows: dict[int, int] = field(default_factory=dict)
    sums: dict[int, dict[str, tuple[Floats, int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, whole: Profile, window_ms: int) -> Self:
        """Begin with the sum of all windows, on the grids that they are on."""
        found = {name: scores for name, counts in whole.counts.items() if (scores := scores_of(counts))}
        return cls(window_ms, {name: scores.directions() for name, scores in found.items()}, found)

    def add(self, start_ms: int, rows: int, window: Profile | None) -> None:
        """Take in a window; without a profile only its rows are known."""
        number = start_ms // self.window_ms
        self.rows[number] = rows
        if window is not None:
            self.sums[number] = {
                name: (scores.sums(window.counts[name], self.tables[name]), window.counts[name].n)
                for name, scores in self.scores.items()
            }

    def rows_per_window(self) -> RowsPerWindow | None:
        """Give the rows to expect; a window that is not there had none."""
        if not self.rows:
            return None
        windows = max(self.rows) - min(self.rows) + 1
        counted = list(self.rows.values())
        least = min(counted) if len(counted) == windows else 0
        return RowsPerWindow(self.window_ms, windows, least, max(counted), sum(counted) / windows)

    def effects(self, name: str) -> tuple[float, ...]:
        """Give a feature's design effects over 1, 2, 4 ... windows; nothing when windows are too few."""
        if name not in self.tables or not self.sums:
            return ()
        first, size = min(self.sums), max(self.sums) - min(self.sums) + 1
        sums, rows = np.zeros((size, self.tables[name].shape[1])), np.zeros(size, np.int64)
        for number, of_window in self.sums.items():
            sums[number - first], rows[number - first] = of_window[name]
        return window_effects(sums, rows)


def promoted(
    reference: Reference,
    regrid: Regrid,
    whole: Profile,
    between: Between,
    dictionary: Dictionary,
    *,
    version: str,
    source: str,
    built_at: datetime,
) -> Reference:
    """Make a reference of a stretch of windows, whose sum on the new grids is ``whole``.

    How well the model did, and all that estimates it, stays what it was: a worse model is not accepted with
    the data. So do the design effects of absence, and those of values where windows do not show larger ones.
    Segments are those that all of the windows were counted by. A season is left out: windows do not have
    the counts of its hours.
    """
    longer = {name: _larger(_known_effects(reference, name), between.effects(name)) for name in regrid.new}
    made = replace(
        reference,
        version=version,
        rows=whole.rows,
        source=source,
        built_at=built_at,
        dictionary=dictionary,
        grids=regrid.new,
        profile=whole,
        rows_per_window=between.rows_per_window(),
        design_effect={name: effects[0] for name, effects in longer.items() if effects},
        longer_effects={
            name: effects for name, effects in longer.items() if any(one > 1.0 for one in effects)
        },
        segments=_counted(reference.segments, whole),
        pairing=None if whole.pairs is None else reference.pairing,
        seasonal=None,
    )
    return identified(made)


def _known_effects(reference: Reference, name: str) -> tuple[float, ...]:
    known = reference.longer_effects.get(name)
    return known or ((reference.design_effect[name],) if name in reference.design_effect else ())


def _larger(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    """Take the larger of two at each length; the last of each holds for all longer ones."""
    if not one or not other:
        return one or other
    lengths = range(max(len(one), len(other)))
    return tuple(max(each[min(i, len(each) - 1)] for each in (one, other)) for i in lengths)


def _counted(segments: Segments, whole: Profile) -> Segments:
    """Leave the segments that were looked for in all rows."""
    values: dict[str, tuple[str, ...]] = {}
    for feature, value in pairs_of(segments):
        if segment_name(feature, value) in whole.segments:
            values[feature] = (*values.get(feature, ()), value)
    return values


def redescribed(reference: Reference, dictionary: Dictionary) -> Reference:
    """The same data under another dictionary; the id stays where only what is for people differs.

    Raises
    ------
    ValueError
        If counts would mean something else: the message names each feature and key, one a line.
    """
    if problems := list(other_meaning(reference.dictionary, dictionary)):
        raise ValueError("\n".join(f"feature {name!r}: {text}" for name, _, text in problems))
    described = replace(reference, dictionary=dictionary)
    return described if _rules(dictionary) == _rules(reference.dictionary) else identified(described)


def _rules(dictionary: Dictionary) -> list[Feature]:
    return [rules_of(feature) for feature in dictionary.features.values()]


def other_meaning(old: Dictionary, new: Dictionary) -> Iterator[tuple[str, str, str]]:
    """What differs so that counts would mean something else: feature, key and what to do."""
    again = "build the reference again with driftd reference build --dictionary"
    for name, feature in old.used().items():
        if name not in new.features:
            yield name, "", f"is gone, but its values were counted: {again}"
            continue
        for key in MEANING:
            before, after = getattr(feature, key), getattr(new.features[name], key)
            if before != after:
                yield name, key, f"{key} was {_shown(before)}, and values were counted so: {again}"
    for name in new.used():
        if name not in old.used():
            yield name, "kind", f"its values were not counted: {again}"


def _shown(value: object) -> str:
    return json.dumps(value)
