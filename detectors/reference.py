"""The reference: what the data looked like when the model was trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

from detectors.clustering import RowsPerWindow, Windows
from detectors.columns import Columns
from detectors.counts import Counts
from detectors.dictionary import Dictionary, as_logged, with_feature
from detectors.experiment import Experiment
from detectors.grid import GRID_SIZE, MAX_CATEGORIES, Grid
from detectors.identifiers import Identifiers
from detectors.outputs import Task
from detectors.pairs import Pairing
from detectors.performance import PerformanceReference, build_performance, infer_outputs
from detectors.profile import Profile, summarise
from detectors.reconstruction import FEATURE, Reconstruction
from detectors.reconstruction_fit import fitted
from detectors.reference_grids import grid_of, grids_of
from detectors.reference_hash import content_hash
from detectors.rules import CheckCounts
from detectors.sample import Sample
from detectors.season import Hours, Season
from detectors.seasonal import Seasonal, seasonal_of
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
    whose rows are also counted by themselves, ``pairing`` what is needed to tell how features go together,
    ``reconstruction`` how well they tell one another. ``seasonal`` is what the hours of a day or a week look
    like. ``experiment`` is what the configuration counts beside it; no reference is stored with one.
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
    reconstruction: Reconstruction | None = None
    longer_effects: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    seasonal: Seasonal | None = None
    experiment: Experiment | None = None

    @property
    def season(self) -> Season | None:
        """How rows are parted by the hours of a cycle."""
        return None if self.seasonal is None else self.seasonal.season

    @property
    def logged_grids(self) -> Mapping[str, Grid]:
        """The grids of what is in the log: without what is made of each row."""
        logged = as_logged(self.dictionary).features
        return {name: grid for name, grid in self.grids.items() if name in logged}

    def in_season(self, current: Profile) -> Self:
        """What rows like these look like if nothing has moved: the reference in the hours that they are of.

        Features, predictions and scores only; all else stays that of the whole. The reference itself if it
        has no season, or of some rows nobody knows the hour.
        """
        if self.seasonal is None or current.season_rows is None:
            return self
        counts = {**self.profile.counts, **self.seasonal.expected(self.grids, current.season_rows)}
        return replace(self.by_season(), profile=replace(self.profile, counts=counts))

    def by_season(self) -> Self:
        """The same with the design effects of windows that are compared with what their hours look like."""
        if self.seasonal is None:
            return self
        return replace(self, design_effect={}, longer_effects=self.seasonal.effects)

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
    reconstruction: Reconstruction | None = None
    season: Season | None = None
    experiment: Experiment | None = None


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
    multivariate: bool = False,
    season: Hours | None = None,
    zone: str = "UTC",
) -> Reference:
    """Build a reference from the rows a model was trained on.

    Ignored features, columns that the dictionary does not have, and a label
    that the columns do not have are left out. With the rows' event times and the
    length of the windows to come, the reference is also replayed in windows, for
    the design effects and the rows to expect. With labels, and predictions or scores, it
    also holds how well the model did; ``task`` and ``positive`` say what the outputs mean
    where that shall not be inferred, ``threshold`` from which score on a row is positive.
    ``segments`` are the features whose ``max_segments`` most frequent values are counted by themselves;
    with ``pairs`` the numeric features are also looked at two by two, with ``multivariate`` all together.
    With a ``season`` the hours of that cycle, on the clocks of ``zone``, are also counted by themselves.

    Raises
    ------
    ValueError
        If there are no rows, a feature has no column, a column has values but none of
        the type that the dictionary says, labels and predictions do not fit together, or
        the rows cannot be parted by a feature or by a season.
    """
    dictionary = as_logged(dictionary)
    grids = grids_of(columns, dictionary, grid_size, max_categories)
    outputs = infer_outputs(dictionary, columns, task=task, positive=positive, threshold=threshold)
    performance = None
    if outputs is not None:
        performance = build_performance(outputs, columns, times_ms, window_ms, grids)
    by_value = chosen(dictionary, grids, segments, max_segments)
    learned = fitted(dictionary, grids, columns, times_ms) if multivariate else None
    if learned is not None:
        columns, dictionary = learned.columns, with_feature(dictionary, FEATURE)
        grids[FEATURE.name] = grid_of(FEATURE, columns[FEATURE.name], grid_size, max_categories)
    layout = FixedLayout(dictionary, grids, performance, by_value)
    profile = summarise(layout, columns, ids)
    if pairs:
        pairing = Pairing.of(dictionary, grids, profile.counts, columns)
        layout = replace(layout, pairing=pairing)
        profile = replace(profile, pairs=pairing.sums(grids, columns))
    if learned is not None:
        layout = replace(layout, reconstruction=learned.reconstruction)
        profile = replace(profile, residuals=learned.residuals)
    windows = Windows.none()
    if times_ms is not None and window_ms is not None:
        whole = replace(layout, segments={}, pairing=None, reconstruction=None)
        windows = Windows.replay(whole, columns, profile, times_ms, window_ms)
    made = Reference(
        id="",
        model=model,
        version=version,
        rows=profile.rows,
        source=source,
        content_hash="",
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
        reconstruction=layout.reconstruction,
        seasonal=_seasonal(layout, profile, columns, times_ms, window_ms, season, zone),
    )
    return identified(made)


def identified(reference: Reference) -> Reference:
    """The same with the hash of what it holds, and the id that is made of it."""
    windows = Windows(
        reference.rows_per_window,
        reference.design_effect,
        reference.absence_effect,
        reference.longer_effects,
    )
    facts = () if reference.seasonal is None else reference.seasonal.fingerprint(reference.grids)
    known_by = content_hash(reference.model, reference.version, reference, reference.profile, windows, facts)
    return replace(reference, id=known_by[:ID_LENGTH], content_hash=known_by)


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
    checks = {name: CheckCounts() for name in grids}
    made = Reference(
        id="",
        model=model,
        version=version,
        rows=rows,
        source=source,
        content_hash="",
        built_at=built_at,
        dictionary=dictionary,
        grids=grids,
        profile=Profile(rows, counts, checks, Identifiers.empty(), Sample()),
        rows_per_window=None,
        design_effect={},
        absence_effect={},
    )
    return identified(made)


def _seasonal(
    layout: FixedLayout,
    profile: Profile,
    columns: Columns,
    times_ms: NDArray[np.int64] | None,
    window_ms: int | None,
    season: Hours | None,
    zone: str,
) -> Seasonal | None:
    if season is None:
        return None
    if times_ms is None or window_ms is None:
        raise ValueError(f'season = "{season}" needs rows with timestamps (fields.timestamp)')
    known = layout.dictionary, layout.grids, profile.counts
    return seasonal_of(*known, columns, times_ms, window_ms, season, zone)
