"""A bounded sample of single losses, for the detectors that need rows in the order of time."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.outputs import OutputRows, Task
from detectors.performance_errors import errors_of
from detectors.performance_layout import OnLayout, PerformanceLayout

FloatArray = NDArray[np.float64]

MAX_KEPT = 4096  # distinct hashes: 24 bytes a row, at most 100 kB
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class LossSample:
    """The rows with the `MAX_KEPT` smallest hashes: a simple random sample of all rows.

    ``loss`` is in [0, 1]: 0 for right and 1 for wrong, of a regression the share of
    the reference's rows with a smaller absolute error. ``bias`` is in [0, 1] with 0.5
    for none: of a binary model 1 for a false positive and 0 for a false negative,
    of a regression the share of the reference's rows with a smaller signed error, of several classes
    always 0.5. All arrays have one entry a row and are sorted by hash.

    Each hash is there once: of rows with equal hashes the one with the smallest (time, loss,
    bias) is kept, so `merge` is commutative, associative and idempotent.
    """

    times_ms: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    loss: NDArray[np.float32]
    bias: NDArray[np.float32]

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
        return _smallest(cls(times_ms, hashes, loss, bias))

    def __len__(self) -> int:
        return len(self.hashes)

    def merge(self, other: LossSample) -> LossSample:
        """The sample of all rows of both; neither part changes."""
        joined = LossSample(
            np.concatenate((self.times_ms, other.times_ms)),
            np.concatenate((self.hashes, other.hashes)),
            np.concatenate((self.loss, other.loss)),
            np.concatenate((self.bias, other.bias)),
        )
        return _smallest(joined)

    def in_time_order(self) -> LossSample:
        """The rows by time, ties by hash."""
        return _taken(self, np.lexsort((self.hashes, self.times_ms)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LossSample):
            return NotImplemented
        return (
            np.array_equal(self.hashes, other.hashes)
            and np.array_equal(self.times_ms, other.times_ms)
            and np.array_equal(self.loss, other.loss)
            and np.array_equal(self.bias, other.bias)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def loss_sample(
    reference: OnLayout,
    rows: OutputRows,
    labels: FloatArray,
    times_ms: NDArray[np.int64],
    hashes: NDArray[np.uint64],
) -> LossSample:
    """The sample of one batch of rows and their labels.

    ``times_ms`` are the rows' event times, ``hashes`` those of their ids. A row whose label or
    prediction is NaN is left out.
    """
    is_usable = ~(np.isnan(labels) | np.isnan(rows.prediction))
    loss, bias = _losses(reference.layout, rows.prediction[is_usable], labels[is_usable])
    return LossSample.of(times_ms[is_usable], hashes[is_usable], loss, bias)


def _losses(
    layout: PerformanceLayout, prediction: FloatArray, labels: FloatArray
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The loss and the bias of each row, from 0 to 1."""
    if layout.errors is not None:
        errors = errors_of(prediction, labels)
        loss = layout.errors.share_below(np.abs(errors), is_signed=False)
        bias = layout.errors.share_below(errors, is_signed=True)
        return loss.astype(np.float32), bias.astype(np.float32)
    wrong = (prediction != labels) | (labels == layout.classes)
    if layout.outputs.task is not Task.BINARY:
        return wrong.astype(np.float32), np.full(len(labels), 0.5, np.float32)
    bias = (1.0 + (prediction == 1.0) - (labels == 1.0)) / 2.0
    return wrong.astype(np.float32), bias.astype(np.float32)


def _smallest(rows: LossSample) -> LossSample:
    """The rows with the `MAX_KEPT` smallest hashes, sorted by hash, of equal hashes the smallest row."""
    order = rows.hashes.argsort(kind="stable")  # merges sorted runs
    hashes = rows.hashes[order]
    is_repeated = hashes[1:] == hashes[:-1]
    if is_repeated.any():
        order = np.lexsort((rows.bias, rows.loss, rows.times_ms, rows.hashes))
        order = np.delete(order, np.flatnonzero(is_repeated) + 1)
    return _taken(rows, order[:MAX_KEPT])


def _taken(rows: LossSample, order: NDArray[np.intp]) -> LossSample:
    return LossSample(rows.times_ms[order], rows.hashes[order], rows.loss[order], rows.bias[order])


def encode(sample: LossSample) -> bytes:
    """The wire form: exact, versioned, the same on every machine."""
    arrays = (
        sample.times_ms.astype("<i8").tobytes(),
        sample.hashes.astype("<u8").tobytes(),
        sample.loss.astype("<f4").tobytes(),
        sample.bias.astype("<f4").tobytes(),
    )
    return msgspec.msgpack.encode((VERSION, *arrays))


def decode(data: bytes) -> LossSample:
    """Read the wire form.

    Raises
    ------
    ValueError
        If it was written by another version.
    """
    version, times_ms, hashes, loss, bias = msgspec.msgpack.decode(data)
    if version != VERSION:
        raise ValueError(f"losses are stored in version {version}, this driftd reads version {VERSION}")
    return LossSample(
        np.frombuffer(times_ms, "<i8").astype(np.int64),
        np.frombuffer(hashes, "<u8").astype(np.uint64),
        np.frombuffer(loss, "<f4").astype(np.float32),
        np.frombuffer(bias, "<f4").astype(np.float32),
    )
