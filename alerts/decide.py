"""Whether a service is to hear about a group now, and why."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from alerts.outgoing import Reason, Sent


def decide(
    sent: Sent | None,
    firing: AbstractSet[str],
    resolved: AbstractSet[str],
    send_resolved: bool,
    repeat: timedelta,
    now: datetime,
) -> Reason | None:
    """Give the reason to send a notification, or None.

    ``sent`` is the latest notification that the service is known to have got,
    never one that is still in the outbox. ``firing`` and ``resolved`` are what
    the next one would tell, muted alerts left out. That an alert has ended is
    told only to those who were told that it fired.
    """
    if sent is None:
        return Reason.FIRST if firing else None
    if not firing <= sent.firing:
        return Reason.NEW_ALERTS if sent.firing else Reason.FIRST
    if send_resolved and resolved & sent.firing:
        return Reason.RESOLVED
    if firing and now - sent.at >= repeat:
        return Reason.REPEAT
    return None
