"""Timestamps of rows, in any of the forms people log them, as milliseconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.decode.layout import TimestampUnit

UNREADABLE = np.iinfo(np.int64).min
"""Stands where a cell is no timestamp."""
UNKNOWN_TIME = UNREADABLE + 1
"""The smallest 64-bit number and one: the time of a label when neither it nor its record has one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_PER_MS = {"s": 1e-3, "ms": 1.0, "us": 1e3, "ns": 1e6}
_AUTO_BOUNDS = (1e11, 1e14, 1e17)  # seconds, milliseconds and microseconds lie below these
_EARLIEST_MS = -2_208_988_800_000  # 1900-01-01: nothing was logged before
_LIMIT_MS = 253_402_214_400_000  # the last day of year 9999: later times fit into no database


def milliseconds(cells: Sequence[Any], unit: TimestampUnit) -> NDArray[np.int64]:
    """Milliseconds of each cell; `UNREADABLE` where there is none.

    Text is ISO 8601 (without an offset: UTC). Numbers are in ``unit``; with "auto" their size tells: below
    1e11 seconds (until the year 5138), below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds.
    """
    times_ms = _read(cells, unit)
    return np.where((times_ms >= _EARLIEST_MS) & (times_ms < _LIMIT_MS), times_ms, UNREADABLE)


def _read(cells: Sequence[Any], unit: TimestampUnit) -> NDArray[np.int64]:
    kinds = set(map(type, cells))
    if kinds == {str} and unit in ("auto", "iso8601"):
        return _texts(cells)
    if kinds <= {int, float} and unit != "iso8601":
        return _numbers(cells, unit)
    return _mixed(cells, unit)


def _mixed(cells: Sequence[Any], unit: TimestampUnit) -> NDArray[np.int64]:
    """Read texts together and numbers together: one odd message must not slow a thousand others down."""
    times_ms = np.full(len(cells), UNREADABLE, dtype=np.int64)
    texts = [i for i, cell in enumerate(cells) if type(cell) is str]
    numbers = [i for i, cell in enumerate(cells) if type(cell) in (int, float)]  # a bool is none
    if texts and unit in ("auto", "iso8601"):
        times_ms[texts] = _texts([cells[i] for i in texts])
    if numbers and unit != "iso8601":
        times_ms[numbers] = _numbers([cells[i] for i in numbers], unit)
    return times_ms


def _iso(cell: str) -> int:
    try:
        time = datetime.fromisoformat(cell)
    except ValueError:
        return UNREADABLE
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return (time - _EPOCH) // _MILLISECOND  # exact, unlike timestamp()


_COMMON = b"0000-00-00T00:00:00.000000Z"
_ISO_LENGTHS = (20, 24, 27)  # 2026-11-23T15:30:00Z, with milliseconds, with microseconds


def _texts(cells: Sequence[str]) -> NDArray[np.int64]:
    """Parse in one call when all are UTC in one common form, else one by one."""
    lengths = set(map(len, cells))
    if len(lengths) == 1 and lengths <= set(_ISO_LENGTHS):
        try:
            if _are_common("".join(cells).encode("ascii"), len(cells[0])):
                return np.array([cell[:-1] for cell in cells], dtype="datetime64[ms]").astype(np.int64)
        except ValueError:
            pass  # a month 13, or a letter beyond ASCII
    return np.array([_iso(cell) for cell in cells], dtype=np.int64)


def _are_common(cells: bytes, length: int) -> bool:
    """Tell whether digits are where digits belong: numpy by itself takes much else for a time."""
    wanted = np.frombuffer(_COMMON[: length - 1] + b"Z", np.uint8)
    letters, is_digit = np.frombuffer(cells, np.uint8).reshape(-1, length), wanted == ord("0")
    others = letters[:, ~is_digit] == wanted[~is_digit]
    return bool(others.all() and (letters[:, is_digit] - ord("0") <= 9).all())  # noqa: PLR2004  # the largest digit


def _numbers(cells: Sequence[float], unit: TimestampUnit) -> NDArray[np.int64]:
    try:
        values = np.array(cells, dtype=np.float64)
    except OverflowError:
        values = np.array([_clipped(cell) for cell in cells], dtype=np.float64)
    with np.errstate(over="ignore"):  # what becomes infinite is no time
        if unit == "auto":
            size = np.abs(values)
            values = np.select(
                [size < bound for bound in _AUTO_BOUNDS], [values * 1e3, values, values / 1e3], values / 1e6
            )
        else:
            values = values / _PER_MS[unit]
    good = np.isfinite(values) & (np.abs(values) < _LIMIT_MS)
    return np.where(good, np.floor(np.where(good, values, 0.0)), float(UNREADABLE)).astype(np.int64)


def _clipped(cell: float) -> float:
    try:
        return float(cell)
    except OverflowError:
        return float("inf")
