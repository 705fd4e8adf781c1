"""What a window's labels say about the model. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detectors.catalogue import detector
from detectors.counts import CategoricalCounts, Counts
from detectors.covariate import moved
from detectors.grid import CategoricalGrid
from detectors.labelled import Labelled
from detectors.performance import PerformanceReference, realised, residuals
from detectors.reference import Reference
from detectors.result import Shift, TestResult, Verdict
from monitor.findings import Finding, PerformanceFinding, QualityFinding
from monitor.levels import level_over_lengths
from monitor.own_findings import TIMELINESS, own_finding
from monitor.performance.findings import judged, performance_findings, plain_figure, shift_findings
from monitor.plan import LabelPlan, ModelPlan
from monitor.windows import Span

_FAMILIES = 2
"""Realised performance, and what the labels say of concept and prior shift, spend half of the level each."""
_RESIDUALS = ("accuracy", "mae")
_MOST_CLASSES_TOLD = 10


@dataclass(frozen=True, slots=True)
class Realised:
    """Everything that labels say about one window."""

    performance: tuple[PerformanceFinding, ...] = ()
    findings: tuple[Finding, ...] = ()
    quality: tuple[QualityFinding, ...] = ()


def realise(
    plan: ModelPlan,
    reference: Reference,
    sums: Labelled,
    rows: int,
    span: Span,
    counts: Mapping[str, Counts] | None = None,
) -> Realised:
    """Judge a window by its labels.

    ``rows`` are its predictions, ``counts`` their features' (only a regression's expected errors need them).
    """
    known, labels = reference.performance, plan.labels
    if known is None or labels is None:
        return Realised()
    spent = level_over_lengths(plan, span.multiple) / _FAMILIES
    measured = realised(known, sums)
    performance = performance_findings(
        plan,
        reference.id,
        judged(plan, known, measured, spent),
        span,
        is_estimate=False,
        labelled=sums.rows,
        rows=rows,
    )
    tests = [
        *_residuals(known, sums, counts),
        *_label_shares(known, sums),
        *_label_amounts(known, sums, reference.design_effect.get(known.outputs.label, 1.0)),
    ]
    findings = shift_findings(plan, reference.id, tests, span, spent)
    figures = tuple(
        plain_figure(plan, reference.id, span, name, value, sums.rows, rows)
        for name, value in _label_figures(sums, rows)
    )
    is_checked = plan.settings.quality and span.multiple == 1
    quality = tuple(_checks(plan, labels, reference, sums, rows, span)) if is_checked else ()
    return Realised((*performance, *figures), findings, quality)


def _residuals(
    known: PerformanceReference, sums: Labelled, counts: Mapping[str, Counts] | None
) -> Iterator[tuple[Shift, str, str, TestResult, dict[str, Any]]]:
    """Compare what the labels show with what was expected of these same rows: the rest is concept shift."""
    for each in residuals(known, sums, counts):
        if each.metric not in _RESIDUALS:
            continue
        scale = 1.0 if known.outputs.classes else max(known.metrics[each.metric].value, 1e-300)
        is_clear = each.low * each.high > 0
        nearest, furthest = sorted((abs(each.low) / scale, abs(each.high) / scale))
        result = TestResult(
            statistic=each.difference,
            p_value=each.p_value,
            effect=abs(each.difference) / scale,
            effect_low=nearest if is_clear else 0.0,
            effect_high=furthest,
            n_reference=known.labelled.rows,
            n_current=each.rows,
        )
        told = ("metric", "realised", "estimated", "low", "high", "direction")
        details = {"kind": "residual", **{name: getattr(each, name) for name in told}}
        yield Shift.CONCEPT, "residual", each.metric, result, details


def _label_shares(
    known: PerformanceReference, sums: Labelled
) -> Iterator[tuple[Shift, str, str, TestResult, dict[str, Any]]]:
    """Test that the labels have the reference's shares."""
    classes = known.outputs.classes
    if not classes or not sums.rows:
        return
    grid = CategoricalGrid(classes, is_open=True)
    before, now = (_counts(each.label_counts) for each in (known.labelled, sums))
    result = detector("chi2").compare(before, now, grid, _design_effect(known))
    shares = [each.label_counts / max(1, each.label_counts.sum()) for each in (known.labelled, sums)]
    changes = [
        {"category": name, "reference": float(was), "current": float(is_)}
        for name, was, is_ in zip(classes, *(each.tolist()[: len(classes)] for each in shares), strict=True)
    ]
    changes.sort(key=lambda change: -abs(change["current"] - change["reference"]))
    details = {"kind": "shares", "source": "labels", "changes": changes[:_MOST_CLASSES_TOLD]}
    yield Shift.PRIOR, "chi2", known.outputs.label, result, details


