"""Silence in the log: windows that never came."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from detectors.checks import DIMENSIONS, CheckName
from detectors.quality import Expectations
from detectors.reference import Reference
from detectors.result import Verdict
from monitor.findings import QualityFinding
from monitor.own_findings import TIMELINESS, own_finding
from monitor.plan import ModelPlan
from monitor.store.base import PartitionClock
from monitor.windows import Span

FRESHNESS = "freshness"


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

    Silence fails when a least number of rows is configured; it warns when the reference had rows in every
    window.
    """
    if until_ms is None or start_ms <= until_ms or not plan.settings.quality:
        return ()
    windows = (start_ms - until_ms) // plan.window_ms
    wanted = plan.settings.row_count.min if plan.settings.row_count is not None else None
    expected_rows = _usual_rows(plan, reference) if wanted is None else wanted
    verdict = Verdict.OK
    if expected_rows:
        verdict = Verdict.WARN if wanted is None else Verdict.FAIL
    return (
        table_finding(
            plan,
            Span(until_ms, start_ms, windows),
            CheckName.ROW_COUNT,
            verdict,
            expected=f"at least {expected_rows} rows a window" if expected_rows else "",
            observed=f"no rows in {windows} windows",
            reference_id=reference.id,
        ),
    )


def _usual_rows(plan: ModelPlan, reference: Reference) -> int:
    usual = reference.rows_per_window
    return usual.minimum if usual is not None and usual.window_ms == plan.window_ms else 0


def replaced(plan: ModelPlan, span: Span) -> QualityFinding:
    """Say that a window cannot be judged because its model's reference was replaced while it was open."""
    return table_finding(
        plan,
        span,
        CheckName.SCHEMA_DRIFT,
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
    dimension = TIMELINESS if check_name == FRESHNESS else DIMENSIONS[CheckName(check_name)]
    return own_finding(
        plan,
        span,
        check_name,
        dimension,
        verdict,
        expected=expected,
        observed=observed,
        reference_id=reference_id,
    )


def freshness(plan: ModelPlan, clocks: Iterable[PartitionClock], now: datetime) -> QualityFinding | None:
    """Say whether a row came within ``freshness``, in wall time; None when that is not asked for.

    A partition with messages that have not been read yet is behind, not silent.
    """
    limit = plan.settings.freshness
    read = list(clocks)
    if limit is None or not read:
        return None
    latest = max(clock.active_at for clock in read)
    is_silent = all(clock.caught_up for clock in read) and now - latest >= limit.delta
    latest_ms = int(latest.timestamp() * 1000)
    start_ms = latest_ms - latest_ms % plan.window_ms
    return table_finding(
        plan,
        Span(start_ms, start_ms + plan.window_ms, 1),
        FRESHNESS,
        Verdict.FAIL if is_silent else Verdict.OK,
        expected=f"a row every {limit}",
        observed=f"the last one came at {latest:%Y-%m-%d %H:%M} UTC",
        reference_id=plan.reference.id,
    )
