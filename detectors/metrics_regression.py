"""Metrics of a regression from exact moments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from detectors.labelled import Labelled
from detectors.metrics import Measured, of_mean, of_variance
from detectors.performance_errors import REACH, STEPS, ErrorScale


def realised_regression(scale: ErrorScale, labelled: Labelled) -> Iterator[Measured]:
    """Mean absolute error, root mean square error, R² and bias (the mean of prediction - label).

    Means have normal intervals, the others normal ones by the delta method. R² is
    left out where all labels are equal, everything where there are fewer than two rows.
    """
    n = labelled.rows
    if n < 2:  # noqa: PLR2004
        return
    clipped, e, absolute, e2, *_ = labelled.moments
    mean_square = _mean(e2, n, 2)
    found = (
        _scaled(of_mean("mae", _mean(absolute, n, 1), mean_square, n, least=0.0), scale.error_unit),
        _scaled(_root_mean_square(labelled), scale.error_unit),
        _determination(labelled, scale),
        _scaled(of_mean("bias", _mean(e, n, 1), mean_square, n), scale.error_unit),
    )
    note = (
        f"{clipped} rows beyond {2**REACH} times the reference's spread are counted as that"
        if clipped
        else ""
    )
    for measured in found:
        if measured is not None:
            yield replace(measured, note=note)


def _mean(total: int, rows: int, points: int) -> float:
    """A mean in units, from a sum with so many times `STEPS` bits after the point."""
    return total / (rows << points * STEPS)


def _scaled(measured: Measured | None, unit: float) -> Measured | None:
    if measured is None:
        return None
    return replace(
        measured,
        value=measured.value * unit,
        low=measured.low * unit,
        high=measured.high * unit,
        standard_error=measured.standard_error * unit,
    )


def _root_mean_square(labelled: Labelled) -> Measured:
    n = labelled.rows
    mean_square, fourth = _mean(labelled.moments[3], n, 2), _mean(labelled.moments[4], n, 2)
    value = math.sqrt(mean_square)
    variance = max(0.0, fourth - mean_square**2) / (n - 1)
    return of_variance("rmse", value, variance / (4.0 * mean_square) if value else 0.0, n, least=0.0)


def _determination(labelled: Labelled, scale: ErrorScale) -> Measured | None:
    """R² = 1 - q, q the ratio of two means: of e² and of w = (label - mean label)².

    The variance of q is that of ``e² - q w`` over n and the squared mean of w.
    """
    n = labelled.rows
    _, _, _, e2, e4, z, z2, z3, z4, e2z, e2z2 = labelled.moments
    spread = n * z2 - z * z  # exact: n² times the variance of the labels
    if spread <= 0:
        return None
    label_variance, ratio = _mean(spread, n * n, 2), scale.error_unit / scale.label_unit
    shift = _mean(z, n, 1)
    of_e2, of_e4, of_e2z, of_e2z2 = (_mean(total, n, 2) for total in (e2, e4, e2z, e2z2))
    of_z2, of_z3, of_z4 = (_mean(total, n, 2) for total in (z2, z3, z4))
    q = ratio * ratio * of_e2 / label_variance
    e2w = ratio**2 * (of_e2z2 - 2.0 * shift * of_e2z + shift**2 * of_e2)
    w2 = of_z4 - 4.0 * shift * of_z3 + 6.0 * shift**2 * of_z2 - 3.0 * shift**4
    of_difference = max(0.0, ratio**4 * of_e4 - 2.0 * q * e2w + q * q * w2)
    return of_variance("r2", 1.0 - q, of_difference / (n * label_variance**2), n, most=1.0)
