"""Errors of a regression in fixed point, on a scale that the reference fixes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STEPS = 20  # bits after the point
REACH = 10  # bits before it: 1,024 times the reference's root mean square
MAX_POINTS = 1001
MOMENTS = 11
_SLICE = 2**22
_MASK = 2**20 - 1


@dataclass(frozen=True, slots=True, eq=False)
class ErrorScale:
    """The units of a regression's sums, and the distribution of the reference's errors.

    Errors are counted in units of ``error_unit * 2**-20``, labels as their distance
    from ``centre`` in units of ``label_unit * 2**-20``; both units are powers of
    two at least as large as the reference's root mean square. What is beyond 1,024 units is
    counted as that, and as clipped. ``absolute`` and ``signed`` are quantile points
    of the reference's absolute and signed errors (prediction - label), rising.
    """

    centre: float
    label_unit: float
    error_unit: float
    absolute: FloatArray
    signed: FloatArray

    @classmethod
    def of(cls, prediction: FloatArray, labels: FloatArray) -> Self:
        """The scale of the reference's rows that have both; raises ValueError if there are none."""
        is_usable = ~np.isnan(prediction) & ~np.isnan(labels)
        if not is_usable.any():
            raise ValueError("no row of the reference has both a prediction and a label")
        truth = labels[is_usable]
        errors = _difference(prediction[is_usable], truth)
        centre = _centre(truth)
        label_unit = _unit(_difference(truth, np.full(len(truth), centre)), 1.0)
        error_unit = _unit(errors, label_unit * 2.0**-REACH)
        return cls(centre, label_unit, error_unit, _points(np.abs(errors)), _points(errors))

    def share_below(self, errors: FloatArray, *, is_signed: bool) -> FloatArray:
        """The share of the reference's rows with a smaller error, half of those with an equal one."""
        points = self.signed if is_signed else self.absolute
        low, high = points.searchsorted(errors, "left"), points.searchsorted(errors, "right")
        shares: FloatArray = (low + high) / (2.0 * len(points))
        return shares

    def moments(self, errors: FloatArray, labels: FloatArray) -> tuple[int, ...]:
        """The exact sums over the rows, in 2**-20 (single) and 2**-40 (products) of e's and z's units.

        In order: clipped rows, e, abs(e), e², e⁴, z, z², z³, z⁴, e² z and e² z².
        """
        e, e_clipped = _fixed(errors, self.error_unit)
        z, z_clipped = _fixed(_difference(labels, np.full(len(labels), self.centre)), self.label_unit)
        e2, z2 = (e * e) >> STEPS, (z * z) >> STEPS
        return (
            int(np.count_nonzero(e_clipped | z_clipped)),
            int(e.sum()),
            int(np.abs(e).sum()),
            exact_dot(e, e),
            exact_dot(e2, e2),
            int(z.sum()),
            exact_dot(z, z),
            exact_dot(z2, z),
            exact_dot(z2, z2),
            exact_dot(e2, z),
            exact_dot(e2, z2),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ErrorScale):
            return NotImplemented
        return (
            (self.centre, self.label_unit, self.error_unit)
            == (other.centre, other.label_unit, other.error_unit)
            and np.array_equal(self.absolute, other.absolute)
            and np.array_equal(self.signed, other.signed)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def errors_of(prediction: FloatArray, labels: FloatArray) -> FloatArray:
    """Prediction less label, finite also where the difference is beyond float64."""
    return _difference(prediction, labels)


def exact_dot(first: IntArray, second: IntArray) -> int:
    """The sum of products of integers of at most 41 bits, exact."""
    result = 0
    for start in range(0, len(first), _SLICE):
        a, b = first[start : start + _SLICE], second[start : start + _SLICE]
        a_high, a_low, b_high, b_low = a >> STEPS, a & _MASK, b >> STEPS, b & _MASK
        mixed = int(a_high @ b_low) + int(a_low @ b_high)
        result += (int(a_high @ b_high) << 2 * STEPS) + (mixed << STEPS) + int(a_low @ b_low)
    return result


def _difference(first: FloatArray, second: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):
        difference: FloatArray = first - second
    largest = np.finfo(np.float64).max
    return np.clip(difference, -largest, largest)


def _centre(labels: FloatArray) -> float:
    return math.fsum((labels / len(labels)).tolist())  # divided first: the sum may be beyond float64


def _unit(values: FloatArray, least: float) -> float:
    """The next power of two from the root mean square on, or ``least`` where all values are zero."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0.0:
        return least
    root_mean_square = largest * math.sqrt(float(np.mean((values / largest) ** 2)))
    exponent = math.ceil(math.log2(root_mean_square))
    return math.ldexp(1.0, min(max(exponent, -1000), 1000))


def _points(values: FloatArray) -> FloatArray:
    ordered = np.sort(values) + 0.0
    if len(ordered) <= MAX_POINTS:
        return ordered
    return ordered[np.arange(MAX_POINTS) * (len(ordered) - 1) // (MAX_POINTS - 1)]


def _fixed(values: FloatArray, unit: float) -> tuple[IntArray, NDArray[np.bool_]]:
    with np.errstate(over="ignore"):
        scaled = values / unit
    limit = 2.0**REACH
    is_clipped = np.abs(scaled) > limit
    return np.rint(np.clip(scaled, -limit, limit) * 2.0**STEPS).astype(np.int64), is_clipped
