"""The reference: what the data looked like when the model was trained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.clustering import RowsPerWindow, Windows
from detectors.columns import Column, Columns
from detectors.counts import Counts, NumericCounts
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.grid import GRID_SIZE, MAX_CATEGORIES, Grid, NumericGrid, categorical_grid, numeric_grid
from detectors.identifiers import Identifiers
from detectors.outputs import Task
from detectors.pairs import Pairing
from detectors.performance import PerformanceReference, build_performance, infer_outputs
from detectors.profile import PRESENCE_ONLY, Profile, Sample, summarise
from detectors.rules import CheckCounts
from detectors.segments import MAX_SEGMENTS, Segments, chosen
from detectors.warm_up import warm_up_rows

ID_LENGTH = 12  # hexadecimal digits: 48 bits among a handful of references


@dataclass(frozen=True, slots=True)
class Reference:
    """A dictionary, the grids it leads to, and the reference's own counts on them.

    ``id`` is derived from everything that verdicts depend on, so the same data
    built twice has the same id. ``design_effect`` says, by feature, how many rows
    of a window count as one because neighbours in time resemble each other (1.0:
    all are independent), ``longer_effects`` how many of 1, 2, 4 ... windows put together
    (no entry: always 1.0); ``absence_effect`` says it of the absence of a value.
    ``rows_per_window`` is None when the rows had no times. ``performance`` is what the
    model's outputs are compared with; None when the rows had no labels. ``warm_up`` is a sample of
    the labelled rows that a challenger begins with (see `detectors.warm_up`). ``segments`` names the values
    whose rows are also counted by themselves, ``pairing`` what is needed to tell how features go together.
    """

    id: str
    model: str
    version: str
    rows: int
    source: str
    content_hash: str
    built_at: datetime
    dictionary: Dictionary
    grids: Mapping[str, Grid]
    profile: Profile
    rows_per_window: RowsPerWindow | None
    design_effect: Mapping[str, float]
    absence_effect: Mapping[str, float]
    performance: PerformanceReference | None = None
    warm_up: bytes = b""
    segments: Segments = field(default_factory=dict)
    pairing: Pairing | None = None
    longer_effects: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def effect_of(self, name: str, windows: int = 1) -> float:
        """The design effect of so many windows put together; beyond the longest known it stays as it is."""
        known = self.longer_effects.get(name)
        if not known:
            return self.design_effect.get(name, 1.0)
        return known[min(len(known), windows.bit_length()) - 1]

    def lasting_effect(self, name: str) -> float:
        """The design effect that holds for stretches of any length."""
        return max(self.longer_effects.get(name) or (self.design_effect.get(name, 1.0),))


@dataclass(frozen=True, slots=True)
class FixedLayout:
    """A layout without the reference around it."""

    dictionary: Dictionary
    grids: Mapping[str, Grid]
    performance: PerformanceReference | None = None
    segments: Segments = field(default_factory=dict)
    pairing: Pairing | None = None


def build(
    columns: Columns,
    dictionary: Dictionary,
    *,
    model: str,
    version: str,
    source: str,
    built_at: datetime,
    grid_size: int = GRID_SIZE,
    max_categories: int = MAX_CATEGORIES,
    ids: NDArray[np.object_] | None = None,
    times_ms: NDArray[np.int64] | None = None,
    window_ms: int | None = None,
    task: Task | None = None,
    positive: str | None = None,
    threshold: float = 0.5,
    segments: tuple[str, ...] = (),
    max_segments: int = MAX_SEGMENTS,
    pairs: bool = False,
) -> Reference:
    """Build a reference from the rows a model was trained on.

    Ignored features, columns that the dictionary does not have, and a label
    that the columns do not have are left out. With the rows' event times and the
    length of the windows to come, the reference is also replayed in windows, for
    the design effects and the rows to expect. With labels, and predictions or scores, it
    also holds how well the model did; ``task`` and ``positive`` say what the outputs mean
    where that shall not be inferred, ``threshold`` from which score on a row is positive.
    ``segments`` are the features whose ``max_segments`` most frequent values are counted by themselves;
    with ``pairs`` the numeric features are also looked at two by two.

    Raises
    ------
    ValueError
        If there are no rows, a feature has no column, a column has values but none of
        the type that the dictionary says, labels and predictions do not fit together, or
        the rows cannot be parted by a feature.
    """
    grids = {
        name: _grid(feature, columns[name], grid_size, max_categories)
        for name, feature in _present_features(columns, dictionary).items()
    }
    outputs = infer_outputs(dictionary, columns, task=task, positive=positive, threshold=threshold)
    performance = None
    if outputs is not None:
        performance = build_performance(outputs, columns, times_ms, window_ms, grids)
    by_value = chosen(dictionary, grids, segments, max_segments)
    layout = FixedLayout(dictionary, grids, performance, by_value)
    profile = summarise(layout, columns, ids)
    if pairs:
        pairing = Pairing.of(dictionary, grids, profile.counts, columns)
        layout = replace(layout, pairing=pairing)
        profile = replace(profile, pairs=pairing.sums(grids, columns))
    windows = Windows.none()
    if times_ms is not None and window_ms is not None:
        whole = replace(layout, segments={}, pairing=None)
        windows = Windows.replay(whole, columns, profile, times_ms, window_ms)
    content_hash = _content_hash(model, version, layout, profile, windows)
    return Reference(
        id=content_hash[:ID_LENGTH],
        model=model,
        version=version,
        rows=profile.rows,
        source=source,
        content_hash=content_hash,
        built_at=built_at,
        dictionary=dictionary,
        grids=grids,
        profile=profile,
        rows_per_window=windows.rows,
        design_effect=windows.design_effect,
        absence_effect=windows.absence_effect,
        performance=performance,
        warm_up=b"" if outputs is None else warm_up_rows(columns, dictionary, outputs),
        segments=by_value,
        longer_effects=windows.longer,
        pairing=layout.pairing,
    )


def from_counts(
    dictionary: Dictionary,
    grids: Mapping[str, Grid],
    counts: Mapping[str, Counts],
    rows: int,
    *,
    model: str,
    version: str,
    source: str,
    built_at: datetime,
) -> Reference:
    """Make a reference of counts on the grids, where the rows that they are of are not at hand.

    It knows neither times (all design effects are 1, and no number of rows is expected of a window) nor ids,
    performance, segments or pairs.

    Raises
    ------
    ValueError
        If there are no rows, or the dictionary uses a feature that was not counted.
    """
    lacking = [name for name in dictionary.used() if name not in grids]
    if lacking:
        raise ValueError(
            f"nothing is known of {', '.join(map(repr, lacking))}, which the data dictionary names: "
            'leave it out, or set kind = "ignore"'
        )
    if not rows or not grids:
        raise ValueError("there are no rows, so there is nothing to compare with")
    layout = FixedLayout(dictionary, grids)
    checks = {name: CheckCounts() for name in grids}
    profile = Profile(rows, counts, checks, Identifiers.empty(), Sample())
    content_hash = _content_hash(model, version, layout, profile, Windows.none())
    return Reference(
        id=content_hash[:ID_LENGTH],
        model=model,
        version=version,
        rows=rows,
        source=source,
        content_hash=content_hash,
        built_at=built_at,
        dictionary=dictionary,
        grids=grids,
        profile=profile,
        rows_per_window=None,
        design_effect={},
        absence_effect={},
    )


def _present_features(columns: Columns, dictionary: Dictionary) -> Mapping[str, Feature]:
    features = {
        name: feature
        for name, feature in dictionary.used().items()
        if name in columns or feature.role is not Role.LABEL
    }
    lacking = [name for name in features if name not in columns]
    if lacking:
        raise ValueError(
            f"the reference has no column {', '.join(map(repr, lacking))}, which the data dictionary names: "
            'add the column, or set kind = "ignore"'
        )
    if not features or not len(columns[next(iter(features))]):
        raise ValueError("the reference has no rows: give the rows that the model was trained on")
    return features


def _grid(feature: Feature, column: Column, grid_size: int, max_categories: int) -> Grid:
    if feature.kind in (Kind.TEXT, Kind.DATETIME):
        return PRESENCE_ONLY
    present = column.present()
    mistyped = len(column) if column.presence is None else int((column.presence == 3).sum())  # noqa: PLR2004
    if not len(present) and mistyped:
        raise ValueError(
            f"none of the reference's {mistyped} values of {feature.name!r} is of type {feature.type!r}: "
            "correct its type in the data dictionary"
        )
    if feature.kind is Kind.NUMERIC:
        return numeric_grid(present[np.isfinite(present)], grid_size)
    return categorical_grid(present, max_categories)


def _content_hash(model: str, version: str, layout: FixedLayout, profile: Profile, windows: Windows) -> str:
    """Hash what verdicts depend on, without the parts (zlib) whose bytes may differ between machines."""
    digest = hashlib.blake2b(digest_size=16)
    facts = (model, version, list(layout.dictionary.features.values()), profile.rows, windows.fingerprint())
    digest.update(msgspec.json.encode(facts))
    for name, grid in layout.grids.items():
        digest.update(msgspec.json.encode((name, _grid_facts(grid), _count_facts(profile.counts[name]))))
    ids = profile.identifiers
    digest.update(ids.hashes.astype("<u8").tobytes() + ids.counts.astype("<i8").tobytes())
    if layout.performance is not None:
        digest.update(layout.performance.fingerprint().encode())
    for name, segment in profile.segments.items():
        counted = [(each, _count_facts(counts)) for each, counts in segment.counts.items()]
        digest.update(msgspec.json.encode((name, segment.rows, counted)))
    if layout.pairing is not None and profile.pairs is not None:
        digest.update(layout.pairing.fingerprint())
        digest.update(b"".join(each.astype("<i8").tobytes() for each in profile.pairs.matrices()))
    return digest.hexdigest()


def _grid_facts(grid: Grid) -> tuple[object, ...]:
    if isinstance(grid, NumericGrid):
        return (grid.points.astype("<f8").tobytes(),)
    return (grid.categories, grid.is_open)


def _count_facts(counts: Counts) -> tuple[object, ...]:
    if isinstance(counts, NumericCounts):
        return (counts.on.tolist(), counts.between.tolist(), *counts.tallies())
    return (counts.known.tolist(), *counts.tallies())
