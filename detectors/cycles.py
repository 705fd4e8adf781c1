"""Features that come and go with the hour of the day, or of the week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.dependence import Directions

DAY_MS, WEEK_MS = 86_400_000, 604_800_000
LEAST_CYCLES = 3
LEAST_SHARE = 0.1
"""What a cycle explains of how windows differ, at least, to be called one."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cycle:
    """``share`` of the variance between windows is what the same hours of other cycles foretell."""

    name: str
    share: float


def cycle(of: Directions | None, windows: NDArray[np.int64], window_ms: int) -> Cycle | None:
    """The cycle that explains most of how windows differ, in the direction in which it does; None without.

    ``windows`` are the rows' windows, counted from 1970-01-01 and ascending. Each window's mean is foretold
    from those at the same time of *other* days (weeks), so that chance explains nothing. A week has to
    explain more than a day does. At least three cycles are needed, of at least two windows each.
    """
    if of is None or not len(of.rows):
        return None
    groups = windows[of.rows]
    first = int(groups[0])
    size = int(groups[-1]) - first + 1
    rows = np.bincount(groups - first, minlength=size)
    means = of.sums(groups - first, size)[rows > 0] / rows[rows > 0, None]
    numbers = first + np.flatnonzero(rows)
    daily, weekly = (_foretold(means, numbers, period // window_ms) for period in (DAY_MS, WEEK_MS))
    if max(daily, weekly) < LEAST_SHARE:
        return None
    return Cycle("week", weekly) if weekly > daily + LEAST_SHARE else Cycle("day", daily)


def _foretold(means: Floats, numbers: NDArray[np.int64], slots: int) -> float:
    """The largest share of a direction's variance that other cycles' windows in the same slot explain."""
    if slots < 2 or numbers[-1] - numbers[0] + 1 < LEAST_CYCLES * slots:  # noqa: PLR2004
        return 0.0
    slot = numbers % slots
    count = np.bincount(slot, minlength=slots)[slot]
    total = np.column_stack([np.bincount(slot, column, slots)[slot] for column in means.T])
    usable = count > 1
    others = (total[usable] - means[usable]) / (count[usable, None] - 1.0)
    apart = ((means[usable] - others) ** 2).sum(axis=0)
    varied = ((means[usable] - means[usable].mean(axis=0)) ** 2).sum(axis=0)
    return float(np.max(1.0 - apart / np.maximum(varied, 1e-300), initial=0.0))
