"""The stored form of counts: versioned, compact, exact."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.counts_categorical import CategoricalCounts
from detectors.counts_numeric import NumericCounts
from detectors.grid import CategoricalGrid, Grid, NumericGrid

VERSION = 1
NUMERIC, CATEGORICAL = b"N", b"C"
_NUMERIC_HEAD = struct.Struct("<6Q2d")  # tallies, minimum, maximum
_CATEGORICAL_HEAD = struct.Struct("<5QI")  # tallies, number of unseen categories
_VECTOR_HEAD = struct.Struct("<BI")  # bytes per number, how many numbers
_WIDTHS = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}


def encode(counts: NumericCounts | CategoricalCounts) -> bytes:
    """The bytes of the counts; equal counts give equal bytes (of one zlib)."""
    numeric = isinstance(counts, NumericCounts)
    body = _numeric_body(counts) if isinstance(counts, NumericCounts) else _categorical_body(counts)
    return bytes([VERSION]) + (NUMERIC if numeric else CATEGORICAL) + zlib.compress(body, 1)


def decode(data: bytes, grid: Grid) -> NumericCounts | CategoricalCounts:
    """The counts that `encode` wrote, on the grid they were counted on.

    Raises
    ------
    ValueError
        If the bytes are of another version, of another kind or size of grid,
        or damaged.
    """
    kind = CATEGORICAL if isinstance(grid, CategoricalGrid) else NUMERIC
    if len(data) < 2 or data[0] != VERSION:  # noqa: PLR2004
        found = data[0] if data else "none"
        raise ValueError(
            f"stored counts have format version {found}, this driftd reads version {VERSION}: "
            "run the version that wrote them, or build the window again"
        )
    if data[1:2] != kind:
        raise ValueError(f"stored counts are of kind {data[1:2]!r}, the feature's grid is of kind {kind!r}")
    try:
        body = zlib.decompress(data[2:])
        return _categorical(body, grid) if isinstance(grid, CategoricalGrid) else _numeric(body, grid)
    except (zlib.error, struct.error, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"stored counts of {len(data)} bytes are damaged: {error!r}") from error


def _numeric_body(counts: NumericCounts) -> bytes:
    head = _NUMERIC_HEAD.pack(*counts.tallies(), counts.minimum, counts.maximum)
    return head + _pack(np.concatenate([counts.on, counts.between]))


def _numeric(body: bytes, grid: NumericGrid) -> NumericCounts:
    beside = _NUMERIC_HEAD.unpack_from(body)  # in the order of the fields
    size = len(grid.points)
    vector, _ = _unpack(body, _NUMERIC_HEAD.size, 2 * size + 1)
    return NumericCounts(vector[:size], vector[size:], *beside)


def _categorical_body(counts: CategoricalCounts) -> bytes:
    names = sorted(counts.unseen)
    texts = [name.encode("utf-8", "surrogatepass") for name in names]
    head = _CATEGORICAL_HEAD.pack(*counts.tallies(), len(names))
    shares = _pack([counts.unseen[name] for name in names])
    return head + _pack(counts.known) + shares + _pack([len(text) for text in texts]) + b"".join(texts)


def _categorical(body: bytes, grid: CategoricalGrid) -> CategoricalCounts:
    *tallies, unseen = _CATEGORICAL_HEAD.unpack_from(body)
    known, at = _unpack(body, _CATEGORICAL_HEAD.size, len(grid.categories))
    numbers, at = _unpack(body, at, unseen)
    lengths, at = _unpack(body, at, unseen)
    kept: dict[str, int] = {}
    for number, length in zip(numbers.tolist(), lengths.tolist(), strict=True):
        kept[body[at : at + length].decode("utf-8", "surrogatepass")] = number
        at += length
    return CategoricalCounts(known, kept, *tallies)


def _pack(numbers: NDArray[np.int64] | Sequence[int]) -> bytes:
    """A vector in the smallest unsigned type that holds its largest number."""
    vector = np.asarray(numbers, np.int64)
    width = np.min_scalar_type(int(vector.max(initial=0))).itemsize
    return _VECTOR_HEAD.pack(width, len(vector)) + vector.astype(_WIDTHS[width]).tobytes()


def _unpack(body: bytes, at: int, size: int) -> tuple[NDArray[np.int64], int]:
    """The vector at a position of the body, and the position after it."""
    width, found = _VECTOR_HEAD.unpack_from(body, at)
    if found != size:
        raise ValueError(
            f"stored counts have {found} cells where the grid has {size}: they are of another grid"
        )
    start = at + _VECTOR_HEAD.size
    end = start + width * size
    if end > len(body):
        raise ValueError(f"stored counts are damaged: {len(body)} bytes where {end} are needed")
    return np.frombuffer(body[start:end], _WIDTHS[width]).astype(np.int64), end
