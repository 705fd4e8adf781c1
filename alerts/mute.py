"""Alerts that nobody is to be told about: silenced by people or implied by others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.evidence_model import MEAN_OF, NULLS_OF
from alerts.model import Alert, Status

NO_DATA = frozenset({"row_count", "freshness"})
BROKEN_COLUMN = frozenset({"missing_column", "data_type"})


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label: equal to the value, or wholly matched by it as a regular expression.

    A label that an alert does not have counts as empty.
    """

    name: str
    value: str
    is_regex: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError(f"a matcher needs a label's name before {self.value!r}, such as model=churn")
        if self.is_regex:
            _compiled(self)

    def matches(self, value: str) -> bool:
        if self.is_regex:
            return _compiled(self).fullmatch(value) is not None
        return value == self.value


@dataclass(frozen=True, slots=True)
class Silence:
    """People's wish not to be told about some alerts for some time: all matchers must match.

    Refused when it would match alerts without any label, that is, everything.
    A silence whose end equals its start was expired before it began.
    """

    id: int | None
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str

    def __post_init__(self) -> None:
        if all(matcher.matches("") for matcher in self.matchers):
            raise ValueError(
                "a silence must name what it silences, such as model=churn: "
                f"{_words(self.matchers) or 'no matcher'} would silence everything"
            )
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError(
                f"a silence needs times with a time zone, not {self.starts_at} to {self.ends_at}"
            )
        if self.ends_at < self.starts_at:
            raise ValueError(
                f"a silence must end after it starts, not at {self.ends_at} before {self.starts_at}"
            )

    def is_active(self, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at


@dataclass(frozen=True, slots=True)
class Muted:
    """A firing alert that is kept quiet, and why, in words."""

    alert: Alert
    reason: str


def silenced(alert: Alert, silences: Iterable[Silence], now: datetime) -> Silence | None:
    """Give the first active silence that matches the alert's labels, if any."""
    for silence in silences:
        if silence.is_active(now) and all(m.matches(alert.matchable(m.name)) for m in silence.matchers):
            return silence
    return None


def inhibitor(alert: Alert, alerts: Iterable[Alert]) -> Alert | None:
    """Give a data-quality alert that explains this drift alert away, if any.

    Without data, or with a column missing or of another type, drift is only the
    echo of that: while the cause fires, and afterwards for what was bad last
    before the cause ended. Quality alerts are never inhibited, so none inhibits itself.
    """
    if alert.label("shift") == "quality":
        return None
    return next((other for other in alerts if _explains(other, alert)), None)


def mute(
    alerts: Iterable[Alert], silences: Iterable[Silence], now: datetime
) -> tuple[tuple[Alert, ...], tuple[Muted, ...]]:
    """Part the alerts into those to tell about and those to keep quiet about.

    Only firing alerts are muted: that one of which people were told has ended
    is always news. A silenced alert still inhibits.
    """
    everything, active = tuple(alerts), tuple(silences)
    told, muted = [], []
    for alert in everything:
        reason = _reason(alert, everything, active, now)
        if reason:
            muted.append(Muted(alert, reason))
        else:
            told.append(alert)
    return tuple(told), tuple(muted)


def _reason(alert: Alert, alerts: tuple[Alert, ...], silences: tuple[Silence, ...], now: datetime) -> str:
    if alert.status is not Status.FIRING:
        return ""
    if (cause := inhibitor(alert, alerts)) is not None:
        return f"inhibited by {cause.label('check')} {cause.label('feature')}".rstrip()
    if (silence := silenced(alert, silences, now)) is not None:
        return f"silenced by {silence.created_by} until {silence.ends_at.isoformat()}: {silence.comment}"
    return ""


def _explains(cause: Alert, drift: Alert) -> bool:
    if cause.label("shift") != "quality" or not _is_at_work(cause, drift):
        return False
    if cause.label("model") != drift.label("model"):
        return False
    if cause.label("segment") not in {"", drift.label("segment")}:
        return False
    if cause.label("check") in NO_DATA:
        return not cause.annotations.get("rows", 0)  # few rows, or many, are no reason to be silent
    return cause.label("check") in BROKEN_COLUMN and cause.label("feature") == _column(drift)


def _is_at_work(cause: Alert, drift: Alert) -> bool:
    """Tell whether the cause fires, or fired when the drift was seen last."""
    if cause.status is Status.RESOLVED:
        return drift.opened_ms >= cause.opened_ms and drift.last_bad_ms <= cause.last_bad_ms
    return cause.status is Status.FIRING


def _column(drift: Alert) -> str:
    """Give the column that the alert is about, also when it is about its mean or its null rate."""
    return drift.label("feature").removeprefix(MEAN_OF).removeprefix(NULLS_OF)


def _compiled(matcher: Matcher) -> re.Pattern[str]:
    try:
        return re.compile(matcher.value)
    except re.error as error:
        raise ValueError(
            f"{matcher.value!r} for {matcher.name!r} is not a regular expression: {error}"
        ) from None


def _words(matchers: Iterable[Matcher]) -> str:
    return ", ".join(f"{m.name}{'=~' if m.is_regex else '='}{m.value}" for m in matchers)
