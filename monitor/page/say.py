"""Values as the page writes them."""

from __future__ import annotations

from datetime import UTC, datetime

from alerts import words
from monitor.config import Duration

UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000))


def instant(at: int | datetime) -> datetime:
    """Give a time, whether it came as event time or as a moment."""
    return at.astimezone(UTC) if isinstance(at, datetime) else datetime.fromtimestamp(at / 1000, UTC)


def iso(at: int | datetime) -> str:
    """Give a time for machines."""
    return f"{instant(at):%Y-%m-%dT%H:%M:%SZ}"


def stamp(at: int | datetime) -> str:
    """Give a time in full: 2026-03-01 06:00."""
    return f"{instant(at):%Y-%m-%d %H:%M}"


def number(value: float | None) -> str:
    """Give a number to three digits, nothing for none."""
    return "" if value is None else words.number(value)


def percent(value: float | None) -> str:
    """Give a share in percent, nothing for none."""
    return "" if value is None else words.percent(value)


def age(length_ms: int) -> str:
    """Give a length of time in its largest unit: 3 h, 12 min."""
    for unit, size in UNITS:
        if length_ms >= size:
            return f"{length_ms // size} {unit}"
    return "0 s"


def length(length_ms: int) -> str:
    """Give the length of a window as the configuration writes it."""
    return str(Duration(length_ms))
