"""What an alert saw of the model itself: its performance, its errors, the shares of the labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts import words
from alerts.document import Line, Span, foreign, name, plain
from alerts.evidence_metrics import figure, figures, is_percent, points, span
from alerts.evidence_values import instant_ms, mappings, real
from alerts.model import Alert

MOST_SHARES = 3
MEAN_OF, NULLS_OF = "mean of ", "nulls of "
MIRROR = 0.005  # how near to 1 the shares of two classes add up that say the same thing twice
EVEN = 0.0005  # difference of shares below which they count as equal
DETECTORS = {
    "adwin": "ADWIN",
    "page_hinkley": "Page-Hinkley",
    "kswin": "KSWIN",
    "ddm": "DDM",
    "eddm": "EDDM",
    "hddm_a": "HDDM-A",
    "hddm_w": "HDDM-W",
}
SOURCES = {
    "labels": "known from labels",
    "bbse": "estimated without labels (BBSE)",
    "em": "estimated without labels (EM)",
}


def performance(details: Mapping[str, Any], alert: Alert) -> Line:
    """Say "94.4 % → 91.5 % (90.7 to 92.2 %), known from 4,800 labels (96 %)"."""
    metric = str(details.get("metric") or alert.label("feature"))
    now, before = real(details.get("value")), real(details.get("reference_value"))
    if now is None:
        return (plain(f"changed ({_how(details, alert)})"),)
    low, high = real(details.get("low")), real(details.get("high"))
    told = figure(metric, now) if before is None else " → ".join(figures(metric, before, now))
    within = f" ({span(metric, low, high)})" if low is not None and high is not None else ""
    return (*_unless_named(metric, alert), plain(f"{told}{within}, {_how(details, alert)}"))


def _how(details: Mapping[str, Any], alert: Alert) -> str:
    """Say whether the metric is known, and from how many labels, or estimated."""
    if bool(details.get("is_estimate")) or alert.label("check") == "estimated":
        return "estimated without labels"
    rows, ratio = real(details.get("labelled_rows")), real(details.get("label_ratio"))
    if not rows:
        return "known from labels"
    share = f" ({words.percent(ratio)})" if ratio is not None else ""
    return f"known from {words.count(int(rows), 'label')}{share}"


def residual(details: Mapping[str, Any], alert: Alert) -> Line:
    """Say "85 % where the inputs explain 93 % (6 to 10 points less): the relation ... changed"."""
    metric = str(details.get("metric") or alert.label("feature"))
    now, expected = real(details.get("realised")), real(details.get("estimated"))
    if now is None or expected is None:
        return ()
    one, other = figures(metric, now, expected)
    told = f"{one} where the inputs explain {other}{_apart(metric, details, now < expected)}"
    return (*_unless_named(metric, alert), plain(f"{told}: the relation of inputs and outcome changed"))


def _apart(metric: str, details: Mapping[str, Any], is_less: bool) -> str:
    low, high = real(details.get("low")), real(details.get("high"))
    if low is None or high is None or low * high <= 0:
        return ""
    least, most = sorted((abs(low), abs(high)))
    text = points(least, most) if is_percent(metric) else span(metric, least, most)
    return f" ({text} {'less' if is_less else 'more'})"


def _unless_named(metric: str, alert: Alert) -> tuple[Span, ...]:
    """Name the metric, unless it is the alert's feature and so stands before the line already."""
    return () if metric == alert.label("feature") else (foreign(metric, 64), plain(" "))


def change_point(details: Mapping[str, Any], alert: Alert) -> Line:
    """Say "error rate 6 % → 11 % since 3 Mar 2019 14:00 UTC, found after 431 rows (ADWIN)"."""
    signal = str(details.get("signal") or alert.label("feature"))
    before, after = real(details.get("before")), real(details.get("after"))
    if before is None or after is None:
        return ()
    is_regression = details.get("task") == "regression"
    is_named = signal == alert.label("feature")
    is_ranked = details.get("is_ranked") is True
    if signal.startswith((MEAN_OF, NULLS_OF)):
        line = list(_of_column(signal, before, after, is_ranked=is_ranked, is_named=is_named))
    else:
        line = list(_signal(signal, before, after, is_regression=is_regression))
    at_ms, rows = instant_ms(details.get("changed_at_ms")), real(details.get("rows_since"))
    ending = f" since {words.moment(at_ms)}" if at_ms is not None else ""
    ending += f", found after {words.count(int(rows), 'row')}" if rows and rows >= 1 else ""
    line.append(plain(ending))
    detector = str(details.get("detector") or "")
    if detector:
        line += [plain(" ("), foreign(DETECTORS.get(detector, detector), 40), plain(")")]
    return tuple(line)


