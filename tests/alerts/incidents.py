"""Alerts as the service would raise them, for the tests of this directory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alerts.model import Alert, Severity, Status, labels

DAY_MS = 86_400_000
NOW = datetime(2019, 4, 1, 0, 6, tzinfo=UTC)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


MARCH_31 = ms("2019-03-31")


def alert(
    feature: str = "car_value",
    *,
    shift: str = "covariate",
    check: str = "",
    segment: str = "",
    model: str = "churn",
    status: Status = Status.FIRING,
    severity: Severity = Severity.WARNING,
    opened_ms: int = MARCH_31,
    last_bad_ms: int = MARCH_31 + DAY_MS,
    annotations: dict[str, Any] | None = None,
) -> Alert:
    resolved_ms = last_bad_ms + 2 * DAY_MS if status is Status.RESOLVED else None
    return Alert(
        labels=labels(model=model, shift=shift, feature=feature, check=check, segment=segment),
        severity=severity,
        status=status,
        multiple=1,
        opened_ms=opened_ms,
        last_bad_ms=last_bad_ms,
        fired_ms=None if status is Status.PENDING else opened_ms + DAY_MS,
        resolved_ms=resolved_ms,
        bad_windows=1,
        clear_windows=2 if status is Status.RESOLVED else 0,
        annotations={} if annotations is None else annotations,
    )


def drift(details: dict[str, Any], effect: float, low: float, adjusted_p: float = 1e-9) -> dict[str, Any]:
    return {
        "shift": "covariate",
        "detector": "ks",
        "effect": effect,
        "effect_low": low,
        "effect_high": min(effect + 0.04, 1.0),
        "adjusted_p": adjusted_p,
        "level": 0.01,
        "multiple": 1,
        "window_start_ms": MARCH_31,
        "window_end_ms": MARCH_31 + DAY_MS,
        "rows": 165,
        "details": details,
    }


def medians(before: float, after: float, share: float) -> dict[str, Any]:
    return {
        "kind": "numeric",
        "median_reference": before,
        "median_current": after,
        "share_moved": share,
    }


def changes(shares: dict[str, tuple[float, float]], unseen: float = 0.0) -> dict[str, Any]:
    rows = [{"category": c, "reference": r, "current": n} for c, (r, n) in shares.items()]
    return {"kind": "categorical", "changes": rows, "unseen": unseen}


def nulls() -> dict[str, Any]:
    details = {
        "kind": "quality",
        "check": "completeness",
        "expected": "at most 10.0 %",
        "observed": "22.0 %",
        "failed_rows": 36,
        "total_rows": 165,
        "note": "",
    }
    return drift({}, 0.0, 0.0, 1.0) | {"shift": "quality", "details": details, "adjusted_p": None}


def loan_alerts() -> tuple[Alert, ...]:
    salary = changes({"60K+": (0.10, 0.012), "1-30K": (0.2, 0.31), "No information": (0.3, 0.38)})
    return (
        alert("car_value", annotations=drift(medians(24_700.0, 46_100.0, 0.31), 0.31, 0.27)),
        alert("loan_length", annotations=drift(medians(36.0, 61.0, 0.44), 0.44, 0.36)),
        alert("salary_range", annotations=drift(salary, 0.19, 0.11, 0.00042)),
    )


def metric_alert(
    metric: str,
    before: float,
    now: float,
    low: float,
    high: float,
    *,
    labelled: int = 4800,
    direction: str = "worse",
    advice: dict[str, float] | None = None,
    last_bad_ms: int = MARCH_31 + DAY_MS,
) -> Alert:
    """A metric that is no longer the reference's; estimated when nothing is labelled."""
    details = {
        "kind": "performance",
        "metric": metric,
        "value": now,
        "low": low,
        "high": high,
        "reference_value": before,
        "band_low": before - 0.01,
        "band_high": before + 0.01,
        "is_estimate": not labelled,
        "labelled_rows": labelled,
        "label_ratio": labelled / 5000,
        "direction": direction,
    }
    window = {"window_start_ms": last_bad_ms - DAY_MS, "window_end_ms": last_bad_ms}
    annotations = {"details": details, "adjusted_p": 1e-5, "multiple": 1, **window}
    return alert(
        metric,
        shift="performance",
        check="realised" if labelled else "estimated",
        severity=Severity.INFO if direction == "better" else Severity.WARNING,
        last_bad_ms=last_bad_ms,
        annotations=annotations | ({"advice": advice} if advice else {}),
    )


def change_alert(signal: str, before: float, after: float, direction: str = "worse", **details: Any) -> Alert:
    """A sequential detector's change point."""
    told = {
        "kind": "change_point",
        "signal": signal,
        "detector": "adwin",
        "changed_at_ms": MARCH_31 + 14 * 3_600_000,
        "before": before,
        "after": after,
        "rows_since": 431,
        "direction": direction,
    }
    annotations = drift(told | details, abs(after - before), 0.0) | {"adjusted_p": None, "effect_low": None}
    return alert(signal, shift="concept", annotations=annotations | {"rows": 5000})


def residual_alert(
    metric: str = "accuracy", realised: float = 0.85, estimated: float = 0.93, **details: Any
) -> Alert:
    difference = realised - estimated
    told = {
        "kind": "residual",
        "metric": metric,
        "realised": realised,
        "estimated": estimated,
        "low": difference - 0.02,
        "high": difference + 0.02,
        "direction": "worse" if difference < 0 else "better",
    }
    return alert(metric, shift="concept", annotations=drift(told | details, 0.08, 0.06) | {"rows": 4800})


def shares_alert(source: str = "bbse", **changes: tuple[float, float, float, float]) -> Alert:
    keys = ("reference", "current", "low", "high")
    rows = [{"category": c, **dict(zip(keys, figures, strict=True))} for c, figures in changes.items()]
    details = {"kind": "shares", "source": source, "changes": rows}
    return alert("label", shift="prior", annotations=drift(details, 0.03, 0.02))
