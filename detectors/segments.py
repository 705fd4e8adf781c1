"""Parts of the log by the values of a feature, such as ``country=DE``: each is counted by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import counts as counting
from detectors.columns import Column, Columns
from detectors.counts import Counts
from detectors.counts_difference import difference
from detectors.dictionary import Dictionary, Kind, Role
from detectors.grid import CategoricalGrid, Grid

KINDS = frozenset({Kind.CATEGORICAL, Kind.BOOLEAN})
"""What a log can be parted by."""
MAX_SEGMENTS = 20
MAX_TEXT = 200  # characters of a value that names a segment
PREFIX = ":segment:"
"""How the stored parts of a profile that are segments begin."""
Segments = Mapping[str, tuple[str, ...]]
"""By feature, the values that are segments."""


@dataclass(frozen=True, slots=True)
class Segment:
    """The sums of the rows that have one value of a feature. Those on one layout are a commutative monoid.

    ``counts`` has what is tested for drift, but for the feature that the segment is about; nothing without
    rows, so that segments which do not occur cost nothing.
    """

    rows: int = 0
    counts: Mapping[str, Counts] = field(default_factory=dict)

    def merge(self, other: Self) -> Self:
        """Both parts' rows together; neither part changes."""
        if not (self.rows and other.rows):
            return self if self.rows else other
        counts = {name: counting.merge(mine, other.counts[name]) for name, mine in self.counts.items()}
        return type(self)(self.rows + other.rows, counts)

    def counts_on(self, grids: Mapping[str, Grid]) -> Mapping[str, Counts]:
        """The counts of these features, zeros if there are no rows."""
        return self.counts if self.rows else {name: counting.empty(grid) for name, grid in grids.items()}


def segment_name(feature: str, value: str) -> str:
    """How a segment is called everywhere."""
    return f"{feature}={value}"


def names_of(segments: Segments) -> Iterator[str]:
    """The names of all segments, the most frequent of each feature first."""
    return (segment_name(feature, value) for feature, value in pairs_of(segments))


def pairs_of(segments: Segments) -> Iterator[tuple[str, str]]:
    """Every segment's feature and value, in that order."""
    return ((feature, value) for feature, values in segments.items() for value in values)


def chosen(
    dictionary: Dictionary, grids: Mapping[str, Grid], features: tuple[str, ...], most: int
) -> Segments:
    """The values that become segments: of each feature the ``most`` that are most frequent in the reference.

    Values that are too long for a name, or cannot be printed, stay in the whole.

    Raises
    ------
    ValueError
        If a feature is not there, or is not one that parts the rows into a few.
    """
    return {name: _values(dictionary, grids, name)[:most] for name in features}


def _values(dictionary: Dictionary, grids: Mapping[str, Grid], name: str) -> tuple[str, ...]:
    feature, grid = dictionary.features.get(name), grids.get(name)
    if feature is None or grid is None:
        able = [each.name for each in dictionary.used().values() if _parts(each.kind, each.role)]
        raise ValueError(f"segments: there is no feature {name!r}; categorical ones are {', '.join(able)}")
    if not _parts(feature.kind, feature.role) or not isinstance(grid, CategoricalGrid):
        what = feature.kind if feature.role is Role.FEATURE else feature.role
        raise ValueError(f"segments: {name!r} is {what}: only categorical and boolean features part the rows")
    return tuple(value for value in grid.categories if len(value) <= MAX_TEXT and value.isprintable())


def _parts(kind: Kind, role: Role) -> bool:
    return kind in KINDS and role is Role.FEATURE


def grids_within(dictionary: Dictionary, grids: Mapping[str, Grid], feature: str) -> Mapping[str, Grid]:
    """The grids of what is tested within the segments of a feature, which is constant there itself."""
    return {
        name: grid
        for name, grid in grids.items()
        if name != feature
        and dictionary.features[name].role is not Role.LABEL
        and dictionary.features[name].kind in (*KINDS, Kind.NUMERIC)
    }


def summarise_segments(
    segments: Segments, dictionary: Dictionary, grids: Mapping[str, Grid], columns: Columns
) -> dict[str, Segment]:
    """Every segment's part of one batch. ``columns`` has a column for every grid but those of labels."""
    found: dict[str, Segment] = {}
    for feature, values in segments.items():
        counted = grids_within(dictionary, grids, feature)
        for value, rows in zip(values, _rows_of(values, columns[feature]), strict=True):
            found[segment_name(feature, value)] = _count(counted, columns, rows)
    return found


def _rows_of(values: tuple[str, ...], column: Column) -> list[NDArray[np.intp]]:
    """The positions of the rows with each value."""
    place = {value: at for at, value in enumerate(values)}.get
    rest = len(values)
    codes = np.fromiter((place(value, rest) for value in column.values.tolist()), np.intp, len(column))
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=rest + 1))[:-1])[:rest]


def _count(grids: Mapping[str, Grid], columns: Columns, rows: NDArray[np.intp]) -> Segment:
    if not len(rows):
        return Segment()
    return Segment(
        len(rows), {name: counting.count(grid, columns[name].take(rows)) for name, grid in grids.items()}
    )


def without(whole: Mapping[str, Counts], parts: list[Segment], feature: str) -> Counts:
    """The counts of a feature in the rows that are in none of these segments, which have no row in common."""
    counts = whole[feature]
    for part in parts:
        counts = difference(counts, part.counts[feature]) if part.rows else counts
    return counts


def encode_segments(segments: Mapping[str, Segment]) -> dict[str, bytes]:
    """The stored form, one entry a segment, also for those without rows: they were looked for."""
    return {
        PREFIX + name: msgspec.msgpack.encode(
            (each.rows, {feature: counting.encode(counts) for feature, counts in each.counts.items()})
        )
        for name, each in segments.items()
    }


def decode_segments(
    parts: Mapping[str, bytes], segments: Segments, dictionary: Dictionary, grids: Mapping[str, Grid]
) -> dict[str, Segment]:
    """Read those of these segments that were looked for when the rows were counted; raises ValueError."""
    found: dict[str, Segment] = {}
    for feature, values in segments.items():
        counted = grids_within(dictionary, grids, feature)
        for value in values:
            stored = parts.get(PREFIX + segment_name(feature, value))
            if stored is not None:
                found[segment_name(feature, value)] = _decoded(stored, counted)
    return found


def _decoded(stored: bytes, grids: Mapping[str, Grid]) -> Segment:
    rows, packed = msgspec.msgpack.decode(stored, type=tuple[int, dict[str, bytes]])
    if rows and packed.keys() != grids.keys():
        odd = ", ".join(sorted(packed.keys() ^ grids.keys()))
        raise ValueError(f"stored counts of a segment are of another reference: {odd} is in only one of them")
    return Segment(rows, {name: counting.decode(packed[name], grid) for name, grid in grids.items() if rows})


def merged(mine: Mapping[str, Segment], others: Mapping[str, Segment]) -> dict[str, Segment]:
    """Both sides' segments added up: of a segment that one side did not look for, nothing is known."""
    return {name: each.merge(others[name]) for name, each in mine.items() if name in others}
