"""What an alert saw, in one line of words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alerts import evidence_model, words
from alerts.document import NAME_LENGTH, Line, Span, clean, foreign, name, plain
from alerts.evidence_values import instant_ms, mapping, mappings, real
from alerts.lifecycle import LOUDNESS
from alerts.model import Alert

MOST_CHANGES = 3
MOST_SEGMENTS = 3
MOST_PAIRS = 3
MOST_TELLING = 3
PAIRS = "pairs of features"
OBSERVED = {
    "completeness": "{} null",
    "missing_column": "missing, {}",
    "data_type": "wrong type, {}",
    "range": "out of range, {}",
    "categorical_values": "unknown categories, {}",
    "not_finite": "not finite, {}",
    "randomisation": "tells the experiment's variant, {}",
}


def summary(alert: Alert) -> str:
    """Give the alert in one line of plain text, for tables."""
    return f"{feature_of(alert)}: {''.join(span.text for span in evidence(alert))}"


def feature_of(alert: Alert) -> str:
    """Give the feature that the alert is about, or what stands for one when it is about the whole model."""
    details = mapping(alert.annotations.get("details"))
    other = PAIRS if details.get("kind") == "pairs" else "whole model"
    return clean(alert.label("feature") or alert.label("check") or other)


def worst_first(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """Order alerts by severity, then by how much it matters that rows moved or failed, then by name."""
    return tuple(sorted(alerts, key=lambda a: (-LOUDNESS[a.severity], -_extent(a), feature_of(a), a.labels)))


def evidence(alert: Alert) -> Line:
    """Say in words how the alert's latest bad window differs from what was expected.

    Annotations that are missing or of another shape than expected make the line
    shorter, never an error: a message must go out.
    """
    details = mapping(alert.annotations.get("details"))
    default = OF_SHIFT.get(alert.label("shift"), _effect_only)
    say = OF_KIND.get(str(details.get("kind")), default)
    said = say(details, alert) or default(details, alert) or (plain("changed"),)
    return (*said, *end(alert), *_owner(alert))


def _owner(alert: Alert) -> Line:
    """Name whom the feature belongs to, if that is known."""
    owner = alert.annotations.get("owner")
    return (plain(" ("), foreign(f"owner: {owner}", NAME_LENGTH), plain(")")) if owner else ()


def end(alert: Alert) -> Line:
    """Say where it was, and whether it was accepted."""
    return (*where(alert), *acceptance(alert))


def acceptance(alert: Alert) -> Line:
    """Say ", accepted as normal by ANNA: new tariff" of an alert that ended so."""
    known = mapping(alert.annotations.get("accepted"))
    if not known:
        return ()
    by, comment = (str(known.get(key) or "") for key in ("by", "comment"))
    told = (f" by {by}" if by else "") + (f": {comment}" if comment else "")
    return (foreign(f", accepted as normal{told}"),)


def where(alert: Alert) -> Line:
    """Say ", only in country=DE" where that is known, ", in country=DE" where it moved elsewhere too."""
    only_in = mapping(alert.annotations.get("details")).get("only_in")
    names = [each for each in only_in if isinstance(each, str)] if isinstance(only_in, list) else []
    if not names:
        segment = alert.label("segment")
        return (plain(", in "), name(segment)) if segment else ()
    spans = [plain(", only in "), name(names[0])]
    for each in names[1:MOST_SEGMENTS]:
        spans += [plain(", "), name(each)]
    rest = len(names) - MOST_SEGMENTS
    return (*spans, plain(f" and {rest} more")) if rest > 0 else tuple(spans)


def _numeric(details: Mapping[str, Any], alert: Alert) -> Line:
    before, after = real(details.get("median_reference")), real(details.get("median_current"))
    moved = _moved(details, alert)
    if before is None or after is None:
        return (plain(moved),) if moved else ()
    one, other = words.numbers(before, after)
    stays = one == other
    medians = f"median stays {one}" if stays else f"median {one} → {other}"
    farthest = _farthest(mappings(details.get("quantiles"))) if stays else ""
    return (plain(", ".join(filter(None, (medians, farthest, moved, _importance(details))))),)


def _farthest(quantiles: list[Mapping[str, Any]]) -> str:
    """Say which quantile moved furthest, of a feature whose median did not: "95th percentile 9 → 14"."""
    moves = [move for each in quantiles if (move := _move(each)) is not None]
    distance, q, before, after = max(moves, default=(0.0, 0.0, 0.0, 0.0))
    one, other = words.numbers(before, after)
    return f"{words.number(100 * q)}th percentile {one} → {other}" if distance and one != other else ""


def _move(quantile: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """Give how far a quantile moved, which one it is, and from where to where."""
    q, before, after = (real(quantile.get(key)) for key in ("q", "reference", "current"))
    if q is None or before is None or after is None or not 0 < q < 1:
        return None
    return abs(after - before), q, before, after


def _importance(details: Mapping[str, Any]) -> str:
    """Say how important the feature is among those whose importance is known."""
    rank, of = real(details.get("importance_rank")), real(details.get("importance_of"))
    return f"no. {int(rank)} of {int(of)} by importance" if rank and of else ""


def _categorical(details: Mapping[str, Any], alert: Alert) -> Line:
    spans: list[Span] = []
    for change in mappings(details.get("changes"))[:MOST_CHANGES]:
        spans += [plain(", ")] if spans else []
        spans += _change(change)
    unseen = real(details.get("unseen"))
    if unseen:
        spans += [plain(f"{', ' if spans else ''}{words.percent(unseen)} in unknown categories")]
    moved = _moved(details, alert)
    if moved:
        spans += [plain(f"{'; ' if spans else ''}{moved}")]
    if importance := _importance(details):
        spans += [plain(f"{', ' if spans else ''}{importance}")]
    return tuple(spans)


def _pairs(details: Mapping[str, Any], _alert: Alert) -> Line:
    """Say "correlation of age and income 0.62 → 0.05, of rent and income 0.4 → -0.1"."""
    pairs = mappings(details.get("pairs"))
    spans: list[Span] = []
    for pair in pairs[:MOST_PAIRS]:
        spans += [plain(", of " if spans else "correlation of "), name(str(pair.get("one")))]
        before, after = (real(pair.get(key)) or 0.0 for key in ("before", "after"))
        spans += [plain(" and "), name(str(pair.get("other"))), plain(f" {before:.2g} → {after:.2g}")]
    rest = len(pairs) - MOST_PAIRS
    return (*spans, plain(f" and {rest} more")) if rest > 0 else tuple(spans)


def _reconstruction(details: Mapping[str, Any], alert: Alert) -> Line:
    """Say "features no longer go together as they did: error 1 → 1.7, most of rent 0.9 → 4.1"."""
    before, after = real(details.get("error_reference")), real(details.get("error_current"))
    if before is None or after is None:
        return ()
    one, other = words.numbers(before, after)
    spans: list[Span] = [plain(f"features no longer go together as they did: error {one} → {other}")]
    for each in mappings(details.get("features"))[:MOST_TELLING]:
        was, now = (real(each.get(key)) or 0.0 for key in ("reference", "current"))
        one, other = words.numbers(was, now)
        spans += [plain(", most of " if len(spans) == 1 else ", "), name(str(each.get("feature")))]
        spans.append(plain(f" {one} → {other}"))
    moved = _moved(details, alert)
    return (*spans, plain(f"; {moved}")) if moved else tuple(spans)


def _change(change: Mapping[str, Any]) -> list[Span]:
    before, after = real(change.get("reference")) or 0.0, real(change.get("current")) or 0.0
    one, other = words.percents(before, after)
    return [name(str(change.get("category"))), plain(f" {one} → {other}")]


def _quality(details: Mapping[str, Any], alert: Alert) -> Line:
    check = str(details.get("check") or alert.label("check") or "check")
    observed, expected = str(details.get("observed") or ""), str(details.get("expected") or "")
    phrase = OBSERVED.get(check, check.replace("_", " ") + ", {}") if alert.label("feature") else "{}"
    told = phrase.replace("{}", observed, 1).strip(", ")
    line = [foreign(", expected ".join(filter(None, (told, expected))) or check)]
    failed, total = real(details.get("failed_rows")), real(details.get("total_rows"))
    if failed and total:
        line.append(plain(f" ({int(failed):,} of {words.count(int(total), 'row')})"))
    note = str(details.get("note") or "")
    if note and not (failed and note.startswith(f"{int(failed)} ") and "," not in note):
        line += [plain("; "), foreign(note)]
    return tuple(line)


def _effect_only(details: Mapping[str, Any], alert: Alert) -> Line:
    moved = _moved(details, alert)
    return (plain(moved),) if moved else ()


def _moved(details: Mapping[str, Any], alert: Alert) -> str:
    """Say how many rows moved, and the least that is certain.

    The effect is a distance between distributions: no fewer rows can have moved.
    """
    share = real(details.get("share_moved"))
    share = real(alert.annotations.get("effect")) if share is None else share
    if share is None:
        return ""
    low = real(alert.annotations.get("effect_low"))
    least = f" (at least {words.percent(low)})" if low and low < share else ""
    begun_ms = instant_ms(details.get("changed_at_ms"))
    since = "" if begun_ms is None else f" since {words.moment(begun_ms)}"
    return f"{words.percent(share)} of rows moved{least}{since}"


def _extent(alert: Alert) -> float:
    """Give the share of rows that moved, or failed a check: the same unit.

    What moved is weighed with the feature's importance, where that is known.
    """
    details = mapping(alert.annotations.get("details"))
    if (matters := real(details.get("matters"))) is not None:
        return matters
    if total := real(details.get("total_rows")):
        return (real(details.get("failed_rows")) or 0.0) / total
    return real(alert.annotations.get("effect")) or 0.0


def _nothing(_details: Mapping[str, Any], _alert: Alert) -> Line:
    """Say nothing: the effect of such an alert is no share of rows that moved."""
    return ()


Say = Callable[[Mapping[str, Any], Alert], Line]
OF_KIND: dict[str, Say] = {
    "numeric": _numeric,
    "categorical": _categorical,
    "pairs": _pairs,
    "reconstruction": _reconstruction,
    "quality": _quality,
    "performance": evidence_model.performance,
    "change_point": evidence_model.change_point,
    "residual": evidence_model.residual,
    "shares": evidence_model.shares,
}
OF_SHIFT: dict[str, Say] = {"performance": evidence_model.performance, "concept": _nothing}
"""What is said of a shift whose details are of no known kind."""
