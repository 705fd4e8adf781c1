"""Whether a window's performance is still the reference's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from detectors.budget import MAX_ALPHA, holm
from detectors.metrics import LOW_IS_GOOD, SHARES, Measured, badness, base_name, is_share
from detectors.performance_reference import ENOUGH_WINDOWS, PerformanceReference, ReferenceMetric
from detectors.result import Verdict

Direction = Literal["better", "worse"]

WARN_LEVELS = 10  # a p-value up to this many times the level is worth a warning
DEVIATIONS = 3.0  # between the reference's windows that are tolerated
SHARE_TOLERANCE = 0.02
RELATIVE_TOLERANCE = 0.1
NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Judged:
    """A metric, what it was in the reference, what is tolerated, and the verdict.

    ``p_value`` and ``adjusted_p`` are None where nothing was tested.
    """

    measured: Measured
    reference_value: float
    band_low: float
    band_high: float
    p_value: float | None
    adjusted_p: float | None
    verdict: Verdict
    direction: Direction


def judge_performance(
    reference: PerformanceReference,
    measured: Sequence[Measured],
    level: float,
    min_rows: int,
    alarming: frozenset[str],
    tolerance: Mapping[str, float] = NOTHING,
) -> tuple[Judged, ...]:
    """Compare metrics of one window, realised or estimated, with the realised ones of the reference.

    The verdict is drift if the value is outside what is tolerated *and* its p-value, by Holm's
    correction over the ``alarming`` metrics of this call, is within ``level``; in
    either direction. Metrics that are not in ``alarming`` are judged by their own p-value and
    never say more than warn. Fewer than ``min_rows`` rows are inconclusive. Metrics that the
    reference does not have are left out.

    Tolerated is the metric's own ``tolerance`` around the reference's value if there is one; else three
    standard deviations around the mean of the reference's windows; with fewer than five windows
    .02 for shares of rows and 10 % for the others. A ``tolerance`` is absolute for shares, relative
    for the others.

    The p-value is of the difference from the reference's value, two-sided, normal on the logit
    scale for shares and on the logarithm's for losses: there it keeps its level in small windows
    of good models too, where the plain difference of values near 1 does not. The window's standard
    error is made larger by the design effect: how much more the reference's windows differ than
    independent rows would.
    """
    known = [one for one in measured if one.metric in reference.metrics]
    p_values = [
        _p_value(one, reference.metrics[one.metric]) if one.rows >= min_rows else None for one in known
    ]
    adjusted = holm([p if one.metric in alarming else None for one, p in zip(known, p_values, strict=True)])
    return tuple(
        _judged(one, reference, p, corrected if one.metric in alarming else p, level, alarming, tolerance)
        for one, p, corrected in zip(known, p_values, adjusted, strict=True)
    )


def _judged(
    one: Measured,
    reference: PerformanceReference,
    p_value: float | None,
    adjusted_p: float | None,
    level: float,
    alarming: frozenset[str],
    tolerance: Mapping[str, float],
) -> Judged:
    before = reference.metrics[one.metric]
    low, high = tolerated(one.metric, reference, tolerance.get(one.metric))
    is_outside = one.value < low - one.bound or one.value > high + one.bound
    verdict = _verdict(adjusted_p, level, is_outside=is_outside, may_alarm=one.metric in alarming)
    is_worse = badness(one.metric, one.value) > badness(one.metric, before.value)
    direction: Direction = "worse" if is_worse else "better"
    return Judged(one, before.value, low, high, p_value, adjusted_p, verdict, direction)


def _verdict(adjusted_p: float | None, level: float, *, is_outside: bool, may_alarm: bool) -> Verdict:
    if adjusted_p is None:
        return Verdict.INCONCLUSIVE
    if not is_outside or adjusted_p > min(WARN_LEVELS * level, MAX_ALPHA):
        return Verdict.OK
    return Verdict.DRIFT if adjusted_p <= level and may_alarm else Verdict.WARN


def tolerated(metric: str, reference: PerformanceReference, own: float | None = None) -> tuple[float, float]:
    """The band of a metric that is no reason to say anything; ``own`` is its configured tolerance."""
    before = reference.metrics[metric]
    if own is None and before.windows >= ENOUGH_WINDOWS:
        half = DEVIATIONS * before.window_deviation
        return before.window_mean - half, before.window_mean + half
    if is_share(metric):
        half = SHARE_TOLERANCE if own is None else own
    else:
        half = (RELATIVE_TOLERANCE if own is None else own) * _scale(metric, reference)
    return before.value - half, before.value + half


def _scale(metric: str, reference: PerformanceReference) -> float:
    """What a relative tolerance is relative to: of a bias, which is near 0, the mean absolute error."""
    by = reference.metrics.get("mae") if metric == "bias" else None
    return abs((by or reference.metrics[metric]).value)


def _p_value(one: Measured, before: ReferenceMetric) -> float:
    """Two-sided, on the scale where the metric's errors are nearest to normal."""
    stretch = _stretch(one.metric, one.value, before.value)
    now, then = (
        one.standard_error * stretch(one.value)[1],
        before.standard_error * stretch(before.value)[1],
    )
    variance = now**2 * before.design_effect + then**2
    difference = abs(stretch(one.value)[0] - stretch(before.value)[0])
    if variance <= 0.0:
        return 1.0 if difference == 0.0 else 0.0
    return math.erfc(difference / math.sqrt(2.0 * variance))


def _stretch(metric: str, *values: float) -> Callable[[float], tuple[float, float]]:
    """A scale as a function from a value to its place there and to the scale's slope.

    The logit for shares and the logarithm for losses, where all values are inside their range.
    """
    name = base_name(metric)
    if name in SHARES - {"r2"} and all(0.0 < value < 1.0 for value in values):
        return lambda value: (math.log(value / (1.0 - value)), 1.0 / (value * (1.0 - value)))
    if name in LOW_IS_GOOD - {"bias"} and all(value > 0.0 for value in values):
        return lambda value: (math.log(value), 1.0 / value)
    return lambda value: (value, 1.0)