def _of_column(signal: str, before: float, after: float, *, is_ranked: bool, is_named: bool) -> Line:
    """Say from what to what a column's null rate or mean went."""
    prefix = NULLS_OF if signal.startswith(NULLS_OF) else MEAN_OF
    named = () if is_named else (plain(prefix), name(signal.removeprefix(prefix)), plain(" "))
    one, other = words.percents(before, after)
    if is_ranked:  # the mean of the shares of the reference's values that are smaller
        return (*named, plain(f"the usual value exceeds {other} of the reference's (before: {one})"))
    if prefix == MEAN_OF:
        one, other = words.numbers(before, after)
    return (*named, plain(f"{one} → {other}"))


def _signal(signal: str, before: float, after: float, *, is_regression: bool) -> Line:
    """Say from what to what the signal's mean went."""
    one, other = words.percents(before, after)
    if signal == "loss" and is_regression:  # its loss is the share of the reference's errors that are smaller
        return (plain(f"the usual error exceeds {other} of the reference's errors (before: {one})"),)
    if signal == "loss":
        return (plain(f"error rate {one} → {other}"),)
    if signal == "bias" and is_regression:
        return (plain(f"predictions lean {'higher' if after > before else 'lower'} than they did"),)
    if signal == "bias":
        return (plain(_balances(before, after)),)
    return (plain(f"mean {' → '.join(words.numbers(before, after))}"),)


def _balances(before: float, after: float) -> str:
    """Say which kind of error outweighs the other."""
    ahead, share = _outweighing(after)
    once, earlier = _outweighing(before)
    was = f"{once} by {earlier}" if once else "even"
    if not ahead:
        return f"as many false positives as false negatives (before: {was})"
    other = "false negatives" if ahead == "false positives" else "false positives"
    return f"{ahead} outweigh {other} by {share} of rows (before: {earlier if once == ahead else was})"


def _outweighing(mean: float) -> tuple[str, str]:
    """Give the more frequent kind of error and by how much; no kind where the mean is 1/2."""
    excess = 2.0 * mean - 1.0
    if abs(excess) < EVEN:
        return "", ""
    return "false positives" if excess > 0 else "false negatives", words.percent(abs(excess))


def shares(details: Mapping[str, Any], _alert: Alert) -> Line:
    """Say "label fraud 2 % → 5 % (4 to 6 %), estimated without labels (BBSE)"."""
    spans: list[Span] = []
    for change in _told(mappings(details.get("changes"))):
        spans += [plain(", " if spans else "label "), *_share(change)]
    source = SOURCES.get(str(details.get("source")), "")
    return (*spans, plain(f", {source}" if source else "")) if spans else ()


def _told(changes: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Keep the first few that changed; of two classes that are each other's mirror image, the rarer."""
    before = [real(change.get("reference")) or 0.0 for change in changes]
    if len(changes) == 2 and abs(sum(before) - 1.0) < MIRROR:  # noqa: PLR2004
        return [changes[before.index(min(before))]]
    after = [real(change.get("current")) or 0.0 for change in changes]
    moved = [c for c, one, other in zip(changes, before, after, strict=True) if abs(one - other) >= EVEN]
    return (moved or changes)[:MOST_SHARES]


def _share(change: Mapping[str, Any]) -> list[Span]:
    before, now = real(change.get("reference")) or 0.0, real(change.get("current")) or 0.0
    low, high = real(change.get("low")), real(change.get("high"))
    one, other = words.percents(before, now)
    within = ""
    if low is not None and high is not None:
        least, most = words.percents(low, high)
        within = f" ({least.removesuffix(' %')} to {most})"
    return [name(str(change.get("category"))), plain(f" {one} → {other}{within}")]
