"""Sums in fixed point: exact whole numbers, so that any order and any batching give the same bits."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

SHARE_UNITS = 2**30
"""Units in 1.0 for scores and posteriors, which are at most 1: eight thousand million rows fit."""
LOSS_UNITS = 2**20
"""Units in 1.0 for log losses (at most 36.05) and their squares: six thousand million rows fit."""

VERSION = 1
_SLICE = 2**22  # rows whose fixed-point numbers numpy's bincount, which adds in float64, still adds exactly


def in_shares(values: FloatArray) -> FloatArray:
    """Numbers from 0 to 1 in whole units, as floats."""
    return np.rint(values * SHARE_UNITS)


def in_losses(values: FloatArray) -> FloatArray:
    """Losses in whole units, as floats."""
    return np.rint(values * LOSS_UNITS)


def count_by(cells: NDArray[np.intp], size: int) -> IntArray:
    """How many rows are in each cell."""
    return np.bincount(cells, minlength=size).astype(np.int64, copy=False)


def add_by(cells: NDArray[np.intp], units: FloatArray, size: int) -> IntArray:
    """The sum of whole units in each cell, exact."""
    if len(cells) <= _SLICE:
        return np.bincount(cells, units, size).astype(np.int64)
    total = np.zeros(size, np.int64)
    for start in range(0, len(cells), _SLICE):
        rows = slice(start, start + _SLICE)
        total += np.bincount(cells[rows], units[rows], size).astype(np.int64)
    return total


def total(units: FloatArray) -> int:
    """The sum of whole units, exact."""
    return int(units.astype(np.int64).sum())


def pack(numbers: Sequence[int], arrays: Sequence[IntArray], parts: Sequence[bytes] = ()) -> bytes:
    """The wire form of sums: versioned; equal sums give equal bytes (of one zlib).

    Numbers may exceed 64 bits.
    """
    body = zlib.compress(b"".join(array.astype("<i8").tobytes() for array in arrays), 1)
    return msgspec.msgpack.encode((VERSION, [str(number) for number in numbers], body, list(parts)))


def unpack(
    data: bytes, shapes: Sequence[tuple[int, ...]], what: str
) -> tuple[list[int], list[IntArray], list[bytes]]:
    """Read what `pack` wrote, as arrays of these shapes.

    Raises
    ------
    ValueError
        If it is damaged, of another version or of another reference.
    """
    try:
        version, numbers, body, parts = msgspec.msgpack.decode(
            data, type=tuple[int, list[str], bytes, list[bytes]]
        )
        values = np.frombuffer(zlib.decompress(body), "<i8").astype(np.int64)
    except (msgspec.DecodeError, zlib.error, ValueError) as error:
        raise ValueError(f"stored {what} of {len(data)} bytes are damaged: {error}") from error
    if version != VERSION:
        raise ValueError(f"{what} are stored in version {version}, this driftd reads version {VERSION}")
    sizes = [int(np.prod(shape)) for shape in shapes]
    if sum(sizes) != len(values):
        raise ValueError(
            f"stored {what} have {len(values)} cells where the reference has {sum(sizes)}: "
            "they are of another reference"
        )
    cuts = np.cumsum(sizes)[:-1]
    arrays = [part.reshape(shape) for part, shape in zip(np.split(values, cuts), shapes, strict=True)]
    return [int(number) for number in numbers], arrays, parts


def same(first: Sequence[Any], second: Sequence[Any]) -> bool:
    """Whether two rows of fields are equal, arrays element by element."""
    return all(
        np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
        for one, other in zip(first, second, strict=True)
    )
