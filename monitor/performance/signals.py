"""Which signals the sequential detectors of a model step through. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from detectors.counts import NumericCounts
from detectors.dictionary import Kind, Role
from detectors.grid import NumericGrid
from detectors.outputs import Task
from detectors.profile import Profile
from detectors.reference import Reference
from detectors.result import Shift
from detectors.sequential_counts import Tallied
from monitor.performance.stepping import Rows, Signal
from monitor.plan import ModelPlan
from monitor.windows import Span

MEAN_OF, NULLS_OF = "mean of ", "nulls of "


def of_labels(plan: ModelPlan) -> tuple[str, ...]:
    """Name the signals of labelled rows."""
    if plan.labels is None:
        return ()
    is_multiclass = plan.labels.outputs.task is Task.MULTICLASS  # an error among several classes has no sign
    there = ("loss",) if is_multiclass else ("loss", "bias")
    return tuple(name for name in there if name in plan.settings.concept.signals)


def scores(reference: Reference) -> tuple[str, ...]:
    """Name the columns whose mean can be watched: scores, or where there are none numeric predictions."""
    numeric = {
        name: feature.role
        for name, feature in reference.dictionary.features.items()
        if name in reference.grids and feature.kind is Kind.NUMERIC
    }
    found = [name for name, role in numeric.items() if role is Role.SCORE]
    return tuple(found or [name for name, role in numeric.items() if role is Role.PREDICTION])


def inputs(reference: Reference) -> tuple[str, ...]:
    """Name the features, whose null rates can be watched."""
    features = reference.dictionary.features
    return tuple(name for name in reference.grids if features[name].role is Role.FEATURE)


def of_windows(plan: ModelPlan) -> tuple[tuple[str, str], ...]:
    """Name the signals that need no labels, as (prefix, column); none where no detector is wanted."""
    wanted = plan.settings.concept
    means = scores(plan.reference) if "score" in wanted.signals else ()
    nulls = wanted.nulls_of or inputs(plan.reference) if "nulls" in wanted.signals else ()
    named = (*((MEAN_OF, name) for name in means), *((NULLS_OF, name) for name in nulls))
    return named if wanted.detectors else ()


def streams(plan: ModelPlan) -> int:
    """How many detectors times signals share the budget of the sequential detectors."""
    signals = len(of_labels(plan)) + len(of_windows(plan))
    return max(1, len(plan.settings.concept.detectors) * signals)


def window_signals(plan: ModelPlan, profile: Profile, span: Span) -> Iterator[Signal]:
    """Give a judged window's signals that need no labels.

    Counts know no order, so rows are drawn in an order that the model, the signal and the window decide, and
    have their times evenly from the window's start to its end. Where rows of the reference's windows resemble
    each other, fewer are drawn: as many as count as independent.
    """
    reference = plan.reference
    for prefix, column in of_windows(plan):
        before, now = (_tallied(reference, each, prefix, column) for each in (reference.profile, profile))
        effects = reference.design_effect if prefix == MEAN_OF else reference.absence_effect
        share = 1.0 / effects.get(column, 1.0)
        mean, deviation = before.moments()
        name = prefix + column
        yield Signal(
            name=name,
            shift=Shift.PRIOR if prefix == MEAN_OF else Shift.COVARIATE,
            take=partial(_drawn, now, share, f"{plan.name}\n{name}\n{span.start_ms}", span),
            mean=mean,
            standard_deviation=deviation,
            dropped=now.dropped,
            precision_ms=plan.window_ms,
            details={"is_ranked": now.is_ranked} if prefix == MEAN_OF else {},
        )


def _tallied(reference: Reference, profile: Profile, prefix: str, column: str) -> Tallied:
    counts, grid, known = profile.counts[column], reference.grids[column], reference.profile.counts[column]
    if prefix == NULLS_OF:
        return Tallied.absences(counts)
    if not (
        isinstance(counts, NumericCounts)
        and isinstance(known, NumericCounts)
        and isinstance(grid, NumericGrid)
    ):
        raise TypeError(f"{column} has no mean: it is not numeric")
    return Tallied.amounts(counts, grid, known)


def _drawn(tallied: Tallied, share: float, seed: str, span: Span, at_most: int) -> Rows:
    wanted = math.ceil(share * int(tallied.rows.sum()))
    values = tallied.drawn(min(at_most, wanted), seed)
    times_ms = span.start_ms + np.arange(len(values)) * (span.end_ms - span.start_ms) // max(1, len(values))
    return values, times_ms
