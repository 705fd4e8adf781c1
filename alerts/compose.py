"""A notice put into words, before it has a format."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from alerts import words
from alerts.document import Document, Entry, Line, Look, Section, Span, clean, foreign, name, plain
from alerts.evidence import evidence, feature_of, real, worst_first
from alerts.headline import happened, shifts, title
from alerts.model import Alert
from alerts.notice import Notice
from alerts.outgoing import Reason

LONGEST_MODEL = 100
END_OF_TIME_MS = 253_402_300_800_000  # the year 10000


def compose(notice: Notice, most: int, most_names: int) -> Document:
    """Put the notice into words.

    Of each kind, at most ``most`` alerts are told one by one; the others are
    counted, and the first ``most_names`` of them named.
    """
    if notice.reason is Reason.TEST:
        return _test(notice)
    sections = [_firing(notice, shift, most, most_names) for shift in shifts(notice.firing)]
    sections += [_resolved(notice, shift, most, most_names) for shift in shifts(notice.resolved)]
    return Document(title(notice), tuple(sections), _notes(notice))


def _test(notice: Notice) -> Document:
    line = plain(f"If you can read this, {notice.context.command} can reach you. Nothing drifted.")
    return Document(title(notice), (Section((line,)),), ())


def _firing(notice: Notice, shift: str, most: int, most_names: int) -> Section:
    alerts = worst_first(a for a in notice.firing if a.label("shift") == shift)
    since_ms = min(a.opened_ms for a in alerts)
    usual_ms = _usual_length(notice.firing)
    entries = tuple(_entry(a, notice, since_ms, usual_ms) for a in alerts[:most])
    again = "still: " if notice.reason is Reason.REPEAT else ""
    heading = [Span(f"{again}{happened(shift, is_firing=True)}".capitalize(), Look.STRONG)]
    heading.append(plain(f" since {words.moment(since_ms)}"))
    if notice.reason is Reason.REPEAT:
        heading.append(plain(f", for {words.duration(max(a.last_bad_ms for a in alerts) - since_ms)}"))
    return Section(tuple(heading), entries, _rest(alerts[most:], most_names))


def _entry(alert: Alert, notice: Notice, since_ms: int, usual_ms: int) -> Entry:
    line = list(evidence(alert))
    length_ms = _window_ms(alert)
    if length_ms and usual_ms and length_ms != usual_ms:
        line.append(plain(f", over {words.duration(length_ms)}"))
    if alert.opened_ms != since_ms:
        line.append(plain(f", since {words.moment(alert.opened_ms)}"))
    if alert.label("segment"):
        line += [plain(", in "), name(alert.label("segment"))]
    if alert.fingerprint in notice.new and len(notice.new) < len(notice.firing):
        line.append(plain(" (new)"))
    return Entry(feature_of(alert), tuple(line))


def _resolved(notice: Notice, shift: str, most: int, most_names: int) -> Section:
    alerts = worst_first(a for a in notice.resolved if a.label("shift") == shift)
    entries = tuple(Entry(feature_of(a), (plain(_lasted(a)),)) for a in alerts[:most])
    heading = Span(happened(shift, is_firing=False).capitalize(), Look.STRONG)
    return Section((heading,), entries, _rest(alerts[most:], most_names))


def _lasted(alert: Alert) -> str:
    length = words.duration(alert.last_bad_ms - alert.opened_ms)
    begun = words.moment(alert.opened_ms).removesuffix(" UTC")
    return f"lasted {length}, {begun} to {words.moment(alert.last_bad_ms)}"


def _rest(alerts: Sequence[Alert], most_names: int) -> Line:
    if not alerts:
        return ()
    features = list(dict.fromkeys(feature_of(alert) for alert in alerts))
    spans = [plain(f"and {len(alerts)} more")]
    for i, feature in enumerate(features[:most_names]):
        spans += [plain(", " if i else ": "), name(feature)]
    return (*spans, plain(" …")) if 0 < most_names < len(features) else tuple(spans)


def _notes(notice: Notice) -> tuple[Line, ...]:
    notes = [_window_note(notice.firing), _certainty(notice), *_next_steps(notice), _links(notice)]
    return tuple(note for note in notes if note)


def _window_note(alerts: tuple[Alert, ...]) -> Line:
    """Say which window the figures are from: the latest of the usual length."""
    usual_ms = _usual_length(alerts)
    mine = [a.annotations for a in alerts if _window_ms(a) == usual_ms > 0]
    if not mine:
        return ()
    latest = max(mine, key=lambda a: int(a["window_end_ms"]))
    rows = latest.get("rows")
    counted = f", {words.count(rows, 'row')}" if isinstance(rows, int) and rows > 0 else ""
    ends = words.moment(int(latest["window_end_ms"]))
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
    text += ", all features counted"
    if _is_p(weakest.get("level")):
        text += f"; alarms start at {words.odds(float(weakest['level']))}"
    budget = f" (false alarms: {notice.context.budget})" if notice.context.budget else ""
    return (Span("How sure: ", Look.STRONG), foreign(text + budget))


def _next_steps(notice: Notice) -> list[Line]:
    alerts = notice.firing or notice.resolved
    since = words.day(min(a.opened_ms for a in alerts))
    model = clean(notice.model, LONGEST_MODEL)
    command = f"{notice.context.command} history --model {shlex.quote(model)} --since {since}"
    return [
        (Span("Look: ", Look.STRONG), Span(command, Look.CODE)),
        (
            Span("SQL: ", Look.STRONG),
            Span(_query(model, since, shifts(alerts), notice.context.schema), Look.CODE),
        ),
    ]


def _query(model: str, since: str, kinds: tuple[str, ...], schema: str) -> str:
    chosen = f"WHERE model = '{model.replace(chr(39), chr(39) * 2)}' AND window_start >= '{since}'"
    if kinds == ("quality",):
        columns, view, verdict = "window_start, feature, check_name, observed", "quality_history", "fail"
    else:
        columns, view, verdict = "window_start, feature, effect, adjusted_p", "drift_history", "drift"
    order = f"AND verdict = '{verdict}' ORDER BY window_start"
    table = f"{schema}.{view}" if schema else view
    return f"SELECT {columns} FROM {table} {chosen} {order}"  # noqa: S608


def _links(notice: Notice) -> Line:
    spans: list[Span] = []
    for word, address in notice.context.links.items():
        spans += [plain(" · ")] if spans else []
        spans.append(Span(word, Look.PLAIN, address))
    return tuple(spans)


def _usual_length(alerts: Iterable[Alert]) -> int:
    lengths = Counter(length for length in map(_window_ms, alerts) if length)
    return max(lengths, key=lambda length: (lengths[length], -length), default=0)


def _window_ms(alert: Alert) -> int:
    start, end = (real(alert.annotations.get(f"window_{side}_ms")) for side in ("start", "end"))
    if start is None or end is None or not 0 <= start < end < END_OF_TIME_MS:
        return 0
    return int(end - start)


def _is_p(value: object) -> bool:
    p = real(value)
    return p is not None and 0 <= p <= 1
