"""A bounded sample of single losses, for the detectors that need rows in the order of time."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

MAX_KEPT = 4096  # distinct hashes: 25 bytes a row, at most 100 kB
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class LossSample:
    """The rows with the `MAX_KEPT` smallest hashes: a simple random sample of all rows.

    ``loss`` is in [0, 1]: 0 for right and 1 for wrong, of a regression the share of
    the reference's rows with a smaller absolute error. ``bias`` is in [0, 1] with 0.5
    for none: of a binary model 1 for a false positive and 0 for a false negative,
    of a regression the share of the reference's rows with a smaller signed error, of several classes
    always 0.5. All arrays have one entry a row and are sorted by hash.

    ``weights`` says how often a row was added less how often it was taken away
    (None: each once). A hash of which nothing is left keeps its place with one row of
    weight 0: so what is kept depends only on the hashes ever seen, and any order of
    `merge` and `minus` gives equal samples.
    """

    times_ms: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    loss: NDArray[np.float32]
    bias: NDArray[np.float32]
    weights: NDArray[np.int64] | None = None

    @classmethod
    def empty(cls) -> LossSample:
        return cls(
            np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.float32), np.zeros(0, np.float32)
        )

    @classmethod
    def of(
        cls,
        times_ms: NDArray[np.int64],
        hashes: NDArray[np.uint64],
        loss: NDArray[np.float32],
        bias: NDArray[np.float32],
    ) -> LossSample:
        """The sample of one batch of rows, in any order."""
        size = len(hashes)
        if size <= MAX_KEPT:
            return _settled(cls(times_ms, hashes, loss, bias), hashes.argsort(kind="stable"))
        order = hashes.argpartition(MAX_KEPT)[:MAX_KEPT]
        order = order[hashes[order].argsort(kind="stable")]
        chosen = hashes[order]
        if (chosen[1:] == chosen[:-1]).any() or np.count_nonzero(hashes == chosen[-1]) > 1:
            order = hashes.argsort(kind="stable")  # fewer hashes than rows are among the smallest
        return _settled(cls(times_ms, hashes, loss, bias), order)

    def __len__(self) -> int:
        """The rows that are there: added more often than taken away."""
        return len(self.hashes) if self.weights is None else int(np.count_nonzero(self.weights > 0))

    def merge(self, other: LossSample) -> LossSample:
        """The sample of all rows of both; neither part changes."""
        return self._joined(other, 1)

    def minus(self, other: LossSample) -> LossSample:
        """The sample without the rows of a part that was merged before, or will be."""
        return self._joined(other, -1)

    def in_time_order(self) -> LossSample:
        """The rows that are there, each once, by time, ties by hash."""
        order = np.lexsort((self.bias, self.loss, self.hashes, self.times_ms))
        if self.weights is not None:
            order = order[self.weights[order] > 0]
        return LossSample(self.times_ms[order], self.hashes[order], self.loss[order], self.bias[order])

    def _joined(self, other: LossSample, sign: int) -> LossSample:
        if not len(other.hashes):
            return self
        joined = LossSample(
            np.concatenate((self.times_ms, other.times_ms)),
            np.concatenate((self.hashes, other.hashes)),
            np.concatenate((self.loss, other.loss)),
            np.concatenate((self.bias, other.bias)),
            _joined_weights(self, other, sign),
        )
        return _settled(joined, joined.hashes.argsort(kind="stable"))  # merges two sorted runs

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LossSample):
            return NotImplemented
        return (
            np.array_equal(self.hashes, other.hashes)
            and np.array_equal(self.times_ms, other.times_ms)
            and np.array_equal(self.loss, other.loss)
            and np.array_equal(self.bias, other.bias)
            and np.array_equal(_weights(self), _weights(other))
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def _settled(rows: LossSample, order: NDArray[np.intp]) -> LossSample:
    """The rows in this order of rising hashes, equal ones added up, at most `MAX_KEPT` hashes."""
    hashes = rows.hashes[order]
    if (hashes[1:] == hashes[:-1]).any():
        return _added_up(rows)
    order = order[:MAX_KEPT]
    return _cleared(_taken(rows, order, None if rows.weights is None else rows.weights[order]))


def _taken(rows: LossSample, order: NDArray[np.intp], weights: NDArray[np.int64] | None) -> LossSample:
    return LossSample(rows.times_ms[order], rows.hashes[order], rows.loss[order], rows.bias[order], weights)


def _added_up(rows: LossSample) -> LossSample:
    """`_settled` for repeated hashes: rows that are equal in everything become one."""
    order = np.lexsort((rows.bias, rows.loss, rows.times_ms, rows.hashes))
    ordered = _taken(rows, order, _weights(rows)[order])
    is_new_hash = _changes(ordered.hashes)
    is_new = is_new_hash | _changes(ordered.times_ms) | _changes(ordered.loss) | _changes(ordered.bias)
    starts = np.flatnonzero(is_new)
    weights = np.add.reduceat(_weights(ordered), starts)
    hash_of = np.cumsum(is_new_hash)[starts] - 1  # which distinct hash each row has
    is_alive = np.bincount(hash_of, weights != 0) > 0
    is_first = np.concatenate(([True], hash_of[1:] != hash_of[:-1]))
    kept = ((weights != 0) | (is_first & ~is_alive[hash_of])) & (hash_of < MAX_KEPT)
    return _cleared(_taken(ordered, starts[kept], weights[kept]))


def _cleared(rows: LossSample) -> LossSample:
    """One form for equal samples: rows of weight 0 keep only their hash, and all ones are None."""
    if rows.weights is None or (rows.weights == 1).all():
        return LossSample(rows.times_ms, rows.hashes, rows.loss, rows.bias)
    is_there = rows.weights != 0
    return LossSample(
        rows.times_ms * is_there, rows.hashes, rows.loss * is_there, rows.bias * is_there, rows.weights
    )


def _weights(sample: LossSample) -> NDArray[np.int64]:
    return np.ones(len(sample.hashes), np.int64) if sample.weights is None else sample.weights


def _joined_weights(first: LossSample, second: LossSample, sign: int) -> NDArray[np.int64] | None:
    if sign == 1 and first.weights is None and second.weights is None:
        return None
    return np.concatenate((_weights(first), sign * _weights(second)))


def _changes(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Where a value differs from the one before; the first one does."""
    is_new = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=is_new[1:])
    return is_new


def encode(sample: LossSample) -> bytes:
    """The wire form: exact, versioned, the same on every machine."""
    arrays = (
        sample.times_ms.astype("<i8").tobytes(),
        sample.hashes.astype("<u8").tobytes(),
        sample.loss.astype("<f4").tobytes(),
        sample.bias.astype("<f4").tobytes(),
        None if sample.weights is None else sample.weights.astype("<i8").tobytes(),
    )
    return msgspec.msgpack.encode((VERSION, *arrays))


def decode(data: bytes) -> LossSample:
    """Read the wire form.

    Raises
    ------
    ValueError
        If it was written by another version.
    """
    version, times_ms, hashes, loss, bias, weights = msgspec.msgpack.decode(data)
    if version != VERSION:
        raise ValueError(f"losses are stored in version {version}, this driftd reads version {VERSION}")
    return LossSample(
        np.frombuffer(times_ms, "<i8").astype(np.int64),
        np.frombuffer(hashes, "<u8").astype(np.uint64),
        np.frombuffer(loss, "<f4").astype(np.float32),
        np.frombuffer(bias, "<f4").astype(np.float32),
        None if weights is None else np.frombuffer(weights, "<i8").astype(np.int64),
    )
