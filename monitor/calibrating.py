"""A reference's own rows, judged as if they had come window by window. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.budget import alpha
from detectors.columns import Columns
from detectors.counts import Counts
from detectors.counts_difference import difference
from detectors.cycles import Cycle, cycle
from detectors.dependence import LEAST_WINDOWS, value_directions, within
from detectors.dictionary import Dictionary, Kind, Role
from detectors.mixture import mixed
from detectors.profile import Profile, summarise
from detectors.reconstruction_fit import fitted
from detectors.reference import Reference
from detectors.result import Verdict
from detectors.season import Hours
from detectors.seasonal import Seasonal, effects_within, season_of
from monitor.config.model import Model
from monitor.findings import Finding
from monitor.judge import Rules, judge
from monitor.windows import Span

MOST_STRETCHES = 400
"""Of one length, evenly spread; more would take minutes and say the same."""
OFTEN = 0.01
"""A p-value that chance goes below in one window of a hundred."""


@dataclass(frozen=True, slots=True)
class FeatureCalibration:
    """How one feature keeps to what its tests assume.

    ``design_effect`` is that of single windows, ``lasting_effect`` the largest of any length. ``plain`` and
    ``calibrated`` are the shares of windows with a p-value of at most 1 %, when rows count as independent and
    when they do not; None where nothing could be tested. ``alarms`` are the windows of any length that would
    have been drift, calibrated. ``in_season`` is what the design effect would be if windows were compared
    with the same hours of other days (weeks) of the cycle; None without one, or with too few rows for that.
    """

    feature: str
    design_effect: float
    lasting_effect: float
    cycle: Cycle | None
    plain: float | None
    calibrated: float | None
    alarms: int
    in_season: float | None = None

    @property
    def holds(self) -> bool:
        """Whether rows look independent."""
        return self.lasting_effect == 1.0 and self.cycle is None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the replay showed.

    ``stretches`` is how many were judged, of all lengths; ``plain`` and ``calibrated`` how many of them would
    have said drift, ``allowed`` how many the budget allows.
    """

    windows: int
    stretches: int
    plain: int
    calibrated: int
    allowed: float
    features: tuple[FeatureCalibration, ...]


