"""The alert that README.md shows, as the service would have raised it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

from apprise.plugins.slack import NotifySlack

from alerts.model import Alert, Severity, Status, labels
from alerts.notice import Context, Notice
from alerts.outgoing import Reason
from alerts.render import render
from detectors.budget import alpha, parse_budget

DAY_S = 86_400
MARCH_31_MS = int(datetime(2019, 3, 31, tzinfo=UTC).timestamp()) * 1000
APRIL_20_MS = MARCH_31_MS + 20 * DAY_S * 1000
BUDGET = "1 per 90d"
LEVEL = alpha(parse_budget(BUDGET), DAY_S, 1, 8)  # 1 to 8 days, quality, estimates, labels, detectors


def alert(
    shift: str, feature: str, details: dict[str, Any], *, check: str = "", days: int = 1, **more: Any
) -> Alert:
    told = {"check": check} if check else {}
    return Alert(
        labels=labels(model="car_loan", shift=shift, feature=feature, segment="", **told),
        severity=Severity.WARNING,
        status=Status.FIRING,
        multiple=days,
        opened_ms=MARCH_31_MS,
        last_bad_ms=APRIL_20_MS,
        fired_ms=MARCH_31_MS + DAY_S * 1000,
        resolved_ms=None,
        bad_windows=2,
        clear_windows=0,
        annotations={
            "window_start_ms": APRIL_20_MS - days * DAY_S * 1000,
            "window_end_ms": APRIL_20_MS,
            "multiple": days,
            "details": details,
            **more,
        },
    )


def drift(
    feature: str, effect: float, low: float, details: dict[str, Any], shift: str = "covariate"
) -> Alert:
    figures: dict[str, Any] = {"effect": effect, "effect_low": low, "adjusted_p": 4.7e-4, "level": LEVEL}
    return alert(shift, feature, details, rows=165, **figures)


def medians(before: float, after: float, moved: float) -> dict[str, Any]:
    return {
        "kind": "numeric",
        "median_reference": before,
        "median_current": after,
        "share_moved": moved,
    }


def shares(**changes: tuple[str, float, float]) -> dict[str, Any]:
    rows = [{"category": name, "reference": before, "current": now} for name, before, now in changes.values()]
    return {"kind": "categorical", "changes": rows, "unseen": 0.0}


ALERTS = (
    drift("car_value", 0.48, 0.28, medians(21_900, 41_700, 0.48)),
    drift("loan_length", 0.22, 0.094, medians(16, 19, 0.22)),
    drift(
        "salary_range",
        0.11,
        0.0,
        shares(high=("60K+ €", 0.10, 0.0), mid=("40K - 60K €", 0.20, 0.27), low=("0 - 20K €", 0.40, 0.44)),
    ),
    drift("y_pred_proba", 0.19, 0.069, medians(0.52, 0.73, 0.19), shift="prior"),
    alert(
        "performance",
        "accuracy",
        {
            "kind": "performance", "metric": "accuracy", "is_estimate": True, "direction": "worse",
            "value": 0.909, "low": 0.891, "high": 0.923, "reference_value": 0.944,
        },
        check="estimated",
        days=8,
        adjusted_p=1e-4,
    ),
    alert(
        "concept",
        "loss",
        {
            "kind": "change_point", "signal": "loss", "detector": "adwin", "direction": "worse",
            "before": 0.056, "after": 0.085, "rows_since": 2_080, "task": "binary",
            "changed_at_ms": MARCH_31_MS - 2 * DAY_S * 1000 - 56_580_000,
        },
        effect=0.029,
        rows=165,
    ),
)  # fmt: skip


def slack_text() -> str:
    """Give title and text as Slack shows them."""
    message = render(Notice("car_loan", Reason.FIRST, ALERTS, context=Context(budget=BUDGET)))
    convert: Callable[[str], str] = NotifySlack._commonmark_to_slack
    return f"{message.title}\n\n{unescape(convert(message.slack_markdown))}\n"
