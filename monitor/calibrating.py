"""A reference's own rows, judged as if they had come window by window. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.budget import alpha
from detectors.columns import Columns
from detectors.counts_difference import difference
from detectors.cycles import Cycle, cycle
from detectors.dependence import LEAST_WINDOWS, value_directions
from detectors.dictionary import Kind, Role
from detectors.profile import Profile, summarise
from detectors.reference import Reference
from detectors.result import Verdict
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
    have been drift, calibrated.
    """

    feature: str
    design_effect: float
    lasting_effect: float
    cycle: Cycle | None
    plain: float | None
    calibrated: float | None
    alarms: int

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
    order = np.argsort(times_ms, kind="stable")
    windows = times_ms[order] // settings.window.ms
    ordered = {name: column.take(order) for name, column in columns.items()}
    replayed = tuple(_replayed(reference, ordered, windows, settings))
    return Calibration(
        windows=int(windows[-1] - windows[0]) + 1,
        stretches=len(replayed),
        plain=sum(any(map(_is_drift, one.plain)) for one in replayed),
        calibrated=sum(any(map(_is_drift, one.calibrated)) for one in replayed),
        allowed=sum(one.level for one in replayed),
        features=tuple(
            _feature(reference, name, replayed, _cycle(reference, name, ordered, windows, settings))
            for name in _tested(reference, columns)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Replayed:
    """One stretch: its findings with rows counted as independent, and as they are counted."""

    multiple: int
    level: float
    plain: tuple[Finding, ...]
    calibrated: tuple[Finding, ...]


def _replayed(
    reference: Reference, columns: Columns, windows: NDArray[np.int64], settings: Model
) -> Iterator[_Replayed]:
    independent = replace(reference, design_effect={}, longer_effects={})
    for span, part in _stretches(reference, columns, windows, settings):
        rules = _rules(reference, settings, span.multiple)
        others = _without(reference, part)
        plain, calibrated = (
            judge(reference.model, "", replace(one, profile=others), part, span, rules)
            for one in (independent, reference)
        )
        yield _Replayed(span.multiple, rules.level, plain, calibrated)


def _feature(
    reference: Reference, name: str, replayed: tuple[_Replayed, ...], found: Cycle | None
) -> FeatureCalibration:
    singles = [one for one in replayed if one.multiple == 1]
    alarms = [one for each in replayed for one in each.calibrated if one.feature == name and _is_drift(one)]
    return FeatureCalibration(
        feature=name,
        design_effect=reference.effect_of(name),
        lasting_effect=reference.lasting_effect(name),
        cycle=found,
        plain=_often([one.plain for one in singles], name),
        calibrated=_often([one.calibrated for one in singles], name),
        alarms=len(alarms),
    )


def _cycle(
    reference: Reference, name: str, columns: Columns, windows: NDArray[np.int64], settings: Model
) -> Cycle | None:
    of = value_directions(reference.profile.counts[name], reference.grids[name], columns[name])
    return cycle(of, windows, settings.window.ms)


def _tested(reference: Reference, columns: Columns) -> Iterator[str]:
    for name in reference.grids:
        feature = reference.dictionary.features[name]
        is_tested = feature.role is not Role.LABEL and feature.kind not in (Kind.TEXT, Kind.DATETIME)
        if is_tested and name in columns:
            yield name


def _stretches(
    reference: Reference, columns: Columns, windows: NDArray[np.int64], settings: Model
) -> Iterator[tuple[Span, Profile]]:
    """The stretches of each length of which the rows hold enough, aligned as in production."""
    layout = replace(reference, segments={}, performance=None)
    for multiple in settings.multiples:
        numbers, length_ms = windows // multiple, multiple * settings.window.ms
        if numbers[-1] - numbers[0] + 1 < LEAST_WINDOWS:
            return
        there = np.unique(numbers)
        for number in there[:: -(-len(there) // MOST_STRETCHES)].tolist():
            begin, end = np.searchsorted(numbers, [number, number + 1]).tolist()
            part = {name: column.take(slice(begin, end)) for name, column in columns.items()}
            yield Span(number * length_ms, (number + 1) * length_ms, multiple), summarise(layout, part)


def _rules(reference: Reference, settings: Model, multiple: int) -> Rules:
    shares = settings.budget_shares(is_estimated=reference.performance is not None)
    level = alpha(settings.budget, settings.window.seconds, multiple, shares)
    return Rules(level, settings.min_effect, settings.min_rows, settings.detectors, multiple)


def _without(reference: Reference, part: Profile) -> Profile:
    """The reference's rows but for these."""
    counts = {name: difference(known, part.counts[name]) for name, known in reference.profile.counts.items()}
    return replace(reference.profile, rows=reference.profile.rows - part.rows, counts=counts)


def _is_drift(finding: Finding) -> bool:
    return finding.verdict is Verdict.DRIFT


def _often(windows: list[tuple[Finding, ...]], name: str) -> float | None:
    """The share of windows in which a feature has a p-value as small as chance has in one of a hundred."""
    tests = (one.result.p_value for findings in windows for one in findings if one.feature == name)
    made = [p <= OFTEN for p in tests if p is not None]
    return sum(made) / len(made) if made else None
