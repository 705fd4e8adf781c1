"""A notice put into words, before it has a format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alerts import words
from alerts.document import Document, Entry, Line, Look, Section, Span, foreign, name, plain
from alerts.evidence import end, evidence, feature_of, worst_first
from alerts.evidence_kinds import Kind, kind_of
from alerts.evidence_values import END_OF_TIME_MS, mapping, real
from alerts.headline import ended, happened, kinds, story_of, title
from alerts.model import Alert
from alerts.next_steps import advice, next_steps
from alerts.notice import Notice
from alerts.outgoing import Reason
from alerts.story import OF_THE_MODEL


def compose(notice: Notice, most: int, most_names: int) -> Document:
    """Put the notice into words.

    Of each kind, at most ``most`` alerts are told one by one; the others are
    counted, and the first ``most_names`` of them named.
    """
    if notice.reason is Reason.TEST:
        return _test(notice)
    told = story_of(notice)
    sections = [Section((plain(told.sentence),))] if told else []
    sections += [_firing(notice, kind, most, most_names) for kind in kinds(notice.firing)]
    sections += [_resolved(notice, kind, most, most_names) for kind in kinds(notice.resolved)]
    return Document(title(notice), tuple(sections), _notes(notice))


def _test(notice: Notice) -> Document:
    line = plain(f"If you can read this, {notice.context.command} can reach you. Nothing drifted.")
    return Document(title(notice), (Section((line,)),), ())


def _firing(notice: Notice, kind: Kind, most: int, most_names: int) -> Section:
    alerts = worst_first(a for a in notice.firing if kind_of(a) is kind)
    since_ms = min(a.opened_ms for a in alerts)
    usual_ms = _usual_length(notice.firing)
    entries = tuple(_entry(a, notice, since_ms, usual_ms) for a in alerts[:most])
    again = "still: " if notice.reason is Reason.REPEAT else ""
    heading = [Span(f"{again}{happened(kind, is_firing=True)}".capitalize(), Look.STRONG)]
    heading.append(plain(f" since {words.moment(since_ms)}"))
    if notice.reason is Reason.REPEAT:
        heading.append(plain(f", for {words.duration(max(a.last_bad_ms for a in alerts) - since_ms)}"))
    return Section(tuple(heading), entries, rest(alerts[most:], most_names))


def _entry(alert: Alert, notice: Notice, since_ms: int, usual_ms: int) -> Entry:
    line = list(evidence(alert))
    length_ms = _window_ms(alert)
    if length_ms and usual_ms and length_ms != usual_ms:
        line.append(plain(f", over {words.duration(length_ms)}"))
    elif length_ms and kind_of(alert) in OF_THE_MODEL and _ends_ms(alert) != _latest_ms(notice.firing):
        line.append(plain(f", in the window up to {words.moment(_ends_ms(alert))}"))  # labels come late
    is_dated = mapping(alert.annotations.get("details")).get("kind") == "change_point"
    if alert.opened_ms != since_ms and not is_dated:
        line.append(plain(f", since {words.moment(alert.opened_ms)}"))
    if alert.alert_id in notice.new and len(notice.new) < len(notice.firing):
        line.append(plain(" (new)"))
    return Entry(feature_of(alert), tuple(line))


def _resolved(notice: Notice, kind: Kind, most: int, most_names: int) -> Section:
    alerts = worst_first(a for a in notice.resolved if kind_of(a) is kind)
    entries = tuple(Entry(feature_of(a), (plain(_lasted(a)), *end(a))) for a in alerts[:most])
    heading = Span(ended(kind, alerts).capitalize(), Look.STRONG)
    return Section((heading,), entries, rest(alerts[most:], most_names))


def _lasted(alert: Alert) -> str:
    length = words.duration(alert.last_bad_ms - alert.opened_ms)
    begun = words.moment(alert.opened_ms).removesuffix(" UTC")
    return f"lasted {length}, {begun} to {words.moment(alert.last_bad_ms)}"


def rest(alerts: Sequence[Alert], most_names: int) -> Line:
    """Count the alerts that are not told one by one, and name the first of them."""
    if not alerts:
        return ()
    features = list(dict.fromkeys(feature_of(alert) for alert in alerts))
    spans = [plain(f"and {len(alerts)} more")]
    for i, feature in enumerate(features[:most_names]):
        spans += [plain(", " if i else ": "), name(feature)]
    return (*spans, plain(" …")) if 0 < most_names < len(features) else tuple(spans)


def _notes(notice: Notice) -> tuple[Line, ...]:
    notes = [
        advice(notice.firing),
        _window_note(notice.firing),
        _certainty(notice),
        *next_steps(notice),
        _links(notice),
    ]
    return tuple(note for note in notes if note)


def _window_note(alerts: tuple[Alert, ...]) -> Line:
    """Say which window the figures are from: the latest of the usual length."""
    usual_ms, ends_ms = _usual_length(alerts), _latest_ms(alerts)
    if not usual_ms:
        return ()
    mine = [a for a in alerts if _window_ms(a) == usual_ms and _ends_ms(a) == ends_ms]
    all_rows = [a.annotations.get("rows") for a in mine if not a.label("segment")]
    counts = [rows for rows in all_rows if isinstance(rows, int) and rows > 0]
    counted = f", {words.count(max(counts), 'row')}" if counts else ""
    ends = words.moment(ends_ms)
    return (Span("Window: ", Look.STRONG), plain(f"{words.duration(usual_ms)} up to {ends}{counted}"))


def _certainty(notice: Notice) -> Line:
    """Say how rarely chance alone gives the weakest of these figures.

    ``adjusted_p`` is corrected over all features and tests of the window, whatever
    they have in common (Holm): the sentence promises that, and no more.
    """
    sure = [a.annotations for a in notice.firing if _is_p(a.annotations.get("adjusted_p"))]
    if not sure:
        return ()
    weakest = max(sure, key=lambda a: float(a["adjusted_p"]))
    text = f"chance alone does this in at most {words.odds(float(weakest['adjusted_p']))} windows"
    text += f", all {'metrics' if _is_performance(weakest) else 'features'} counted"
    if _is_p(weakest.get("level")):
        text += f"; alarms start at {words.odds(float(weakest['level']))}"
    budget = f" (false alarms: {notice.context.budget})" if notice.context.budget else ""
    return (Span("How sure: ", Look.STRONG), foreign(text + budget))


def _is_performance(annotations: Mapping[str, Any]) -> bool:
    return mapping(annotations.get("details")).get("kind") == "performance"


def _links(notice: Notice) -> Line:
    spans: list[Span] = []
    for word, address in notice.context.links.items():
        spans += [plain(" · ")] if spans else []
        spans.append(Span(word, Look.PLAIN, address))
    return tuple(spans)


def _usual_length(alerts: Iterable[Alert]) -> int:
    lengths = Counter(length for length in map(_window_ms, alerts) if length)
    return max(lengths, key=lambda length: (lengths[length], -length), default=0)


def _latest_ms(alerts: Iterable[Alert]) -> int:
    """Give the latest end of a window of the usual length."""
    known = tuple(alerts)
    usual_ms = _usual_length(known)
    return max((_ends_ms(a) for a in known if _window_ms(a) == usual_ms > 0), default=0)


def _ends_ms(alert: Alert) -> int:
    return int(real(alert.annotations.get("window_end_ms")) or 0)


def _window_ms(alert: Alert) -> int:
    start, end = (real(alert.annotations.get(f"window_{side}_ms")) for side in ("start", "end"))
    if start is None or end is None or not 0 <= start < end < END_OF_TIME_MS:
        return 0
    return int(end - start)


def _is_p(value: object) -> bool:
    p = real(value)
    return p is not None and 0 <= p <= 1
