"""An early warning that needs no label: more and more members of the ensemble are unsure."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from river.drift import ADWIN

LEAST_RISE = 0.02
"""Of the members, on average: ADWIN finds far smaller rises when it has seen enough rows."""
_REMEMBERED = 4_096


class Rise(msgspec.Struct, frozen=True, array_like=True):
    """The share of abstaining members rose from ``before`` to ``after``, means of the rows on either side.

    ``rows_since`` rows have come since, the last of them at ``noticed_ms``; times are event times.
    """

    changed_ms: int
    noticed_ms: int
    before: float
    after: float
    rows_since: int


class AbstentionWatch:
    """ADWIN on the share of abstaining members, row by row.

    Only rises are told: as the challenger learns its members become surer, so the share falls by itself.
    A rise comes when rows come from where members are unsure, before any label; it also comes after labels
    have taught some members that the concept is another one.
    ADWIN says that something has changed; when, and by how much, is the split of its window (of the last
    4,096 rows at most) into two means that fits best. River's ADWIN begins anew after each change.

    References: Bifet, A. and Gavalda, R. (2007), Learning from time-changing data with adaptive windowing,
    SDM 2007, with river's delta of 0.002; Bai, J. (1994), Least squares estimation of a shift in linear
    processes, Journal of Time Series Analysis 15(5).
    """

    def __init__(self) -> None:
        self._adwin: Any = ADWIN()  # type: ignore[no-untyped-call]
        self._times_ms: deque[int] = deque(maxlen=_REMEMBERED)
        self._shares: deque[float] = deque(maxlen=_REMEMBERED)

    def step(self, time_ms: int, share: float) -> Rise | None:
        """Take the next row in; give the rise that it completes. A share that is no number is left out."""
        if not math.isfinite(share):
            return None
        self._times_ms.append(time_ms)
        self._shares.append(share)
        rows = int(self._adwin.width) + 1  # before it drops what is old
        self._adwin.update(share)
        if not self._adwin.drift_detected:
            return None
        shares = np.array(self._shares)[-rows:]
        split = best_split(shares)
        before, after = shares[:split], shares[split:]
        if after.mean() - before.mean() < LEAST_RISE:
            return None
        changed_ms = self._times_ms[-len(after)]
        return Rise(changed_ms, time_ms, float(before.mean()), float(after.mean()), len(after))


def best_split(values: NDArray[np.float64]) -> int:
    """Give the length of the first of the two parts whose means explain most of the variance."""
    n = len(values)
    sizes = np.arange(1, n)
    first = np.cumsum(values)[:-1]
    gap = first / sizes - (values.sum() - first) / (n - sizes)
    return int((sizes * (n - sizes) * gap**2).argmax()) + 1
