"""What a picture of values over time is made of, for the script that lets people zoom into it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from monitor.page.series import Drawn, Point, Series

DIGITS = 6


def figures(drawn: Drawn, written: Callable[[float], str]) -> str:
    """Give the figures as JSON: a column for each window, null where nothing is known."""
    stretch, scale = drawn.stretch, drawn.scale
    known = {point.start_ms for one in drawn.series for point in one.points}
    starts = sorted(known.union(stretch.starts))
    given = {
        "begin": stretch.start_ms,
        "end": stretch.end_ms,
        "length": stretch.length_ms,
        "low": _short(scale.low),
        "high": _short(scale.high),
        "unit": "%" if written(0.5).endswith("%") else "",
        "at": starts,
        "series": [_columns(one, starts) for one in drawn.series if one.points],
        "levels": [_short(level.value) for level in drawn.levels],
        "spans": [(span.start_ms, span.end_ms) for span in drawn.spans],
    }
    return msgspec.json.encode(given).decode()


def _columns(one: Series, starts: Sequence[int]) -> dict[str, Any]:
    of = {point.start_ms: point for point in one.points}
    nothing = Point(0, math.nan)  # NaN is null in JSON
    found = [of.get(start, nothing) for start in starts]
    return {
        "style": one.style,
        "value": [_short(point.value) for point in found],
        "low": [_short(point.low) for point in found],
        "high": [_short(point.high) for point in found],
        "bad": [point.is_bad for point in found],
    }


def _short(value: float | None) -> float | None:
    """Give as many digits as a picture needs."""
    return None if value is None else float(f"{value:.{DIGITS}g}")
