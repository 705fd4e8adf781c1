"""Findings that the service makes itself, beside those of the checks that look at a window's rows."""

from __future__ import annotations

from detectors.result import Verdict
from monitor.findings import QualityFinding
from monitor.plan import ModelPlan
from monitor.windows import Span

TIMELINESS = "timeliness"  # a dimension of the same standard that no check of a window has


def own_finding(
    plan: ModelPlan,
    span: Span,
    check_name: str,
    dimension: str,
    verdict: Verdict,
    *,
    expected: str,
    observed: str,
    reference_id: str,
    feature: str = "",
) -> QualityFinding:
    """Make a finding about the log, or a feature of it, that counts no rows and has no p-value."""
    return QualityFinding(
        model=plan.name,
        model_version=plan.settings.version,
        segment="",
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        feature=feature,
        check_name=str(check_name),
        dimension=str(dimension),
        expected=expected,
        observed=observed,
        failed_rows=0,
        total_rows=0,
        p_value=None,
        verdict=verdict,
        reference_id=reference_id,
        note="",
    )
