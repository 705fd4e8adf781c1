"""From figures about a model to rows of history. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from detectors.budget import holm
from detectors.performance import Measured, PerformanceReference
from detectors.performance_verdict import Judged, judge_performance
from detectors.result import Shift, TestResult, Verdict
from monitor.findings import Finding, PerformanceFinding
from monitor.judge import verdict_of
from monitor.plan import ModelPlan
from monitor.windows import Span

DESCRIPTIVE = frozenset({"em"})
"""EM takes a covariate shift for a shift of the labels' shares where calibration is not perfect: it is
reported beside BBSE, which alarms."""


def judged(
    plan: ModelPlan,
    reference: PerformanceReference,
    measured: Sequence[Measured],
    level: float,
) -> tuple[Judged, ...]:
    """Compare metrics with the reference, as the model's settings say."""
    settings = plan.settings.performance
    return judge_performance(
        reference,
        measured,
        level,
        plan.settings.min_rows,
        frozenset(settings.alarming(reference.outputs.task.value)),
        {str(metric): allowed for metric, allowed in settings.tolerance.items()},
    )


def performance_findings(
    plan: ModelPlan,
    reference_id: str,
    results: Iterable[Judged],
    span: Span,
    *,
    is_estimate: bool,
    labelled: int,
    rows: int,
) -> tuple[PerformanceFinding, ...]:
    """Give the rows of ``performance_history`` for one window."""
    return tuple(
        PerformanceFinding(
            model=plan.name,
            model_version=plan.settings.version,
            segment="",
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            multiple=span.multiple,
            metric=result.measured.metric,
            is_estimate=is_estimate,
            value=result.measured.value,
            low=result.measured.low,
            high=result.measured.high,
            reference_value=result.reference_value,
            band_low=result.band_low,
            band_high=result.band_high,
            p_value=result.p_value,
            adjusted_p=result.adjusted_p,
            labelled_rows=labelled,
            label_ratio=labelled / rows if rows else None,
            verdict=result.verdict,
            direction=result.direction,
            reference_id=reference_id,
            note=result.measured.note,
        )
        for result in results
    )


def plain_figure(
    plan: ModelPlan, reference_id: str, span: Span, metric: str, value: float, labelled: int, rows: int
) -> PerformanceFinding:
    """Give a figure about the labels themselves, which no reference has."""
    return PerformanceFinding(
        model=plan.name,
        model_version=plan.settings.version,
        segment="",
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        multiple=span.multiple,
        metric=metric,
        is_estimate=False,
        value=value,
        low=None,
        high=None,
        reference_value=None,
        band_low=None,
        band_high=None,
        p_value=None,
        adjusted_p=None,
        labelled_rows=labelled,
        label_ratio=labelled / rows if rows else None,
        verdict=Verdict.OK,
        direction="",
        reference_id=reference_id,
        note="",
    )


def shift_findings(
    plan: ModelPlan,
    reference_id: str,
    tested: Sequence[tuple[Shift, str, str, TestResult, Mapping[str, Any]]],
    span: Span,
    level: float,
) -> tuple[Finding, ...]:
    """Give rows of ``drift_history`` from (shift, detector, feature, result, details), Holm over all.

    `DESCRIPTIVE` detectors spend nothing of the level and never say more than "warn".
    """
    adjusted = holm([None if name in DESCRIPTIVE else result.p_value for _, name, _, result, _ in tested])
    return tuple(
        Finding(
            model=plan.name,
            model_version=plan.settings.version,
            segment="",
            start_ms=span.start_ms,
            end_ms=span.end_ms,
            multiple=span.multiple,
            shift=shift,
            detector=detector,
            feature=feature,
            result=result,
            adjusted_p=adjusted_p,
            threshold=level,
            verdict=_verdict(detector, result, adjusted_p, level, plan),
            reference_id=reference_id,
            details=dict(details),
        )
        for (shift, detector, feature, result, details), adjusted_p in zip(tested, adjusted, strict=True)
    )


def _verdict(
    detector: str, result: TestResult, adjusted_p: float | None, level: float, plan: ModelPlan
) -> Verdict:
    p_value = result.p_value if detector in DESCRIPTIVE else adjusted_p
    if p_value is None or result.effect is None or result.n_current < plan.settings.min_rows:
        return Verdict.INCONCLUSIVE
    said = verdict_of(result, p_value, level, plan.settings.min_effect)
    return Verdict.WARN if said is Verdict.DRIFT and detector in DESCRIPTIVE else said
