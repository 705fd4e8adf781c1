"""What a closed window says about the model before its labels have come."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.performance import PerformanceReference, estimated
from detectors.prior import ShareEstimate, share_test
from detectors.prior_bbse import bbse
from detectors.prior_em import em
from detectors.profile import Profile
from detectors.reference import Reference
from detectors.result import Shift, TestResult
from monitor.findings import Finding, PerformanceFinding
from monitor.levels import level_over_lengths
from monitor.performance.findings import judged, performance_findings, shift_findings
from monitor.plan import ModelPlan
from monitor.windows import Span

_FAMILIES = 2
"""Estimated performance and estimated label shares spend half of the level each."""


def estimates(
    plan: ModelPlan, reference: Reference, profile: Profile, span: Span
) -> tuple[tuple[PerformanceFinding, ...], tuple[Finding, ...]]:
    """Estimated metrics, and label shares by BBSE and EM; nothing when the outputs do not allow it."""
    known = reference.performance
    if known is None or profile.scored is None:
        return (), ()
    spent = level_over_lengths(plan, span.multiple) / _FAMILIES
    measured = estimated(known, profile.scored, profile.counts)
    performance = performance_findings(
        plan,
        reference.id,
        judged(plan, known, measured, spent),
        span,
        is_estimate=True,
        labelled=0,
        rows=0,
    )
    return performance, shift_findings(plan, reference.id, _shares(known, profile), span, spent)


def _shares(
    known: PerformanceReference, profile: Profile
) -> list[tuple[Shift, str, str, TestResult, dict[str, Any]]]:
    """Tests that the window's labels have the reference's shares, before there are any labels."""
    classes, scored = known.outputs.classes, profile.scored
    if not classes or scored is None or not scored.rows:
        return []
    counts = known.labelled.label_counts[: len(classes)]
    shares, rows = counts / counts.sum(), int(counts.sum())
    estimates_by = {"bbse": bbse(known.labelled.confusion, scored.predicted_counts())}
    n, posterior = scored.posterior_groups()
    if n.sum():
        estimates_by["em"] = em(n, posterior, shares, rows)
    return [
        (
            Shift.PRIOR,
            name,
            known.outputs.label,
            share_test(estimate, shares, rows),
            _details(name, classes, shares, estimate),
        )
        for name, estimate in estimates_by.items()
    ]


def _details(
    source: str, classes: tuple[str, ...], reference: np.ndarray[Any, Any], estimate: ShareEstimate
) -> dict[str, Any]:
    if not estimate.conclusive:
        return {}
    columns = (reference, estimate.shares, estimate.low, estimate.high)
    changes = [
        {"category": name, "reference": before, "current": now, "low": low, "high": high}
        for name, before, now, low, high in zip(classes, *(each.tolist() for each in columns), strict=True)
    ]
    changes.sort(key=lambda change: -abs(change["current"] - change["reference"]))
    return {"kind": "shares", "source": source, "changes": changes[:10]}
