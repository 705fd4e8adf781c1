"""How much memory a profile takes."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import NamedTuple

import numpy as np

from detectors import counts as counting
from detectors.counts import MAX_UNSEEN, CategoricalCounts, Counts
from detectors.counts_categorical import MAX_TEXT
from detectors.grid import CategoricalGrid
from detectors.identifiers import MAX_KEPT
from detectors.profile import Layout, Profile
from detectors.scored import Scored
from detectors.segments import Segment, grids_within

FEATURE_BYTES = 800
"""A feature's counts and checks as objects, beside their arrays."""
ENTRY_BYTES = 140
"""A number and its place in a dictionary, beside the text it is kept under."""
_ID_BYTES = 16
_TEXT_BYTES = 76 + 4 * MAX_TEXT  # the longest of the widest characters


class Bounds(NamedTuple):
    """What one profile on a layout takes: without a row, for every row more, and at most."""

    empty_bytes: int
    row_bytes: int
    most_bytes: int

    def of(self, windows: int, rows: int) -> int:
        """Give the most that so many profiles of so many rows together take."""
        return min(windows * self.empty_bytes + rows * self.row_bytes, windows * self.most_bytes)


def bounds(layout: Layout) -> Bounds:
    """Tell before anything is counted; names of columns that the dictionary does not have are left out."""
    closed = sum(isinstance(grid, CategoricalGrid) and not grid.is_open for grid in layout.grids.values())
    empty = size_bytes(Profile.empty(layout))
    unseen = ENTRY_BYTES + _TEXT_BYTES
    row = (1 + len(layout.segments)) * closed * unseen + _ID_BYTES
    most = empty + (1 + _segments(layout)) * closed * MAX_UNSEEN * unseen + MAX_KEPT * _ID_BYTES
    of_segments = [_segment_bytes(layout, feature) for feature in layout.segments]
    all_segments = sum(
        size * len(values) for size, values in zip(of_segments, layout.segments.values(), strict=True)
    )
    return Bounds(empty, row + sum(of_segments), most + all_segments)


def _segments(layout: Layout) -> int:
    return sum(map(len, layout.segments.values()))


def _segment_bytes(layout: Layout, feature: str) -> int:
    """What one segment of a feature takes from its first row on."""
    grids = grids_within(layout.dictionary, layout.grids, feature)
    return _size_of(Segment(1, {name: counting.empty(grid) for name, grid in grids.items()}))


def size_bytes(profile: Profile) -> int:
    """Measure a profile: its arrays and texts exactly, its objects about."""
    ids = profile.identifiers
    return (
        FEATURE_BYTES * (1 + len(profile.counts))
        + sum(map(_counts_bytes, profile.counts.values()))
        + ids.hashes.nbytes
        + ids.counts.nbytes
        + sum(map(_entry_bytes, profile.sample.extra_columns))
        + (0 if profile.scored is None else _scored_bytes(profile.scored))
        + sum(ENTRY_BYTES + _size_of(segment) for segment in profile.segments.values())
        + (0 if profile.pairs is None else profile.pairs.nbytes)
        + (0 if profile.arms is None else profile.arms.nbytes + ENTRY_BYTES * len(profile.arms.tables))
        + (0 if profile.residuals is None else profile.residuals.squares.nbytes)
    )


def _size_of(segment: Segment) -> int:
    return FEATURE_BYTES * len(segment.counts) + sum(map(_counts_bytes, segment.counts.values()))


def _counts_bytes(counts: Counts) -> int:
    if isinstance(counts, CategoricalCounts):
        return counts.known.nbytes + sum(map(_entry_bytes, counts.unseen))
    return counts.on.nbytes + counts.between.nbytes


def _entry_bytes(text: str) -> int:
    return ENTRY_BYTES + sys.getsizeof(text)


def _scored_bytes(scored: Scored) -> int:
    values = (getattr(scored, each.name) for each in fields(scored))
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))
