"""One group's turn to speak: what each service is to be told now, if anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.decide import decide
from alerts.grouping import after_flush, group_key
from alerts.model import Alert, Status
from alerts.mute import Silence, mute
from alerts.notice import Context, Notice
from alerts.outgoing import Group, Notification, Reason, Sent
from alerts.payload import payload
from alerts.render import render
from alerts.routes import Route, heard_by

LEAST_RESEND = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Settings:
    """How patient alerting is. ``for_windows`` and ``keep_windows`` are for `lifecycle.step`.

    ``expiring`` are the services that forget an alert unless they are told of it again and again
    (Alertmanager): they are, as long as it fires and is not muted, and always when it is over.
    ``digests`` are the services that get nothing but digests: what happens is noted for them.
    """

    group_wait: timedelta = timedelta(minutes=1)
    group_interval: timedelta = timedelta(minutes=15)
    repeat_interval: timedelta = timedelta(hours=24)
    send_resolved: bool = True
    for_windows: int = 1
    keep_windows: int = 2
    expiring: frozenset[str] = frozenset()
    digests: frozenset[str] = frozenset()


def flush(
    group: Group,
    alerts: Iterable[Alert],
    silences: Iterable[Silence],
    routes: Iterable[Route],
    services: Iterable[str],
    sent: Mapping[str, Sent],
    settings: Settings,
    now: datetime,
    context: Context,
) -> tuple[Group, tuple[Notification, ...]]:
    """Give the group with its next flush planned, and the notifications for the outbox.

    ``alerts`` may hold alerts of other groups; those are left alone. ``services``
    are the names of all services, ``sent`` what each is known to have got. Muting
    comes before deciding, so an alert that began while muted speaks once it is not. An
    alert that has ended and come back is a new incident, and so is news.
    """
    mine = [alert for alert in alerts if group_key(alert) == group.key]
    told, _ = mute(mine, silences, now)
    ways, everybody = tuple(routes), tuple(services)
    names = tuple(name for name in everybody if name not in settings.digests)
    standing = tuple(alert for alert in mine if alert.status is Status.FIRING)
    heard = {name: heard_by(name, told, ways, everybody) for name in names}
    drafts = (
        _draft(group, name, heard[name], standing, sent.get(name), settings, now, context) for name in names
    )
    is_open = any(a.status is Status.FIRING for a in mine)
    hearing = tuple(name for name in names if settings.send_resolved or name in settings.expiring)
    is_open = is_open or (bool(hearing) and _is_owed(mine, sent, hearing))
    planned = after_flush(group, is_open, now, settings.group_interval, settings.repeat_interval)
    return planned, tuple(draft for draft in drafts if draft is not None)


def _is_owed(alerts: Iterable[Alert], sent: Mapping[str, Sent], services: tuple[str, ...]) -> bool:
    """Tell whether a service believes, or will when the outbox is empty, that a resolved alert is firing.

    A resolved alert of which no service at all was told is only still here because a message is on its way.
    """
    ended = {alert.alert_id for alert in alerts if alert.status is Status.RESOLVED}
    told = frozenset().union(*(entry.firing for entry in sent.values()))
    owed = frozenset().union(*(entry.firing for name, entry in sent.items() if name in services))
    return bool(ended & owed or ended - told)


def _draft(
    group: Group,
    service: str,
    alerts: tuple[Alert, ...],
    standing: tuple[Alert, ...],
    sent: Sent | None,
    settings: Settings,
    now: datetime,
    context: Context,
) -> Notification | None:
    """Draft what one service is told of the alerts that it hears; ``standing`` is all that fires."""
    firing = tuple(a for a in alerts if a.status is Status.FIRING)
    before = sent.firing if sent is not None else frozenset[str]()
    speaking = frozenset(a.alert_id for a in firing)
    back = frozenset(a.fingerprint for a in firing)
    resolved = tuple(
        a
        for a in alerts
        if a.status is Status.RESOLVED and a.alert_id in before and a.fingerprint not in back
    )
    ended = frozenset(a.alert_id for a in resolved)
    send_resolved, repeat = _manners(service, settings)
    reason = decide(sent, speaking, ended, send_resolved, repeat, now)
    if reason is None:
        return None
    if reason is Reason.REPEAT and service in settings.expiring:
        reason = Reason.RESEND
    shown = resolved if send_resolved else ()
    elsewhere = tuple(alert for alert in standing if alert.alert_id not in speaking)
    notice = Notice(group.model, reason, firing, shown, speaking - before, context, elsewhere)
    message = replace(render(notice), payload=payload(notice, group.key, valid_s(settings)))
    return Notification(group.key, group.model, service, reason, speaking, ended, message, now)


def _manners(service: str, settings: Settings) -> tuple[bool, timedelta]:
    """Give whether the service hears of ends, and after which time it is told the same again."""
    if service in settings.expiring:
        return True, max(LEAST_RESEND, settings.group_interval / 2)
    return settings.send_resolved, settings.repeat_interval


def valid_s(settings: Settings) -> float:
    """Give how long an alert holds at a service that forgets: some of the messages in between may be lost."""
    return max(4 * LEAST_RESEND, 4 * settings.group_interval).total_seconds()
