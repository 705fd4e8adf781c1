"""The title of a message: its status, its model, what happened to which features."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.document import clean
from alerts.evidence import feature_of, worst_first
from alerts.evidence_kinds import Kind, kind_of
from alerts.model import Alert, Severity
from alerts.notice import Notice
from alerts.outgoing import Reason
from alerts.story import OF_THE_MODEL, Story, story

LONGEST = 140  # Slack's headers take 150; phones show less
MOST_NAMES = 3
HAPPENED = {
    Kind.BROKEN: ("broken data", "data fine again"),
    Kind.WORSE: ("model got worse", "model recovered"),
    Kind.FEARED: ("model estimated to be worse", "estimated performance back to normal"),
    Kind.ERRORS_ROSE: ("errors rose", "errors back to normal"),
    Kind.ERRORS_LEAN: ("errors out of balance", "errors balanced again"),
    Kind.RELATION: ("the relation changed", "the relation is back to normal"),
    Kind.BETTER: ("model got better", "model back to its usual"),
    Kind.HOPED: ("model estimated to be better", "estimated performance back to normal"),
    Kind.ERRORS_FELL: ("errors fell", "errors back to normal"),
    Kind.INPUTS: ("inputs drifted", "inputs back to normal"),
    Kind.LABELS: ("label shares drifted", "label shares back to normal"),
    Kind.OUTPUTS: ("outputs drifted", "outputs back to normal"),
    Kind.OTHER: ("changed", "back to normal"),
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
    model = harmless(f"{notice.model} {notice.context.model_version}")
    if notice.reason is Reason.TEST:
        return f"[TEST] {model}: a test message from driftd"
    alerts = worst_first(notice.firing or notice.resolved)
    start, told = f"{_status(notice)} {model}: ", story_of(notice)
    for most in range(MOST_NAMES, -1, -1):
        news = _told(alerts, told.headline, most) if told else ""
        line = start + (news or _listed(notice, alerts, most))
        line += f"; {len(notice.resolved)} resolved" if notice.firing and notice.resolved else ""
        if len(line) <= LONGEST:
            return line
    return line[: LONGEST - 1] + "…"


def story_of(notice: Notice) -> Story | None:
    """Tell what fires in the whole group, also what this service is not told about one by one."""
    if not notice.firing:
        return None
    return story((*notice.firing, *notice.elsewhere), notice.context.performance_holds)


def kinds(alerts: Iterable[Alert]) -> tuple[Kind, ...]:
    """Give the kinds of news among the alerts, in the order in which they are told."""
    present = {kind_of(alert) for alert in alerts}
    return tuple(kind for kind in Kind if kind in present)


def happened(kind: Kind, *, is_firing: bool) -> str:
    """Say what such news mean."""
    began, ended = HAPPENED[kind]
    return began if is_firing else ended


def ended(kind: Kind, alerts: Iterable[Alert]) -> str:
    """Say what it means that these have ended; what was accepted is not back to what it was."""
    if all("accepted" in alert.annotations for alert in alerts):
        return f"{happened(kind, is_firing=True)}, accepted as normal"
    return happened(kind, is_firing=False)


def _told(alerts: tuple[Alert, ...], headline: str, most: int) -> str:
    """Give the story, if it has a headline, and the features of which it only says that they moved."""
    named = [a for a in alerts if kind_of(a) not in OF_THE_MODEL]
    return headline and headline + _names(named, most)


def _listed(notice: Notice, alerts: tuple[Alert, ...], most: int) -> str:
    """Give one kind of news after the other, each with its features."""
    parts = [(kind, [a for a in alerts if kind_of(a) is kind]) for kind in kinds(alerts)]
    is_firing = bool(notice.firing)
    return ", ".join(
        (happened(kind, is_firing=True) if is_firing else ended(kind, mine)) + _names(mine, most)
        for kind, mine in parts
    )


def _status(notice: Notice) -> str:
    if not notice.firing:
        return "[RESOLVED]"
    is_critical = any(alert.severity is Severity.CRITICAL for alert in notice.firing)
    return f"[FIRING:{len(notice.firing)}]{' CRITICAL' if is_critical else ''}"


def _names(alerts: Iterable[Alert], most: int) -> str:
    features = list(dict.fromkeys(harmless(_place(alert)) for alert in alerts))
    names = features[:most] + ([f"{len(features) - most} more"] if len(features) > most > 0 else [])
    return f" ({', '.join(names)})" if names else ""


def _place(alert: Alert) -> str:
    segment = alert.label("segment")
    return f"{feature_of(alert)} in {segment}" if segment else feature_of(alert)


def harmless(text: str) -> str:
    """Make a name out of the data one that no service reads as markup, a mention or a link."""
    return clean(text).replace("://", ":\u2215\u2215").translate(UNSAFE)
