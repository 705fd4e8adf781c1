"""Realised and estimated metrics of a window, whatever the task."""

from __future__ import annotations

from collections.abc import Mapping

from detectors.counts import Counts
from detectors.estimation import estimated_classification
from detectors.labelled import Labelled
from detectors.loss_model import estimated_losses
from detectors.metrics import Measured
from detectors.metrics_classification import realised_classification
from detectors.metrics_regression import realised_regression
from detectors.performance_layout import PerformanceLayout
from detectors.performance_reference import PerformanceReference
from detectors.scored import Scored


def realised(reference: PerformanceReference, labelled: Labelled) -> tuple[Measured, ...]:
    """The metrics of labelled rows, each with a 95 % interval.

    A metric that the rows do not define (no rows, no positives, one label only) is left out.
    """
    return realised_metrics(reference.layout, labelled)


def realised_metrics(layout: PerformanceLayout, labelled: Labelled) -> tuple[Measured, ...]:
    """The same on a layout alone."""
    if layout.errors is not None:
        return tuple(realised_regression(layout.errors, labelled))
    return tuple(realised_classification(layout, labelled))


def estimated(
    reference: PerformanceReference, scored: Scored, counts: Mapping[str, Counts] | None = None
) -> tuple[Measured, ...]:
    """The metrics to expect of rows without labels, each with a 95 % interval.

    A classification's from its calibrated scores (CBPE), a regression's from the window's
    ``counts`` by feature (DLE). Empty where no scores are logged, no counts are given or nothing was
    modelled. Both assume that P(label given features) is what it was: no concept shift.
    """
    if reference.layout.errors is None:
        return tuple(estimated_classification(reference.layout, scored, reference.scored))
    if reference.loss_model is None or counts is None:
        return ()
    return tuple(estimated_losses(reference.loss_model, counts, scored.rows - scored.unusable))
