"""The title of a message: its status, its model, what happened to which features."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.document import clean
from alerts.evidence import feature_of, worst_first
from alerts.model import Alert, Severity
from alerts.notice import Notice
from alerts.outgoing import Reason

LONGEST = 140  # Slack's headers take 150; phones show less
MOST_NAMES = 3
HAPPENED = {
    "quality": ("broken data", "data fine again"),
    "covariate": ("inputs drifted", "inputs back to normal"),
    "prior": ("outputs drifted", "outputs back to normal"),
    "concept": ("model got worse", "model recovered"),
}
LOUDEST_FIRST = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)
# A title goes to services whose markup we do not know: whatever could be markup is written with a look-alike.
UNSAFE = str.maketrans(
    {
        "@": "\uff20",
        "*": "\u2217",
        "~": "\u223c",
        "`": "\u02cb",
        "<": "\u2039",
        ">": "\u203a",
        "&": "\uff06",
    }
)


def title(notice: Notice) -> str:
    """Give one line that makes sense on a lock screen.

    It says what fires; what ended is only counted while something fires. Names out of
    the data are made harmless for any service: no markup, mentions or links.
    """
    model = _harmless(f"{notice.model} {notice.context.model_version}")
    if notice.reason is Reason.TEST:
        return f"[TEST] {model}: a test message from driftd"
    alerts = worst_first(notice.firing or notice.resolved)
    start = f"{_status(notice)} {model}: "
    for most in range(MOST_NAMES, -1, -1):
        line = start + ", ".join(_what(alerts, shift, bool(notice.firing), most) for shift in shifts(alerts))
        line += f"; {len(notice.resolved)} resolved" if notice.firing and notice.resolved else ""
        if len(line) <= LONGEST:
            return line
    return line[: LONGEST - 1] + "…"


def shifts(alerts: Iterable[Alert]) -> tuple[str, ...]:
    """Give the kinds of shift among the alerts, in the order in which they are told."""
    present = {alert.label("shift") for alert in alerts}
    return tuple(s for s in HAPPENED if s in present) + tuple(sorted(present - set(HAPPENED)))


def happened(shift: str, *, is_firing: bool) -> str:
    """Say what such a shift means."""
    began, ended = HAPPENED.get(shift, ("changed", "back to normal"))
    return began if is_firing else ended


def _status(notice: Notice) -> str:
    if not notice.firing:
        return "[RESOLVED]"
    is_critical = any(alert.severity is Severity.CRITICAL for alert in notice.firing)
    return f"[FIRING:{len(notice.firing)}]{' CRITICAL' if is_critical else ''}"


def _what(alerts: tuple[Alert, ...], shift: str, is_firing: bool, most: int) -> str:
    mine = [alert for alert in alerts if alert.label("shift") == shift]
    features = list(dict.fromkeys(_harmless(feature_of(alert)) for alert in mine))
    names = features[:most] + ([f"{len(features) - most} more"] if len(features) > most > 0 else [])
    return happened(shift, is_firing=is_firing) + (f" ({', '.join(names)})" if names else "")


def _harmless(text: str) -> str:
    return clean(text).replace("://", ":\u2215\u2215").translate(UNSAFE)
