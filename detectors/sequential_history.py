"""What a sequential detector has seen, in bounded memory: to tell when the change began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

KEPT = 64  # blocks of each length, or one more

Floats = NDArray[np.float64]
Times = NDArray[np.int64]


class Split(NamedTuple):
    """A series in two parts: the time of the later part's first row, its rows, and the parts' means."""

    changed_at_ms: int
    rows_since: int
    before: float
    after: float


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Values in [0, 1] in order, the newest `KEPT` one by one, those before in sums of 2, 4, 8 ... rows.

    A place d rows ago is known to within ``1 + d / 64`` rows. N rows take about
    ``64 log2(N / 64)`` blocks. The same rows give the same history, however they were cut
    into batches. ``levels[k]`` holds the sums of blocks of ``2**k`` rows and the
    time of each block's first row, oldest first.
    """

    levels: tuple[tuple[Floats, Times], ...] = ()

    @property
    def rows(self) -> int:
        return sum(len(sums) << level for level, (sums, _) in enumerate(self.levels))

    def append(self, values: Floats, times_ms: Times) -> Self:
        """The history with these rows at its end."""
        levels = []
        sums, times = values, times_ms
        for level in range(64):
            if level < len(self.levels):
                sums = np.concatenate((self.levels[level][0], sums))
                times = np.concatenate((self.levels[level][1], times))
            if not len(sums):
                break
            merged = max(0, (len(sums) - KEPT) // 2) * 2
            levels.append((sums[merged:].copy(), times[merged:].copy()))
            sums, times = sums[:merged:2] + sums[1:merged:2], times[:merged:2]
        return type(self)(tuple(levels))

    def split(self, rows_since: int | None = None) -> Split:
        """The series in two, at the block's edge nearest to ``rows_since`` rows ago.

        If that is None, at the edge where two means explain the values best: the
        maximum-likelihood estimate of the change point of Bernoulli trials
        (Hinkley and Hinkley, 1970, Biometrika 57), which for other values in [0, 1] is a
        quasi-likelihood. At least two rows are needed.
        """
        sizes = np.concatenate([np.full(len(sums), 1 << k) for k, (sums, _) in enumerate(self.levels)][::-1])
        sums = np.concatenate([sums for sums, _ in self.levels][::-1])
        times = np.concatenate([times for _, times in self.levels][::-1])
        rows, total = sizes.cumsum(), sums.cumsum()
        n_before, n_after = rows[:-1], rows[-1] - rows[:-1]
        before = np.clip(total[:-1] / n_before, 0.0, 1.0)
        after = np.clip((total[-1] - total[:-1]) / n_after, 0.0, 1.0)
        if rows_since is None:
            at = int(np.argmax(n_before * _log_likelihood(before) + n_after * _log_likelihood(after)))
        else:
            at = int(np.argmin(np.abs(n_after - rows_since)))
        return Split(int(times[at + 1]), int(n_after[at]), float(before[at]), float(after[at]))


def _log_likelihood(mean: Floats) -> Floats:
    """The mean log-likelihood of Bernoulli trials under their own mean."""
    return np.asarray(xlogy(mean, mean) + xlogy(1.0 - mean, 1.0 - mean), np.float64)