def calibrate(
    reference: Reference, columns: Columns, times_ms: NDArray[np.int64], settings: Model
) -> Calibration:
    """Judge each stretch of windows against all *other* rows of the reference, with the budget's levels.

    The rows of a stretch are taken out of the reference's counts, which is exact, so that none is compared
    with itself. Evidence that adds up over windows is not replayed: it needs a past that is not its own.
    """
    columns = _as_built(reference, columns, times_ms)
    order = np.argsort(times_ms, kind="stable")
    windows = times_ms[order] // settings.window.ms
    rows = _Rows({name: column.take(order) for name, column in columns.items()}, times_ms[order])
    replayed = tuple(_replayed(reference, rows, windows, settings))
    return Calibration(
        windows=int(windows[-1] - windows[0]) + 1,
        stretches=len(replayed),
        plain=sum(any(map(_is_drift, one.plain)) for one in replayed),
        calibrated=sum(any(map(_is_drift, one.calibrated)) for one in replayed),
        allowed=sum(one.level for one in replayed),
        features=tuple(
            _feature(reference, name, replayed, _cyclic(reference, name, rows, settings))
            for name in _tested(reference, columns, settings)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """The reference's rows in the order of time."""

    columns: Columns
    times_ms: NDArray[np.int64]

    def __getitem__(self, chosen: slice | NDArray[np.intp]) -> _Rows:
        return _Rows({name: each.take(chosen) for name, each in self.columns.items()}, self.times_ms[chosen])


@dataclass(frozen=True, slots=True)
class _Replayed:
    """One stretch: its findings with rows counted as independent, and as they are counted."""

    multiple: int
    level: float
    plain: tuple[Finding, ...]
    calibrated: tuple[Finding, ...]


def _replayed(
    reference: Reference, rows: _Rows, windows: NDArray[np.int64], settings: Model
) -> Iterator[_Replayed]:
    for span, stretch in _stretches(rows, windows, settings):
        rules = _rules(reference, settings, span.multiple)
        part = summarise(_tested_layout(reference), stretch.columns, times_ms=stretch.times_ms)
        others = _others(reference, part, stretch)
        independent = replace(others, design_effect={}, longer_effects={})
        plain, calibrated = (
            judge(reference.model, "", one, part, span, rules) for one in (independent, others)
        )
        yield _Replayed(span.multiple, rules.level, plain, calibrated)


def _feature(
    reference: Reference,
    name: str,
    replayed: tuple[_Replayed, ...],
    cyclic: tuple[Cycle | None, float | None],
) -> FeatureCalibration:
    judged = reference.by_season()
    singles = [one for one in replayed if one.multiple == 1]
    alarms = [one for each in replayed for one in each.calibrated if one.feature == name and _is_drift(one)]
    return FeatureCalibration(
        feature=name,
        design_effect=judged.effect_of(name),
        lasting_effect=judged.lasting_effect(name),
        cycle=cyclic[0],
        plain=_often([one.plain for one in singles], name),
        calibrated=_often([one.calibrated for one in singles], name),
        alarms=len(alarms),
        in_season=cyclic[1],
    )


def _cyclic(
    reference: Reference, name: str, rows: _Rows, settings: Model
) -> tuple[Cycle | None, float | None]:
    """The cycle that a feature has left, and its design effect in a season of that cycle."""
    window_ms = settings.window.ms
    of = value_directions(reference.profile.counts[name], reference.grids[name], rows.columns[name])
    seen = of
    if of is not None and reference.season is not None:
        seen = within(of, reference.season.parts_of(rows.times_ms))
    found = cycle(seen, rows.times_ms // window_ms, window_ms)
    if found is None:
        return None, None
    hours = Hours.OF_DAY if found.name == "day" else Hours.OF_WEEK
    try:
        _, parts = season_of(rows.times_ms, hours, settings.time_zone)
    except ValueError:
        return found, None
    effects = effects_within(of, parts, rows.times_ms, window_ms, hours)
    return found, effects[0] if effects else None


def _tested(reference: Reference, columns: Columns, settings: Model) -> Iterator[str]:
    left_out = {Role.LABEL} if settings.detectors.multivariate else {Role.LABEL, Role.DERIVED}
    for name in reference.grids:
        feature = reference.dictionary.features[name]
        is_tested = feature.role not in left_out and feature.kind not in (Kind.TEXT, Kind.DATETIME)
        if is_tested and name in columns:
            yield name


def _stretches(rows: _Rows, windows: NDArray[np.int64], settings: Model) -> Iterator[tuple[Span, _Rows]]:
    """The stretches of each length of which the rows hold enough, aligned as in production."""
    for multiple in settings.multiples:
        numbers, length_ms = windows // multiple, multiple * settings.window.ms
        if numbers[-1] - numbers[0] + 1 < LEAST_WINDOWS:
            return
        there = np.unique(numbers)
        for number in there[:: -(-len(there) // MOST_STRETCHES)].tolist():
            begin, end = np.searchsorted(numbers, [number, number + 1]).tolist()
            yield Span(number * length_ms, (number + 1) * length_ms, multiple), rows[begin:end]


def _rules(reference: Reference, settings: Model, multiple: int) -> Rules:
    shares = settings.budget_shares(is_estimated=reference.performance is not None)
    level = alpha(settings.budget, settings.window.seconds, multiple, shares)
    return Rules(level, settings.min_effect, settings.min_rows, settings.detectors, multiple)


def _tested_layout(reference: Reference) -> Reference:
    return replace(reference, segments={}, performance=None, pairing=None, reconstruction=None)


def _as_built(reference: Reference, columns: Columns, times_ms: NDArray[np.int64]) -> Columns:
    """The rows with the reconstruction errors that they have in the reference, each by what others say."""
    known = reference.reconstruction
    if known is None:
        return columns
    features = Dictionary({name: reference.dictionary.features[name] for name in known.names})
    return fitted(features, {name: reference.grids[name] for name in known.names}, columns, times_ms).columns


def _others(reference: Reference, part: Profile, stretch: _Rows) -> Reference:
    """The reference without these rows; with a season, what it then looks like in their hours."""
    counts = {name: difference(known, part.counts[name]) for name, known in reference.profile.counts.items()}
    judged = replace(reference.by_season(), seasonal=None)
    if reference.seasonal is not None:
        counts |= _in_season(reference, reference.seasonal, part, stretch)
    rows = reference.profile.rows - part.rows
    return replace(judged, profile=replace(reference.profile, rows=rows, counts=counts))


def _in_season(reference: Reference, known: Seasonal, part: Profile, stretch: _Rows) -> dict[str, Counts]:
    layout, of_row = _tested_layout(reference), known.season.parts_of(stretch.times_ms)
    own = {
        number: summarise(layout, stretch[np.flatnonzero(of_row == number)].columns)
        for number in np.unique(of_row).tolist()
    }
    left = [rows - (own[number].rows if number in own else 0) for number, rows in enumerate(known.rows)]
    weights = replace(known, rows=tuple(left)).weights(part.season_rows or ())
    found: dict[str, Counts] = {}
    for name in known.packed:
        whole = known.parts(name, reference.grids[name], tuple(own))
        others = [
            difference(counts, mine.counts[name]) for counts, mine in zip(whole, own.values(), strict=True)
        ]
        found[name] = mixed(others, [weights[number] for number in own])
    return found


def _is_drift(finding: Finding) -> bool:
    return finding.verdict is Verdict.DRIFT


def _often(windows: list[tuple[Finding, ...]], name: str) -> float | None:
    """The share of windows in which a feature has a p-value as small as chance has in one of a hundred."""
    tests = (one.result.p_value for findings in windows for one in findings if one.feature == name)
    made = [p <= OFTEN for p in tests if p is not None]
    return sum(made) / len(made) if made else None
