"""The values that alerting is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Labels = tuple[tuple[str, str], ...]
"""Sorted (name, value) pairs: an alert's identity. Never a p-value or a time."""


class Severity(StrEnum):
    """How loud an alert is; ordered by the reader, not by the text."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Status(StrEnum):
    """Where an alert stands in its life."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


def labels(**pairs: str) -> Labels:
    """Labels from keyword arguments, sorted by name."""
    return tuple(sorted(pairs.items()))


def fingerprint(of: Labels) -> str:
    """Give 16 hex characters that are equal exactly when the labels are."""
    text = "\x00".join(f"{name}\x01{value}" for name, value in of)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Observation:
    """What one round of closed windows says about one possible alert.

    ``verdicts`` maps a window length, in base windows, to True (bad), False
    (clear) or None (nothing can be said: too little data, a crashed test).
    ``start_ms`` and ``end_ms`` are the event times of the shortest bad window,
    or of the base window when none is bad. ``annotations`` is JSON-able
    evidence for the message.
    """

    labels: Labels
    verdicts: Mapping[int, bool | None]
    start_ms: int
    end_ms: int
    severity: Severity = Severity.WARNING
    annotations: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """One incident: from the first bad window until enough windows were clear.

    Times are event times in milliseconds: ``opened_ms`` is the start of the
    first bad window, ``last_bad_ms`` the end of the latest, ``fired_ms`` and
    ``resolved_ms`` the ends of the windows that made it fire and resolve.
    ``multiple`` is the window length that has to be clear for it to resolve.
    """

    labels: Labels
    severity: Severity
    status: Status
    multiple: int
    opened_ms: int
    last_bad_ms: int
    fired_ms: int | None
    resolved_ms: int | None
    bad_windows: int
    clear_windows: int
    annotations: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.labels)

    @property
    def alert_id(self) -> str:
        """Name this incident: the same in every process and every replay."""
        return f"{self.fingerprint}-{self.opened_ms}"

    def label(self, name: str) -> str:
        """Give the label's value, empty when the alert has no such label."""
        return dict(self.labels).get(name, "")

    def matchable(self, name: str) -> str:
        """Give what routes and silences compare with: a label, the severity, or whose the feature is."""
        if name == "owner":
            return str(self.annotations.get("owner") or "")
        return str(self.severity) if name == "severity" else self.label(name)
