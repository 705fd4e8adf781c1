"""What is drawn: kinds of streams, how many of each, how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

NORMAL = tuple(f"normal_{i:02d}" for i in range(12))
EXPONENTIAL = tuple(f"exponential_{i}" for i in range(4))
LOGNORMAL = tuple(f"lognormal_{i}" for i in range(4))
NUMERIC = (*NORMAL, *EXPONENTIAL, *LOGNORMAL)
CATEGORICAL = tuple(f"category_{i}" for i in range(5))
FEATURES = (*NUMERIC, *CATEGORICAL)
SHARES = (0.40, 0.25, 0.20, 0.10, 0.05)
"""What each category of a categorical feature has of the rows."""

AUTOCORRELATION = 0.6  # of neighbouring rows
AMPLITUDE = 0.3  # of the daily cycle, in standard deviations
SPREAD = 1.2
TAIL_SHARE, TAIL_STRETCH = 0.02, 4.0
POINTS = 0.03
CORRELATION = 0.5
RAMP, RAMP_WINDOWS = 0.5, 50
TINY = 0.01
LATE_WINDOWS = 60


class Dependence(StrEnum):
    """How rows hang together."""

    NONE = "independent"
    AUTOCORRELATED = "autocorrelated"
    CYCLE = "daily cycle"


class Change(StrEnum):
    """What changes."""

    NOTHING = "nothing"
    MEAN = "mean"
    SPREAD = "spread"
    TAIL = "tail"
    CATEGORY = "category"
    CORRELATION = "correlation"
    RAMP = "ramp"
    ALL_MEANS = "all means"


@dataclass(frozen=True, slots=True)
class Case:
    """Some streams of one kind: ``before`` windows without the change, then ``after`` with it.

    ``reference_rows`` rows were drawn before them. ``size`` is how large the change is; that of a mean is in
    standard deviations. A window takes so many ``hours``.
    """

    name: str
    title: str
    change: Change = Change.NOTHING
    size: float = 0.0
    streams: int = 10
    before: int = 10
    after: int = 30
    rows: int = 1_000
    reference_rows: int = 10_000
    dependence: Dependence = Dependence.NONE
    hours: int = 1

    @property
    def windows(self) -> int:
        return self.before + self.after

    @property
    def is_null(self) -> bool:
        return self.change is Change.NOTHING


def _null(dependence: Dependence, streams: int, after: int, reference_windows: int, hours: int = 1) -> Case:
    return Case(
        f"null_{dependence.name.lower()}",
        dependence.value,
        streams=streams,
        before=0,
        after=after,
        reference_rows=1_000 * reference_windows,
        dependence=dependence,
        hours=hours,
    )


def _mean(size: float, after: int) -> Case:
    return Case(f"mean_{size:g}", f"mean, {size:g} sd", Change.MEAN, size, after=after)


def _late(case: Case) -> Case:
    """Give the same change when the service has run for two and a half days."""
    title = f"{case.title}, after {LATE_WINDOWS} windows"
    return replace(case, name=f"{case.name}_late", title=title, before=LATE_WINDOWS)


def _large(name: str, title: str, change: Change, size: float) -> Case:
    return Case(name, title, change, size, streams=1, before=0, after=2, rows=200_000, reference_rows=200_000)


NULLS = (
    _null(Dependence.NONE, 10, 130, 10),
    _null(Dependence.AUTOCORRELATED, 4, 130, 10),
    _null(Dependence.CYCLE, 3, 84, 28, hours=6),
)
SHIFTS = (
    _mean(0.05, 50),
    _late(_mean(0.05, 50)),
    _mean(0.1, 30),
    _mean(0.25, 10),
    _mean(0.5, 10),
    Case("spread", f"standard deviation, times {SPREAD:g}", Change.SPREAD, SPREAD, after=20),
    Case(
        "tail", f"tail, {TAIL_SHARE:.0%} of rows {TAIL_STRETCH:g} times as far out", Change.TAIL, TAIL_SHARE
    ),
    Case("category", f"category, {POINTS:.0%} of rows", Change.CATEGORY, POINTS, after=20),
    Case("correlation", f"correlation, 0 to {CORRELATION:g}", Change.CORRELATION, CORRELATION, after=20),
    Case("ramp", f"ramp, 0 to {RAMP:g} sd in {RAMP_WINDOWS} windows", Change.RAMP, RAMP, after=RAMP_WINDOWS),
)
LARGE = (
    _large("large_nothing", "nothing", Change.NOTHING, 0.0),
    _large("large_tiny", f"all means, {TINY:g} sd", Change.ALL_MEANS, TINY),
    _large("large_mean", "mean of one feature, 0.1 sd", Change.MEAN, 0.1),
)
COSTS = tuple(
    Case(f"cost_{rows}", f"{rows:,}", streams=1, before=0, after=after, rows=rows)
    for rows, after in ((1_000, 10), (10_000, 4), (200_000, 1))
)
ALL = (*NULLS, *SHIFTS, *LARGE)


def part(cases: tuple[Case, ...], share: float) -> tuple[Case, ...]:
    """Give this share of the streams, the same ones as in the whole."""
    return tuple(replace(case, streams=max(1, round(share * case.streams))) for case in cases)


def quick(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Give the same kinds with few short streams: enough to see that everything runs."""
    return tuple(
        replace(case, streams=min(case.streams, 2), after=min(case.after, 12))
        for case in cases
        if case.rows < 200_000 or case.name in {"large_tiny", "cost_200000"}
    )


def in_turn(cases: Sequence[Case]) -> Iterator[tuple[Case, int]]:
    """Give every stream of every case, mixed so that whoever stops early has done a like share of each."""
    places = [
        ((number + 0.5) / case.streams, case, number) for case in cases for number in range(case.streams)
    ]
    yield from ((case, number) for _, case, number in sorted(places, key=lambda place: place[0]))
