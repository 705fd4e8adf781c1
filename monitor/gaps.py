"""Silence in the log: windows that never came."""

from __future__ import annotations

from detectors.quality import Expectations
from detectors.reference import Reference
from detectors.result import Verdict
from monitor.findings import QualityFinding
from monitor.plan import ModelPlan
from monitor.windows import Span


def expectations(plan: ModelPlan, *, is_partial: bool = False) -> Expectations:
    """Give what the configuration expects of every window."""
    rows = plan.settings.row_count
    return Expectations(
        min_effect=plan.settings.min_effect,
        min_window_rows=None if rows is None else rows.min,
        max_window_rows=None if rows is None else rows.max,
        window_ms=plan.window_ms,
        is_partial=is_partial,
    )


def silence(
    plan: ModelPlan, reference: Reference, until_ms: int | None, start_ms: int
) -> tuple[QualityFinding, ...]:
    """One ``row_count`` finding for the windows without any row since the latest judged one.

    Silence fails when a least number of rows is configured, or when the reference had rows in every window.
    """
    if until_ms is None or start_ms <= until_ms or not plan.settings.quality:
        return ()
    windows = (start_ms - until_ms) // plan.window_ms
    expected_rows = _least_rows(plan, reference)
    fails = expected_rows > 0
    return (
        table_finding(
            plan,
            Span(until_ms, start_ms, windows),
            "row_count",
            Verdict.FAIL if fails else Verdict.OK,
            expected=f"at least {expected_rows} rows" if fails else "",
            observed=f"no rows in {windows} windows",
            reference_id=reference.id,
        ),
    )


def _least_rows(plan: ModelPlan, reference: Reference) -> int:
    wanted = expectations(plan).min_window_rows
    if wanted is not None:
        return wanted
    usual = reference.rows_per_window
    return usual.minimum if usual is not None and usual.window_ms == plan.window_ms else 0


def replaced(plan: ModelPlan, span: Span) -> QualityFinding:
    """Say that a window cannot be judged because its model's reference was replaced while it was open."""
    return table_finding(
        plan,
        span,
        "schema_drift",
        Verdict.INCONCLUSIVE,
        expected="one reference for the whole window",
        observed="the reference was replaced while the window was open",
        reference_id=plan.reference.id,
    )


def table_finding(
    plan: ModelPlan,
    span: Span,
    check_name: str,
    verdict: Verdict,
    *,
    expected: str,
    observed: str,
    reference_id: str,
) -> QualityFinding:
    """Make a finding about the log as a whole."""
    return QualityFinding(
        model=plan.name,
        model_version=plan.settings.version,
        segment="",
        start_ms=span.start_ms,
        end_ms=span.end_ms,
        feature="",
        check_name=check_name,
        dimension="completeness",
        expected=expected,
        observed=observed,
        failed_rows=0,
        total_rows=0,
        p_value=None,
        verdict=verdict,
        reference_id=reference_id,
        note="",
    )
