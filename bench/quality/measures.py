"""From answers to figures: false alarms, delays, thresholds that give all the same rate of false alarms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2
from scipy.stats import t as student

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
TYPICAL = 0.99
"""This quantile of a distance without drift is one unit of it, where each feature has its own threshold."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Of ``windows`` without a change ``alarming`` had an alarm, in ``begun`` of them one began."""

    windows: int
    alarming: int
    begun: int

    @property
    def begun_rate(self) -> float:
        return self.begun / self.windows if self.windows else math.nan

    def per_thousand(self, count: int) -> float:
        return 1_000.0 * count / self.windows if self.windows else math.nan

    def interval(self, count: int) -> tuple[float, float]:
        """The exact 95 % interval of a Poisson mean, per thousand windows."""
        if not self.windows:
            return 0.0, math.inf
        low = chi2.ppf(0.025, 2 * count) / 2.0 if count else 0.0
        high = chi2.ppf(0.975, 2 * count + 2) / 2.0
        return float(1_000.0 * low / self.windows), float(1_000.0 * high / self.windows)


@dataclass(frozen=True, slots=True)
class Flagged:
    """In ``alarming`` of ``windows`` something was flagged: on average ``features`` in a window."""

    windows: int
    alarming: int
    features: float


def flagged(streams: Sequence[Flags]) -> Flagged:
    """Count what is flagged."""
    every = np.concatenate(streams)
    return Flagged(len(every), int(every.any(axis=1).sum()), float(every.sum(axis=1).mean()))


def false_alarms(streams: Sequence[Flags]) -> FalseAlarms:
    """Count over streams of windows by features. An alarm begins where there was none the window before."""
    windows = alarming = begun = 0
    for alarms in streams:
        before = np.vstack([np.zeros((1, alarms.shape[1]), bool), alarms[:-1]])
        windows += len(alarms)
        alarming += int(alarms.any(axis=1).sum())
        begun += int((alarms & ~before).any(axis=1).sum())
    return FalseAlarms(windows, alarming, begun)


def delay(alarms: Flags, before: int) -> float:
    """The windows from the first changed one, which is 1, to the first alarm; infinite without one.

    ``alarms`` are those of what changed; alarms in the ``before`` windows without the change do not count.
    """
    found = np.flatnonzero(alarms[before:].any(axis=1))
    return float(found[0]) + 1.0 if len(found) else math.inf


@dataclass(frozen=True, slots=True)
class Delays:
    """How long changes went on until they were found, in windows.

    ``median`` is over all streams: infinite when fewer than half were found. In ``each``, by the stream's
    number, and in ``mean`` those that were not found count as one window more than they had.
    """

    found: float
    median: float
    each: Mapping[int, float]

    @property
    def streams(self) -> int:
        return len(self.each)

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.each.values()))) if self.each else math.nan

    @property
    def error(self) -> float:
        """The standard error of the mean; nothing is known of it from one stream."""
        return (
            float(np.std(list(self.each.values()), ddof=1)) / self.streams**0.5
            if self.streams > 1
            else math.nan
        )


def summary(delays: Mapping[int, float], after: int) -> Delays:
    """Sum up the streams of one case, by number, each with ``after`` changed windows."""
    values = np.sort(list(delays.values()))
    if not len(values):
        return Delays(math.nan, math.nan, {})
    median = float(values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2.0
    each = {number: min(delay, after + 1.0) for number, delay in delays.items()}
    return Delays(float(np.isfinite(values).mean()), median, each)


def is_later(one: Delays, other: Delays) -> bool:
    """Tell whether one is surely later than the other: Student's t of the same streams at 95 %."""
    both = sorted(one.each.keys() & other.each.keys())
    apart = np.array([one.each[number] - other.each[number] for number in both])
    if len(both) < 2 or not apart.any():
        return False
    error = apart.std(ddof=1) / len(both) ** 0.5
    return bool(apart.mean() > student.ppf(0.975, len(both) - 1) * error)


def units(scores: Sequence[Floats]) -> Floats:
    """Each feature's unit: a high quantile of its scores over streams without a change."""
    every = np.concatenate(scores)
    result: Floats = np.nanquantile(every, TYPICAL, axis=0)
    return np.where(result > 0.0, result, 1.0)


def threshold(scores: Sequence[Floats], rate: float) -> float:
    """The score above which alarms begin in at most this share of the windows without a change.

    Where that is less than one window, the highest score of all: what is found at that threshold is found at
    more than this rate of false alarms, to the advantage of whoever has the scores.
    """
    highest = np.sort(np.concatenate([np.nanmax(each, axis=1) for each in scores]))[::-1]
    allowed = math.floor(rate * len(highest) + 1e-9)
    return float(highest[min(allowed, len(highest) - 1)])
