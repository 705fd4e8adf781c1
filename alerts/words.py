"""Numbers, shares, times and durations as people say them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SUFFIXES = ("", "k", "M", "G", "T")
UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
MOST_DIGITS = 7
LEAST_ODDS = 1e-6
SMALLEST_POWER = -4  # 0.00012 is read, 1.2e-5 is not worse than its zeros


def number(value: float, digits: int = 3) -> str:
    """Give the number to so many significant digits: 24.7k, 1.2M, 165, 0.034."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    power = _power(value, digits)
    if power >= 3 * len(SUFFIXES) or power < SMALLEST_POWER:
        return _trimmed(f"{value:.{digits - 1}e}")
    thousands = max(power // 3, 0)
    decimals = max(digits - 1 - (power - 3 * thousands), 0)
    return _trimmed(f"{round(value / 1000**thousands, decimals):.{decimals}f}") + SUFFIXES[thousands]


def numbers(one: float, other: float) -> tuple[str, str]:
    """Give both numbers with as many digits as it takes to tell them apart."""
    for digits in range(3, MOST_DIGITS):
        texts = number(one, digits), number(other, digits)
        if texts[0] != texts[1] or one == other:
            return texts
    return number(one, MOST_DIGITS), number(other, MOST_DIGITS)


def percent(share: float, decimals: int | None = None) -> str:
    """Give a share in percent with two digits, or so many decimals: 31 %, 3.4 %, under 0.1 %."""
    if not math.isfinite(share):
        return "unknown"
    if decimals is None:
        decimals = 1 if share < 0.0995 or share > 0.99 else 0  # noqa: PLR2004
    least = 10.0 ** -max(decimals, 1)
    if 0 < share * 100 < least:
        return f"under {least:g} %"
    if 100 - least < share * 100 < 100:  # noqa: PLR2004
        return f"over {100 - least:g} %"
    return f"{_trimmed(f'{share * 100:.{decimals}f}')} %"


def percents(one: float, other: float) -> tuple[str, str]:
    """Give two shares in percent, with as many decimals as it takes to tell them apart."""
    texts = percent(one), percent(other)
    for decimals in range(1, 4):
        if texts[0] != texts[1] or one == other:
            break
        texts = percent(one, decimals), percent(other, decimals)
    return texts


def count(n: int, noun: str) -> str:
    """Give "1 row", "2 rows", "12,345 rows"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def moment(at_ms: int) -> str:
    """Give a time as "31 Mar 2019 00:00 UTC", whatever the machine's language."""
    at = _utc(at_ms)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year} {at:%H:%M} UTC"


def day(at_ms: int) -> str:
    """Give the UTC day as commands and SQL take it: 2019-03-31."""
    return _utc(at_ms).date().isoformat()


def duration(length_ms: int) -> str:
    """Give a length of time in its two largest units: "1 day 6 hours"."""
    left = max(length_ms, 0) // 1000
    parts: list[str] = []
    for name, size_s in UNITS:
        amount, left = divmod(left, size_s)
        if amount:
            parts.append(count(amount, name))
        elif parts:
            break
    return " ".join(parts[:2]) or "no time"


def odds(p: float) -> str:
    """Give a probability as "1 in 250", rounded so that it promises less, not more.

    Nothing is called rarer than one in a million: no model of data is that good.
    """
    if p <= LEAST_ODDS:
        return "1 in a million"
    times = int(1 / p)
    step = 10 ** max(len(str(times)) - 2, 0)
    return f"1 in {times // step * step:,}"


def _power(value: float, digits: int) -> int:
    """Give the power of ten after rounding, so that 999.9 counts as a thousand."""
    return int(f"{abs(value):.{digits - 1}e}".partition("e")[2])


def _trimmed(text: str) -> str:
    """Drop zeros that say nothing: 24.0 is 24, 1.00e-09 is 1e-9."""
    mantissa, e, power = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(power)}" if e else mantissa


def _utc(at_ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
