"""Realised less estimated performance: what concept shift leaves when covariate shift is accounted for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from detectors.counts import Counts
from detectors.estimation import expected
from detectors.labelled import Labelled
from detectors.loss_model import estimated_losses
from detectors.metrics import Measured, Z, badness
from detectors.metrics_classes import no_variance
from detectors.metrics_classification import counted, measure
from detectors.metrics_regression import realised_regression
from detectors.performance_reference import PerformanceReference

UNSCORED = 0.01  # share of labelled rows without a score up to which they are taken as like the others


@dataclass(frozen=True, slots=True)
class Residual:
    """A metric's realised less its estimated value on the same rows, with a 95 % interval.

    ``p_value`` is that of no concept shift: two-sided, normal, before any correction.
    """

    metric: str
    realised: float
    estimated: float
    difference: float
    low: float
    high: float
    standard_error: float
    p_value: float
    rows: int
    direction: Literal["better", "worse"]


def residuals(
    reference: PerformanceReference, labelled: Labelled, counts: Mapping[str, Counts] | None = None
) -> tuple[Residual, ...]:
    """How far the labels are from what was expected of these very rows.

    Classification: realised metrics less CBPE's on the labelled rows alone, so it does
    not matter which rows have labels yet. Their difference varies because labels do at given
    scores and because the calibration is itself estimated; both grow with the metric's design
    effect. Log loss and Brier score are left out, their variance at given scores is not kept.
    Regression: the mean absolute and root mean square error less those of the loss model
    at the window's ``counts``, which take the labelled rows as a sample of the window's.
    Empty where nothing can be estimated.
    """
    if reference.layout.errors is not None:
        pairs = _of_regression(reference, labelled, counts)
    elif reference.layout.points and labelled.expected.n.any():
        pairs = _of_classification(reference, labelled)
    else:
        return ()
    return tuple(_residual(reference, now, then, variance) for now, then, variance in pairs)


def _of_classification(
    reference: PerformanceReference, labelled: Labelled
) -> Iterator[tuple[Measured, Measured, float]]:
    """Realised, estimated and their difference's variance, which is what widened the estimate's error."""
    totals = expected(reference.layout, labelled.expected, reference.scored, with_labels=True)
    if labelled.rows - totals.rows > UNSCORED * labelled.rows:
        return
    plain = replace(totals, confusion_variance=no_variance, cell_variance=lambda _slope, _cells: 0.0)
    now = {one.metric: one for one in measure(reference.layout, counted(reference.layout, labelled))}
    for then, bare in zip(measure(reference.layout, totals), measure(reference.layout, plain), strict=True):
        added = then.standard_error**2 - bare.standard_error**2
        if then.metric in now and added > 0.0:
            yield now[then.metric], then, added


def _of_regression(
    reference: PerformanceReference, labelled: Labelled, counts: Mapping[str, Counts] | None
) -> Iterator[tuple[Measured, Measured, float]]:
    if reference.layout.errors is None or reference.loss_model is None or counts is None:
        return
    now = {one.metric: one for one in realised_regression(reference.layout.errors, labelled)}
    for then in estimated_losses(reference.loss_model, counts, labelled.rows):
        if then.metric in now:
            yield now[then.metric], then, then.standard_error**2


def _residual(reference: PerformanceReference, now: Measured, then: Measured, variance: float) -> Residual:
    known = reference.metrics.get(now.metric)
    error = math.sqrt(variance * (known.design_effect if known else 1.0))
    difference = now.value - then.value
    is_worse = badness(now.metric, now.value) > badness(now.metric, then.value)
    return Residual(
        metric=now.metric,
        realised=now.value,
        estimated=then.value,
        difference=difference,
        low=difference - Z * error,
        high=difference + Z * error,
        standard_error=error,
        p_value=math.erfc(abs(difference) / (math.sqrt(2.0) * error)) if error else float(difference == 0.0),
        rows=now.rows,
        direction="worse" if is_worse else "better",
    )
