"""One message about everything that happened since the last one, for services that want no more than that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts import words
from alerts.compose import rest
from alerts.document import Document, Entry, Line, Look, Section, Span, clean, foreign, plain
from alerts.evidence import evidence, feature_of, worst_first
from alerts.evidence_kinds import kind_of
from alerts.headline import LONGEST, ended, happened, harmless
from alerts.model import Alert, Status
from alerts.mute import Silence, inhibitor, mute
from alerts.outgoing import Notification, Reason
from alerts.render import written
from alerts.routes import Route, heard_by, services_for

MOST_MODELS = 20


@dataclass(frozen=True, slots=True)
class News:
    """What one service has not been told: each alert once, as it stands now.

    ``quiet`` counts alerts that were kept from it because they are silenced or explained by others.
    """

    began: tuple[Alert, ...]
    over: tuple[Alert, ...]
    still: tuple[Alert, ...]
    quiet: int

    @property
    def models(self) -> tuple[str, ...]:
        """The models of which there is something to say, those with most that fires first."""
        fires = [alert.label("model") for alert in (*self.began, *self.still)]
        names = {alert.label("model") for alert in (*self.began, *self.over, *self.still)}
        return tuple(sorted(names, key=lambda name: (-fires.count(name), name)))

    def of_model(self, name: str) -> News:
        """Give what there is to say of one model."""
        began, over, still = (
            tuple(a for a in part if a.label("model") == name) for part in (self.began, self.over, self.still)
        )
        return News(began, over, still, quiet=0)


def news(
    service: str,
    changed: Iterable[Alert],
    standing: Iterable[Alert],
    silences: Iterable[Silence],
    routes: Sequence[Route],
    services: Sequence[str],
    now: datetime,
) -> News:
    """Sort what changed since the last digest, and all that fires, by what there is to say of it."""
    new = {alert.alert_id: alert for alert in changed}
    known = tuple({alert.alert_id: alert for alert in (*standing, *new.values())}.values())
    told, muted = mute(known, silences, now)
    echoes = {alert.alert_id for alert in told if inhibitor(alert, known)}  # mute lets all ends pass
    mine = heard_by(service, told, routes, services)
    firing = [alert for alert in mine if alert.status is Status.FIRING]
    return News(
        began=tuple(alert for alert in firing if alert.alert_id in new),
        over=tuple(a for a in mine if a.status is Status.RESOLVED and a.alert_id not in echoes),
        still=tuple(alert for alert in firing if alert.alert_id not in new),
        quiet=sum(service in services_for(one.alert, routes, services) for one in muted),
    )


def digest(service: str, told: News, now: datetime, command: str = "driftd") -> Notification | None:
    """Give the message for the outbox; None when nothing happened and nothing fires."""
    if not told.models:
        return None
    message = written(lambda most, most_names: _document(told, most, most_names, command), title(told))
    return Notification(
        group_key=f"digest={service} {now.isoformat()}",  # of its own: none takes the place of another
        model="",
        service=service,
        reason=Reason.DIGEST,
        firing=frozenset(alert.alert_id for alert in (*told.began, *told.still)),
        resolved=frozenset(alert.alert_id for alert in told.over),
        message=message,
        created_at=now,
    )


def title(told: News) -> str:
    """Give one line for a lock screen."""
    names = ", ".join(harmless(name) for name in told.models[:3])
    more = f", {len(told.models) - 3} more" if len(told.models) > 3 else ""  # noqa: PLR2004
    line = f"[DIGEST] {_counts(told)} ({names}{more})"
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _counts(told: News) -> str:
    parts = ((told.began, "new"), (told.over, "over"), (told.still, "still firing"))
    return ", ".join(f"{len(alerts)} {word}" for alerts, word in parts if alerts)


def _document(told: News, most: int, most_names: int, command: str) -> Document:
    models = told.models
    sections = [_of_model(name, told, most, most_names) for name in models[:MOST_MODELS]]
    if len(models) > MOST_MODELS:
        sections.append(Section((plain(f"and {len(models) - MOST_MODELS} more models"),)))
    notes: list[Line] = [(Span("Look: ", Look.STRONG), Span(f"{command} alerts --all", Look.CODE))]
    if told.quiet:
        count = words.count(told.quiet, "alert")
        notes.insert(0, (plain(f"Not told: {count}, silenced or explained by others"),))
    return Document(title(told), tuple(sections), tuple(notes))


def _of_model(name: str, told: News, most: int, most_names: int) -> Section:
    mine = told.of_model(name)
    ways: tuple[tuple[tuple[Alert, ...], Callable[[Alert], Line]], ...]
    ways = ((mine.began, _began), (mine.over, _over), (mine.still, _still))
    said = [(alert, say) for alerts, say in ways for alert in worst_first(alerts)]
    entries = tuple(Entry(feature_of(alert), say(alert)) for alert, say in said[:most])
    heading = (Span(clean(name), Look.STRONG), plain(f": {_counts(mine)}"))
    return Section(heading, entries, rest([alert for alert, _ in said[most:]], most_names))


def _what(alert: Alert, *, is_firing: bool) -> str:
    segment = f" in {alert.label('segment')}" if alert.label("segment") else ""
    kind = kind_of(alert)
    return f"{happened(kind, is_firing=True) if is_firing else ended(kind, (alert,))}{segment}"


def _began(alert: Alert) -> Line:
    since = words.moment(alert.opened_ms)
    return (foreign(f"{_what(alert, is_firing=True)} since {since}"), plain(": "), *evidence(alert))


def _still(alert: Alert) -> Line:
    return (plain("still: "), *_began(alert))


def _over(alert: Alert) -> Line:
    length = words.duration(alert.last_bad_ms - alert.opened_ms)
    begun = words.moment(alert.opened_ms)
    return (foreign(f"{_what(alert, is_firing=False)}, lasted {length} from {begun}"),)
