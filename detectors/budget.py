"""The alert budget: how many false alarms are allowed, and what each test may spend."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_ALPHA = 0.05

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s+per\s+(\d+(?:\.\d+)?)\s*([smhdw])\s*")


@dataclass(frozen=True, slots=True)
class Budget:
    """``alarms`` expected false alarms in ``per_s`` seconds."""

    alarms: float
    per_s: float


def parse_budget(text: str) -> Budget:
    """The budget written as in "1 per 30d".

    Raises
    ------
    ValueError
        If the text is of another form, or a number is not positive.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(
            f'"{text}" is not an alert budget: write a number, "per" and a duration '
            'in s, m, h, d or w, as in "1 per 30d"'
        )
    alarms, length = float(match[1]), float(match[2])
    if alarms <= 0.0 or length <= 0.0:
        raise ValueError(f'the alert budget "{text}" has to be positive, as in "0.5 per 30d"')
    return Budget(alarms, length * _SECONDS[match[3]])


def levels(window_s: float, windows_up_to_s: float) -> tuple[int, ...]:
    """The window lengths to test, in base windows: 1, 2, 4 ... while they are at most the longest.

    The base window itself is always tested.
    """
    if window_s <= 0.0:
        raise ValueError(f"a window of {window_s} s has no length")
    multiples = [1]
    while 2 * multiples[-1] * window_s <= windows_up_to_s:
        multiples.append(2 * multiples[-1])
    return tuple(multiples)


def alpha(budget: Budget, window_s: float, multiple: int, n_levels: int) -> float:
    """What one closed window of this length may spend: its share of the expected false alarms.

    By the union bound the expected number of false alarms keeps the budget
    whatever the dependence between tests, windows and lengths, if every
    window spends at most this. Capped at 0.05.
    """
    return min(MAX_ALPHA, budget.alarms * window_s * multiple / budget.per_s / n_levels)


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Adjusted p-values that keep the family-wise error under any dependence [1]_.

    A test without a p-value was not made: it stays None and does not count.

    References
    ----------
    .. [1] Holm, S. (1979), A simple sequentially rejective multiple test
       procedure, Scandinavian Journal of Statistics 6.
    """
    made = sorted((p, position) for position, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, position) in enumerate(made):
        highest = max(highest, min(1.0, p * (len(made) - rank)))
        adjusted[position] = highest
    return tuple(adjusted)
