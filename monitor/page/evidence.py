"""Evidence that adds up over windows, beside the threshold that it has to reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detectors.result import Verdict
from monitor.accumulating import KIND
from monitor.page import say
from monitor.page.chart import Chart, chart
from monitor.page.series import Level, Point, Series, Span
from monitor.page.stretch import Stretch
from monitor.store.page.rows import Row

NAME = "Evidence that adds up: logarithm of the e-value"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What has been added up until a window; ``changed_at_ms`` begins the one in which a change began."""

    statistic: float
    threshold: float
    changed_at_ms: int | None
    verdict: str


def is_evidence(row: Row) -> bool:
    """Tell whether a test adds up over windows: its figures are no distances."""
    return bool(row["detector"] == KIND)


def evidence_at(rows: Sequence[Row], start_ms: int) -> Evidence | None:
    """Give what had been added up with the window that begins then."""
    for row in rows:
        is_known = row["statistic"] is not None and row["threshold"] is not None
        if is_evidence(row) and row["window_start"] == start_ms and is_known:
            changed_at_ms = row["details"].get("changed_at_ms")
            return Evidence(row["statistic"], row["threshold"], changed_at_ms, row["verdict"])
    return None


def evidence_chart(rows: Sequence[Row], stretch: Stretch, spans: Sequence[Span]) -> list[Chart]:
    """Draw the logarithm of the e-value; the detector begins anew from a change on, so it falls after one."""
    of = [row for row in rows if is_evidence(row) and row["statistic"] is not None]
    if not of:
        return []
    points = [
        Point(row["window_start"], row["statistic"], is_bad=row["verdict"] == Verdict.DRIFT) for row in of
    ]
    levels = [Level("threshold", limit) for limit in sorted({row["threshold"] for row in of[-1:]} - {None})]
    series = [Series("log e-value", "distance", points)]
    return [chart(NAME, stretch, series, say.number, levels=levels, spans=spans, at_least=(0.0,))]
