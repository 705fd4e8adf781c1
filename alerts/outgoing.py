"""What has been, or is to be, said to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a notification is sent; it reaches the message and the log."""

    FIRST = "first"
    NEW_ALERTS = "new_alerts"
    RESOLVED = "resolved"
    REPEAT = "repeat"
    RESEND = "resend"  # to a service that forgets what it is not told again
    DIGEST = "digest"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Message:
    """One notification, rendered once for every kind of service.

    ``payload`` is the same for machines (see `alerts.payload`), as JSON.
    """

    title: str
    slack_markdown: str
    html: str
    text: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """The latest notification that a service is known to have got about a group: ids of incidents."""

    firing: frozenset[str]
    resolved: frozenset[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Group:
    """The alerts that share one message, and when it may next be sent."""

    key: str
    model: str
    next_flush_at: datetime | None
    last_flush_at: datetime | None


@dataclass(frozen=True, slots=True)
class Notification:
    """A row for the outbox: one message for one service.

    ``firing`` and ``resolved`` are the ids of the incidents it tells about.
    """

    group_key: str
    model: str
    service: str
    reason: Reason
    firing: frozenset[str]
    resolved: frozenset[str]
    message: Message
    created_at: datetime
