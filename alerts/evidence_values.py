"""What annotations hold, read without trust: they are JSON that may be of any shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

END_OF_TIME_MS = 253_402_300_800_000  # the year 10000


def mapping(value: object) -> Mapping[str, Any]:
    """Give the mapping, empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Give the members of a list as mappings, without those that are empty."""
    return [mapping(each) for each in value if each] if isinstance(value, list | tuple) else []


def real(value: object) -> float | None:
    """Give a finite number, or None for anything else that annotations may hold."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def instant_ms(value: object) -> int | None:
    """Give a time that can be written down, or None."""
    at = real(value)
    return int(at) if at is not None and 0 <= at < END_OF_TIME_MS else None
