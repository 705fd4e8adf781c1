"""A notice for machines: Alertmanager's API, and webhooks of Alertmanager's shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.evidence import summary, worst_first
from alerts.evidence_kinds import kind_of
from alerts.evidence_values import mapping, mappings, real
from alerts.headline import ended, happened
from alerts.model import Alert, Severity, Status
from alerts.notice import Notice
from alerts.outgoing import Reason

VERSION = "4"  # of Alertmanager's webhooks
NOT_OVER = "0001-01-01T00:00:00Z"  # what Alertmanager writes for an alert that has not ended
FIGURES = ("effect", "effect_low", "effect_high", "adjusted_p")
TEST_VALID_S = 60.0


def payload(notice: Notice, group_key: str, valid_s: float) -> dict[str, Any]:
    """Give what is stored beside the words of a message: JSON with the alerts one by one.

    ``valid_s`` is how long a firing alert holds from the moment in which it is sent.
    """
    alerts = [_alert(one, notice) for one in (*notice.firing, *notice.resolved)]
    if notice.reason is Reason.TEST:
        alerts, valid_s = [_test(notice)], TEST_VALID_S
    return {
        "group_key": group_key,
        "model": notice.model,
        "reason": str(notice.reason),
        "valid_s": valid_s,
        "url": notice.context.links.get("dashboard", ""),
        "alerts": alerts,
        "picture": _subject(notice),
    }


def for_alertmanager(stored: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    """Give the body of POST /api/v2/alerts: what fires ends unless it is sent again in time."""
    until = now + timedelta(seconds=real(stored.get("valid_s")) or 0.0)
    return [_pushed(one, str(stored.get("url") or ""), now, until) for one in mappings(stored.get("alerts"))]


def for_webhook(stored: Mapping[str, Any], receiver: str) -> dict[str, Any]:
    """Give the body that Alertmanager posts to its webhooks, version 4."""
    alerts = [_posted(one, str(stored.get("url") or "")) for one in mappings(stored.get("alerts"))]
    return {
        "version": VERSION,
        "groupKey": str(stored.get("group_key") or ""),
        "truncatedAlerts": 0,
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "receiver": receiver,
        "groupLabels": {"model": str(stored.get("model") or "")},
        "commonLabels": _common(one["labels"] for one in alerts),
        "commonAnnotations": _common(one["annotations"] for one in alerts),
        "externalURL": str(stored.get("url") or ""),
        "alerts": alerts,
    }


def _alert(alert: Alert, notice: Notice) -> dict[str, Any]:
    is_over = alert.status is Status.RESOLVED
    named = {name: value for name, value in alert.labels if value}
    labels = {"alertname": f"driftd_{alert.label('shift')}", "severity": str(alert.severity)} | named
    return {
        "labels": labels,
        "annotations": _annotations(alert, notice),
        "starts_ms": alert.opened_ms,
        "ends_ms": (alert.resolved_ms or alert.last_bad_ms) if is_over else None,
        "fingerprint": alert.fingerprint,
    }


def _subject(notice: Notice) -> dict[str, Any] | None:
    """Say what the picture of a message is of: the worst of what is new and a feature's drift, if any."""
    for alert in worst_first(notice.firing):
        is_drift = mapping(alert.annotations.get("details")).get("kind") in {"numeric", "categorical"}
        times = [real(alert.annotations.get(f"window_{side}_ms")) for side in ("start", "end")]
        if is_drift and None not in times and alert.alert_id in (notice.new or {alert.alert_id}):
            return {
                "model": notice.model,
                "feature": alert.label("feature"),
                "segment": alert.label("segment"),
                "start_ms": times[0],
                "end_ms": times[1],
                "multiple": alert.annotations.get("multiple"),
                "alarm_ms": alert.fired_ms,
            }
    return None


def _annotations(alert: Alert, notice: Notice) -> dict[str, str]:
    """Give what is worth reading or using, all of it text."""
    kind, is_over = kind_of(alert), alert.status is Status.RESOLVED
    what = ended(kind, (alert,)) if is_over else happened(kind, is_firing=True)
    told = {"summary": f"{notice.model}: {what}: {summary(alert)}", "incident": alert.alert_id}
    told |= {"model_version": notice.context.model_version} if notice.context.model_version else {}
    told |= {f"{word}_url": address for word, address in notice.context.links.items()}
    for side in ("start", "end"):
        at = real(alert.annotations.get(f"window_{side}_ms"))
        told |= {} if at is None else {f"window_{side}": _moment(int(at))}
    found = {name: real(alert.annotations.get(name)) for name in FIGURES}
    return told | {name: f"{figure:.6g}" for name, figure in found.items() if figure is not None}


def _test(notice: Notice) -> dict[str, Any]:
    return {
        "labels": {"alertname": "driftd_test", "severity": str(Severity.INFO), "model": notice.model},
        "annotations": {"summary": "a test message from driftd: nothing drifted"},
        "starts_ms": None,
        "ends_ms": None,
        "fingerprint": "",
    }


def _pushed(one: Mapping[str, Any], url: str, now: datetime, until: datetime) -> dict[str, Any]:
    """Keep to what Alertmanager takes: an end in the past is an end, and none lies before its beginning."""
    now_ms = int(now.timestamp() * 1000)
    starts_ms, ends_ms = (real(one.get(name)) for name in ("starts_ms", "ends_ms"))
    starts = int(min(now_ms if starts_ms is None else starts_ms, now_ms))
    ends = int(until.timestamp() * 1000) if ends_ms is None else int(max(min(ends_ms, now_ms), starts))
    body = {
        "labels": dict(mapping(one.get("labels"))),
        "annotations": dict(mapping(one.get("annotations"))),
        "startsAt": _moment(starts),
        "endsAt": _moment(ends),
    }
    return body | ({"generatorURL": url} if url else {})


def _posted(one: Mapping[str, Any], url: str) -> dict[str, Any]:
    starts_ms, ends_ms = real(one.get("starts_ms")), real(one.get("ends_ms"))
    return {
        "status": "firing" if ends_ms is None else "resolved",
        "labels": dict(mapping(one.get("labels"))),
        "annotations": dict(mapping(one.get("annotations"))),
        "startsAt": NOT_OVER if starts_ms is None else _moment(int(starts_ms)),
        "endsAt": NOT_OVER if ends_ms is None else _moment(int(ends_ms)),
        "generatorURL": url,
        "fingerprint": str(one.get("fingerprint") or ""),
    }


def _common(many: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Give the pairs that all have."""
    pairs = [set(one.items()) for one in many]
    return dict(sorted(set.intersection(*pairs))) if pairs else {}


def _moment(at_ms: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
