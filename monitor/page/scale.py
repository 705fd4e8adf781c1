"""Round numbers along an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from detectors.bins import round_step


@dataclass(frozen=True, slots=True)
class Scale:
    """From ``low`` at the bottom to ``high`` at the top, with evenly spaced ticks."""

    low: float
    high: float
    step: float

    @property
    def ticks(self) -> tuple[float, ...]:
        """From the bottom to the top."""
        steps = round((self.high - self.low) / self.step)
        return tuple(self.low + i * self.step for i in range(steps + 1))

    def at(self, value: float, height: float) -> float:
        """Give where a value is drawn, from the top; what is outside is drawn at the edge."""
        share = (value - self.low) / (self.high - self.low)
        return height * (1.0 - min(max(share, 0.0), 1.0))


def scale_of(values: list[float], intervals: int = 4) -> Scale:
    """Cover all values by about so many intervals."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = (low - abs(low) * 0.1, high + abs(high) * 0.1) if low else (0.0, 1.0)
    step = round_step((high - low) / intervals)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Scale(first * step, max(last, first + 1) * step, step)
