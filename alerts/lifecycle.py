"""An alert's life: pending, firing, resolved, in rounds of closed windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from alerts.model import Alert, Observation, Severity, Status

LOUDNESS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


def step(alert: Alert | None, observation: Observation, for_windows: int, keep_windows: int) -> Alert | None:
    """Give the alert as it stands after one more round of closed windows.

    Any bad verdict makes the round bad. Without one, the round is clear when a
    window at least as long as the alert's own is clear; anything else (too
    little data, a crashed test, clear only at shorter lengths) changes nothing,
    not even a count. None means that there is nothing to remember: no alert,
    or a pending one that cleared before it fired.

    A resolved alert that turns bad is a new incident with its own
    `Alert.alert_id`. When that is forgotten before it fired, the next round goes
    on from the resolved one, which the caller has to keep: no incident begins
    before the previous one ended. Rounds must come in the order of event time.
    """
    bad = _shortest_bad(observation)
    if bad is not None:
        return _bad(_begin_if_new(alert, observation, bad), observation, bad, for_windows)
    if alert is None or alert.status is Status.RESOLVED or not _is_clear(alert, observation):
        return alert
    return _clear(alert, observation, keep_windows)


def accept(alert: Alert, end_ms: int, acceptance: Mapping[str, Any]) -> Alert | None:
    """End an open alert because somebody says that this is normal now; None for one that never fired."""
    if alert.status is not Status.FIRING:
        return None
    return replace(
        alert,
        status=Status.RESOLVED,
        resolved_ms=max(end_ms, alert.last_bad_ms),
        annotations={**alert.annotations, "accepted": acceptance},
    )


def louder(one: Severity, other: Severity) -> Severity:
    """Give the louder of two severities."""
    return one if LOUDNESS[one] >= LOUDNESS[other] else other


def _shortest_bad(observation: Observation) -> int | None:
    return min((length for length, verdict in observation.verdicts.items() if verdict), default=None)


def _is_clear(alert: Alert, observation: Observation) -> bool:
    return any(verdict is False and n >= alert.multiple for n, verdict in observation.verdicts.items())


def _begin_if_new(alert: Alert | None, observation: Observation, multiple: int) -> Alert:
    if alert is not None and alert.status is not Status.RESOLVED:
        return alert
    return Alert(
        labels=observation.labels,
        severity=observation.severity,
        status=Status.PENDING,
        multiple=multiple,
        opened_ms=_opening(alert, observation),
        last_bad_ms=observation.end_ms,
        fired_ms=None,
        resolved_ms=None,
        bad_windows=0,
        clear_windows=0,
        annotations=observation.annotations,
    )


def _opening(previous: Alert | None, observation: Observation) -> int:
    """Start no incident before the previous one ended: a long window may reach back over it."""
    if previous is None:
        return observation.start_ms
    return max(observation.start_ms, previous.resolved_ms or 0, previous.opened_ms + 1)


def _bad(alert: Alert, observation: Observation, multiple: int, for_windows: int) -> Alert:
    bad_windows = alert.bad_windows + 1
    fires = alert.status is Status.PENDING and bad_windows >= for_windows
    return replace(
        alert,
        severity=louder(alert.severity, observation.severity),
        status=Status.FIRING if fires else alert.status,
        multiple=multiple,
        last_bad_ms=max(alert.last_bad_ms, observation.end_ms),
        fired_ms=observation.end_ms if fires else alert.fired_ms,
        bad_windows=bad_windows,
        clear_windows=0,
        annotations=observation.annotations,
    )


def _clear(alert: Alert, observation: Observation, keep_windows: int) -> Alert | None:
    if alert.status is Status.PENDING:
        return None
    clear_windows = alert.clear_windows + 1
    resolved = clear_windows >= keep_windows
    return replace(
        alert,
        status=Status.RESOLVED if resolved else alert.status,
        resolved_ms=observation.end_ms if resolved else None,
        clear_windows=clear_windows,
    )
