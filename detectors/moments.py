"""How many values, their sum and the sum of their squares: what means are compared by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

UNITS = 1_000_000
"""Values are kept to a millionth, as whole numbers: any order and any batching give the same sums."""
MOST = 1e12
"""A value beyond this counts as none."""


@dataclass(frozen=True, slots=True)
class Moments:
    """The sums of any number of values, in 1/`UNITS` and its square: a commutative group."""

    n: int = 0
    total: int = 0
    squares: int = 0

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Self:
        """Sum up the values that are numbers."""
        usable = values[np.abs(values) <= MOST]  # NaN is not
        units = np.rint(usable * UNITS).astype(np.int64).tolist()
        return cls(len(units), sum(units), sum(unit * unit for unit in units))

    @classmethod
    def known(cls, n: int, total: float, squares: float) -> Self:
        """Take sums as they were stored, in the values' own unit."""
        return cls(n, round(total * UNITS), round(squares * UNITS * UNITS))

    def merge(self, other: Self) -> Self:
        """The sums of both."""
        return type(self)(self.n + other.n, self.total + other.total, self.squares + other.squares)

    def minus(self, other: Self) -> Self:
        """The sums without those of a part."""
        return type(self)(self.n - other.n, self.total - other.total, self.squares - other.squares)

    @property
    def sum(self) -> float:
        """The sum in the values' own unit."""
        return self.total / UNITS

    @property
    def sum_of_squares(self) -> float:
        """The sum of squares in the values' own unit."""
        return self.squares / (UNITS * UNITS)

    @property
    def mean(self) -> float:
        """The mean; NaN of no values."""
        return self.total / (self.n * UNITS) if self.n else math.nan

    @property
    def variance(self) -> float:
        """The unbiased variance; NaN of fewer than two values."""
        if self.n < 2:  # noqa: PLR2004
            return math.nan
        apart = max(self.n * self.squares - self.total * self.total, 0)
        return apart / (self.n * (self.n - 1) * UNITS * UNITS)
