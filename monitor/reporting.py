"""What the log says of windows that were judged."""

from __future__ import annotations

from monitor.closing import ClosingReport
from monitor.log import logger

log = logger(__name__)


def tell(report: ClosingReport) -> None:
    """Say which windows were judged, and which alerts began or ended."""
    if report.windows or report.published:
        log.info(
            "windows judged",
            model=report.model,
            windows=report.windows,
            published=report.published,
            revised=report.revised,
            until=report.until.isoformat() if report.until else "",
        )
    for alert in report.alerts:
        log.info(
            "alert",
            status=str(alert.status),
            severity=str(alert.severity),
            **dict(alert.labels),
        )
