"""Everything a window says about its data, as sums: counts, rule violations, ids and a sample's layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import counts as counting
from detectors import experiment_sums as arms_wire
from detectors import identifiers as ids_wire
from detectors import scored as scored_wire
from detectors import season as season_wire
from detectors.absence import split_present
from detectors.columns import Column, Columns, Presence
from detectors.counts import CategoricalCounts, Counts
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.experiment import Experiment
from detectors.experiment_sums import Arms
from detectors.grid import CategoricalGrid, Grid
from detectors.identifiers import Identifiers
from detectors.outputs import output_rows
from detectors.pairs import PART as PAIRS
from detectors.pairs import Pairing, PairSums
from detectors.pairs_wire import decode as decode_pairs
from detectors.pairs_wire import encode as encode_pairs
from detectors.performance_reference import PerformanceReference
from detectors.reconstruction import PART as RESIDUALS
from detectors.reconstruction import Reconstruction, Residuals, nothing_of, with_errors
from detectors.reconstruction import merged as merged_residuals
from detectors.rules import CheckCounts, violations
from detectors.sample import Sample
from detectors.scored import Scored, summarise_scored
from detectors.season import Season
from detectors.segments import Segment, Segments, decode_segments, encode_segments, summarise_segments
from detectors.segments import merged as merged_segments
from detectors.segments import names_of as segment_names

VERSION = 1
TABLE = ":table"  # the parts that belong to no feature; no feature's name begins with a colon
OUTPUTS = ":outputs"
PRESENCE_ONLY = CategoricalGrid((), is_open=True)  # the grid of text and datetime: values are only counted


class Layout(Protocol):
    """What a profile is laid out on: the part of a `Reference` that says what is counted where."""

    @property
    def dictionary(self) -> Dictionary: ...

    @property
    def grids(self) -> Mapping[str, Grid]: ...

    @property
    def performance(self) -> PerformanceReference | None: ...

    @property
    def segments(self) -> Segments: ...

    @property
    def pairing(self) -> Pairing | None: ...

    @property
    def reconstruction(self) -> Reconstruction | None: ...

    @property
    def season(self) -> Season | None: ...

    @property
    def experiment(self) -> Experiment | None: ...


@dataclass(frozen=True, slots=True)
class Profile:
    """The sums of any number of rows. Profiles on one layout are a commutative monoid under `merge`.

    ``scored`` is about predictions and scores together; None where performance cannot be known, and in counts
    that were stored before it was. ``segments`` has, by name, those that were looked for in all rows;
    ``pairs`` and ``residuals`` are None where they were not summed up in all of them. ``season_rows`` are the
    rows in each part of the season; None where that is not known of all of them. ``arms`` are the sums of an
    experiment's variants; None where not all rows were summed up so.
    """

    rows: int
    counts: Mapping[str, Counts]
    checks: Mapping[str, CheckCounts]
    identifiers: Identifiers
    sample: Sample
    scored: Scored | None = None
    segments: Mapping[str, Segment] = field(default_factory=dict)
    pairs: PairSums | None = None
    season_rows: tuple[int, ...] | None = None
    arms: Arms | None = None
    residuals: Residuals | None = None

    @classmethod
    def empty(cls, layout: Layout) -> Self:
        counts = {name: counting.empty(grid) for name, grid in layout.grids.items()}
        checks = {name: CheckCounts() for name in counts}
        scored = None if layout.performance is None else Scored.empty(layout.performance)
        segments = dict.fromkeys(segment_names(layout.segments), Segment())
        season = None if layout.season is None else (0,) * layout.season.size
        pairs, residuals = _no_pairs(layout), nothing_of(layout.reconstruction)
        arms = None if layout.experiment is None else layout.experiment.empty()
        ids = Identifiers.empty()
        return cls(0, counts, checks, ids, Sample(), scored, segments, pairs, season, arms, residuals)

    def merge(self, other: Self) -> Self:
        """The profile of all rows of both; neither part changes.

        Raises
        ------
        ValueError
            If the parts are of different references.
        """
        if self.counts.keys() != other.counts.keys():
            odd = ", ".join(sorted(self.counts.keys() ^ other.counts.keys()))
            raise ValueError(f"profiles of different references cannot be merged: only one of them has {odd}")
        return type(self)(
            self.rows + other.rows,
            {name: counting.merge(mine, other.counts[name]) for name, mine in self.counts.items()},
            {name: mine.merge(other.checks[name]) for name, mine in self.checks.items()},
            self.identifiers.merge(other.identifiers),
            self.sample.merge(other.sample),
            None if self.scored is None or other.scored is None else self.scored.merge(other.scored),
            merged_segments(self.segments, other.segments),
            None if self.pairs is None or other.pairs is None else self.pairs.merge(other.pairs),
            season_wire.merged(self.season_rows, other.season_rows),
            arms_wire.merged(self.arms, other.arms),
            merged_residuals(self.residuals, other.residuals),
        )


def summarise(
    layout: Layout,
    columns: Columns,
    ids: NDArray[np.object_] | None = None,
    sample: Sample | None = None,
    times_ms: NDArray[np.int64] | None = None,
) -> Profile:
    """The profile of one batch of rows.

    A feature without a column is missing in every row, except a label, which
    usually comes later and elsewhere: then it has no rows at all. Columns that
    the dictionary does not have are not looked at. In which parts of a season the rows are is known only from
    their times.
    """
    rows = len(next(iter(columns.values()))) if columns else 0
    columns, residuals = with_errors(layout.reconstruction, layout.grids, columns)
    counts: dict[str, Counts] = {}
    checks: dict[str, CheckCounts] = {}
    counted: dict[str, Column] = {}
    for name, grid in layout.grids.items():
        feature = layout.dictionary.features[name]
        column = columns.get(name)
        if column is None:
            column = _absent(feature, rows)
        counted[name] = column
        counts[name] = _count(feature, grid, column)
        checks[name] = violations(feature, column, counts[name])
    found = Identifiers.empty() if ids is None else Identifiers.from_ids(ids)
    segments = summarise_segments(layout.segments, layout.dictionary, layout.grids, counted)
    pairs = None if layout.pairing is None else layout.pairing.sums(layout.grids, counted)
    season = None if layout.season is None or times_ms is None else layout.season.rows_of(times_ms)
    sample = sample or Sample()
    scored = _scored(layout, columns)
    return Profile(rows, counts, checks, found, sample, scored, segments, pairs, season, residuals=residuals)


def _no_pairs(layout: Layout) -> PairSums | None:
    return None if layout.pairing is None else PairSums.empty(len(layout.pairing.names))


def _scored(layout: Layout, columns: Columns) -> Scored | None:
    performance = layout.performance
    if performance is None:
        return None
    return summarise_scored(performance, output_rows(performance.outputs, columns))


def _absent(feature: Feature, rows: int) -> Column:
    size = 0 if feature.role is Role.LABEL else rows
    is_numeric = feature.kind is Kind.NUMERIC
    values: NDArray[Any] = np.full(size, np.nan) if is_numeric else np.full(size, None, object)
    return Column(values, np.full(size, Presence.MISSING, np.uint8))


def _count(feature: Feature, grid: Grid, column: Column) -> Counts:
    if feature.kind not in (Kind.TEXT, Kind.DATETIME):
        return counting.count(grid, column)
    present, (missing, null, bad_type) = split_present(column)
    empty_texts = int(np.count_nonzero(present == ""))
    return CategoricalCounts(np.zeros(0, np.int64), {}, len(present), missing, null, bad_type, empty_texts)


def encode_parts(profile: Profile) -> dict[str, bytes]:
    """The wire form in parts: one entry a feature, and `TABLE`."""
    parts = {
        name: msgspec.msgpack.encode((VERSION, counting.encode(counts), *profile.checks[name].tallies()))
        for name, counts in profile.counts.items()
    }
    sample = profile.sample
    names = sorted(sample.extra_columns.items())
    facts = (sample.rows, names, sample.extra_other, sample.other_width)
    parts[TABLE] = msgspec.msgpack.encode(
        (VERSION, profile.rows, ids_wire.encode(profile.identifiers), facts)
    )
    if profile.scored is not None:
        parts[OUTPUTS] = scored_wire.encode(profile.scored)
    if profile.pairs is not None:
        parts[PAIRS] = encode_pairs(profile.pairs)
    if profile.residuals is not None:
        parts[RESIDUALS] = profile.residuals.encode()
    if profile.season_rows is not None:
        parts[season_wire.PART] = season_wire.encode(profile.season_rows)
    if profile.arms is not None:
        parts[arms_wire.PART] = arms_wire.encode(profile.arms)
    return parts | encode_segments(profile.segments)


def decode_parts(parts: Mapping[str, bytes], layout: Layout) -> Profile:
    """Read the parts on the reference they were counted for; other entries that begin with ":" are skipped.

    Raises
    ------
    ValueError
        If the parts are of another version or another reference.
    """
    stored = {name for name in parts if not name.startswith(":")}
    if stored != layout.grids.keys() or TABLE not in parts:
        odd = ", ".join(sorted(stored ^ layout.grids.keys())) or TABLE
        raise ValueError(f"stored counts are of another reference: {odd} is in only one of them")
    counts: dict[str, Counts] = {}
    checks: dict[str, CheckCounts] = {}
    for name, grid in layout.grids.items():
        packed, *tallies = _unpacked(parts[name], name)
        counts[name], checks[name] = counting.decode(packed, grid), CheckCounts(*tallies)
    rows, identifiers, (sampled, names, other, width) = _unpacked(parts[TABLE], TABLE)
    sample = Sample(sampled, dict(names), other, width)
    scored = None
    if layout.performance is not None and OUTPUTS in parts:
        scored = scored_wire.decode(parts[OUTPUTS], layout.performance)
    segments = decode_segments(parts, layout.segments, layout.dictionary, layout.grids)
    pairs = None
    if layout.pairing is not None and PAIRS in parts:
        pairs = decode_pairs(parts[PAIRS], layout.pairing)
    season = None
    if layout.season is not None and season_wire.PART in parts:
        season = season_wire.decode(parts[season_wire.PART], layout.season)
    arms = None
    if layout.experiment is not None and arms_wire.PART in parts:
        arms = arms_wire.decode(parts[arms_wire.PART])
    residuals = None
    if layout.reconstruction is not None and RESIDUALS in parts:
        residuals = Residuals.decode(parts[RESIDUALS], layout.reconstruction)
    ids = ids_wire.decode(identifiers)
    return Profile(rows, counts, checks, ids, sample, scored, segments, pairs, season, arms, residuals)


def decode_counts(part: bytes, name: str, grid: Grid) -> Counts:
    """Read one feature's counts from its part alone; raises as `decode_parts` does."""
    packed, *_ = _unpacked(part, name)
    return counting.decode(packed, grid)


def _unpacked(data: bytes, name: str) -> list[Any]:
    version, *fields = msgspec.msgpack.decode(data, type=list[Any])
    if version != VERSION:
        raise ValueError(f"counts of {name} are stored in version {version}, this driftd reads {VERSION}")
    return fields


def encode(profile: Profile) -> bytes:
    """The wire form in one piece."""
    return msgspec.msgpack.encode(encode_parts(profile))


def decode(data: bytes, layout: Layout) -> Profile:
    """Read what `encode` wrote, on the reference it was counted for; raises as `decode_parts` does."""
    return decode_parts(msgspec.msgpack.decode(data, type=dict[str, bytes]), layout)