def _label_amounts(
    known: PerformanceReference, sums: Labelled, design_effect: float
) -> Iterator[tuple[Shift, str, str, TestResult, dict[str, Any]]]:
    """Test that a regression's labels are distributed as in the reference."""
    grid = known.layout.label_grid
    if grid is None or not sums.rows:
        return
    before, now = known.labelled.label_amounts(grid), sums.label_amounts(grid)
    result = detector("ks").compare(before, now, grid, design_effect)
    details = moved(before, now, grid) | {"source": "labels"}
    yield Shift.PRIOR, "ks", known.outputs.label, result, details


def _design_effect(known: PerformanceReference) -> float:
    """How much more than independent rows the labels of one window are alike, judged by the accuracy."""
    accuracy = known.metrics.get("accuracy")
    return 1.0 if accuracy is None else accuracy.design_effect


def _counts(labels: np.ndarray[Any, Any]) -> CategoricalCounts:
    return CategoricalCounts(labels[:-1].astype(np.int64), {}, int(labels[-1]))


def _label_figures(sums: Labelled, rows: int) -> Iterator[tuple[str, float]]:
    yield "label_count", float(sums.rows)
    if rows:
        yield "label_ratio", sums.rows / rows
    for name, share in (("label_delay_median_s", 0.5), ("label_delay_p95_s", 0.95)):
        delay_ms = sums.delays.quantile_ms(share)
        if delay_ms is not None:
            yield name, delay_ms / 1000


def _checks(
    plan: ModelPlan, labels: LabelPlan, reference: Reference, sums: Labelled, rows: int, span: Span
) -> Iterator[QualityFinding]:
    """Check that enough labels came, in time."""
    came = sums.rows + sums.unusable
    missing = max(0, rows - came)
    enough = came >= labels.share * rows
    yield _check(
        plan, reference, span, "label_ratio", f"labels for at least {labels.share:.0%} of the rows",
        f"labels for {came / rows:.1%} of the rows" if rows else "no rows", missing, rows,
        is_good=enough or rows < plan.settings.min_rows,
    )  # fmt: skip
    slow_ms = sums.delays.quantile_ms(0.95)
    if slow_ms is not None:
        yield _check(
            plan, reference, span, "label_delay", f"95 % of labels within {plan.settings.labels_wait}",
            f"95 % of labels within {slow_ms / 3_600_000:.1f} h", 0, came,
            is_good=slow_ms <= labels.wait_ms or came < plan.settings.min_rows,
        )  # fmt: skip


def _check(
    plan: ModelPlan,
    reference: Reference,
    span: Span,
    name: str,
    expected: str,
    observed: str,
    failed: int,
    total: int,
    *,
    is_good: bool,
) -> QualityFinding:
    verdict = Verdict.OK if is_good else Verdict.FAIL
    made = own_finding(
        plan, span, name, TIMELINESS, verdict, expected=expected, observed=observed, reference_id=reference.id
    )
    return replace(made, failed_rows=failed, total_rows=total)
