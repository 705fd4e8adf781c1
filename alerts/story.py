"""Which shift it is: what fires in a group, put together into one sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from alerts.evidence_kinds import Kind, kind_of
from alerts.evidence_metrics import METRICS, Metric, base_name
from alerts.evidence_values import mapping
from alerts.model import Alert

MOST_METRICS = 2
MOVED = {Kind.INPUTS: "inputs", Kind.OUTPUTS: "outputs", Kind.LABELS: "the labels' shares"}
OF_THE_MODEL = frozenset(
    {
        Kind.WORSE,
        Kind.FEARED,
        Kind.BETTER,
        Kind.HOPED,
        Kind.ERRORS_ROSE,
        Kind.ERRORS_FELL,
        Kind.ERRORS_LEAN,
        Kind.RELATION,
    }
)
ByKind = Mapping[Kind, Sequence[Alert]]


@dataclass(frozen=True, slots=True)
class Story:
    """One sentence, and what of it belongs into the title, without a full stop.

    ``headline`` is empty when the kinds of the alerts, one after the other, say as much.
    Both hold our own words only, nothing out of the data.
    """

    sentence: str
    headline: str = ""


@dataclass(frozen=True, slots=True)
class _Effect:
    """What became of the model: ``clause`` says it, ``brief`` within a title."""

    clause: str
    brief: str
    is_known: bool = True  # from labels, not estimated
    is_better: bool = False


ROSE = _Effect("the error rose", "the error rose")
LEAN = _Effect("the balance of the errors moved", "the balance of the errors moved")
BETTER = _Effect("the model became better", "the model became better", is_better=True)
HOPED = _Effect(
    "the model is estimated to be better", "the model estimated to be better", is_known=False, is_better=True
)


def story(firing: Iterable[Alert], performance_holds: bool | None = None) -> Story | None:
    """Say which shift the firing alerts of a group amount to.

    None when broken data is all there is, or nothing that has a story. ``performance_holds``
    is what is known beside the alerts: that the model is as good as it should be, that it
    is not, or (None) nothing.
    """
    by_kind: dict[Kind, list[Alert]] = {}
    for alert in firing:
        by_kind.setdefault(kind_of(alert), []).append(alert)
    kinds, effect = frozenset(by_kind), _effect(by_kind)
    if Kind.RELATION in kinds:
        told = _unexplained(kinds, effect, by_kind[Kind.RELATION])
    elif effect is not None:
        told = _with_effect(kinds, effect)
    elif kinds & set(MOVED):
        told = _causes_only(by_kind, performance_holds)
    else:
        return None
    return replace(told, sentence=f"{told.sentence[:1].upper()}{told.sentence[1:]}.")


def _effect(by_kind: ByKind) -> _Effect | None:
    """Say what became of the model, from the surest evidence that there is."""
    if Kind.WORSE in by_kind:
        return _fell(by_kind[Kind.WORSE], by_kind.get(Kind.BETTER, ()))
    if Kind.ERRORS_ROSE in by_kind:
        return ROSE
    if Kind.FEARED in by_kind:
        return _feared(by_kind[Kind.FEARED])
    if Kind.BETTER in by_kind or Kind.ERRORS_FELL in by_kind:
        return BETTER
    if Kind.ERRORS_LEAN in by_kind:
        return LEAN
    return HOPED if Kind.HOPED in by_kind else None


def _fell(worse: Sequence[Alert], better: Sequence[Alert]) -> _Effect:
    """Name the metrics that are worse by the labels: one or two, the others are counted."""
    metrics = _metrics(worse)
    if not metrics:
        return _Effect("the model got worse", "the model got worse")
    first = _moves(metrics[:1], is_worse=True)
    if len(metrics) > MOST_METRICS:
        return _Effect(f"{first} and {len(metrics) - 1} other metrics got worse", first)
    clause = _moves(metrics, is_worse=True)
    others = [metric for metric in _metrics(better) if metric not in metrics]
    opposite = _moves(others[:1], is_worse=False)
    return _Effect(f"{clause} while {opposite}" if opposite else clause, first)


def _feared(worse: Sequence[Alert]) -> _Effect:
    """Name the metrics that are estimated to be worse."""
    names = [metric.name for metric in _metrics(worse)[:MOST_METRICS]] or ["the model"]
    verb = "are" if len(names) > 1 else "is"
    brief = f"{names[0]} estimated to be worse"
    return _Effect(f"{_join(names)} {verb} estimated to be worse", brief, is_known=False)


def _metrics(alerts: Iterable[Alert]) -> list[Metric]:
    names = {base_name(alert.label("feature")) for alert in alerts}
    return [metric for name, metric in METRICS.items() if name in names]


def _moves(metrics: Sequence[Metric], *, is_worse: bool) -> str:
    """Say "accuracy and F1 fell", "accuracy fell and log loss rose"."""
    by_verb: dict[str, list[str]] = {}
    for metric in metrics:
        by_verb.setdefault("rose" if metric.low_is_good == is_worse else "fell", []).append(metric.name)
    return _join([f"{_join(names)} {verb}" for verb, names in by_verb.items()])


def _causes(kinds: frozenset[Kind]) -> str:
    """Say what happened to the data; an empty text if nothing did."""
    moved = _join([subject for kind, subject in MOVED.items() if kind in kinds])
    broke = ["data broke"] if Kind.BROKEN in kinds else []
    return _join([*broke, f"{moved} moved"] if moved else broke)


def _then(causes: str, effect: str, word: str = "and") -> str:
    """Put an effect after what may have caused it."""
    if not causes:
        return effect
    is_list = " and " in causes or " and " in effect
    return f"{causes}; {effect}" if is_list else f"{causes}{',' if word == 'but' else ''} {word} {effect}"


def _with_effect(kinds: frozenset[Kind], effect: _Effect) -> Story:
    """Tell an effect and what may have caused it.

    What labels show without any cause in sight is a change of the relation itself. What
    is only estimated, from scores and inputs, never proves one.
    """
    causes = _causes(kinds)
    if causes or effect.is_better:
        return Story(_then(causes, effect.clause), _then(causes, effect.brief))
    if not effect.is_known:
        return Story(f"{effect.clause}; no labels yet", effect.brief)
    return _relation_only(effect)


def _relation_only(effect: _Effect) -> Story:
    return Story(
        f"inputs did not move but {effect.clause}: the relation changed",
        f"{effect.brief} but inputs did not move: the relation changed",
    )


def _unexplained(kinds: frozenset[Kind], effect: _Effect | None, residuals: Sequence[Alert]) -> Story:
    """Tell an effect beyond what the inputs explain.

    Broken data feigns such a thing, and moved shares of the labels bring it about: then
    the relation is not said to have changed by itself.
    """
    causes = _causes(kinds)
    if effect is None or not effect.is_known or effect.is_better:
        clause = brief = _difference(residuals)
    elif not causes:
        return _relation_only(effect)
    else:
        comma = "," if " and " in effect.clause or " while " in effect.clause else ""
        clause, brief = f"{effect.clause}{comma} more than the inputs explain", effect.brief
    if kinds & {Kind.BROKEN, Kind.LABELS} or (causes and Kind.INPUTS not in kinds):
        return Story(_then(causes, clause), _then(causes, brief))
    ending = ": the relation changed too" if causes else ": the relation changed"
    return Story(_then(causes, clause, "but") + ending, _then(causes, brief) + ending)


def _difference(residuals: Sequence[Alert]) -> str:
    details = [mapping(alert.annotations.get("details")) for alert in residuals]
    is_better = all(one.get("direction") == "better" for one in details)
    return f"the model does {'better' if is_better else 'worse'} than the inputs explain"


def _causes_only(by_kind: ByKind, performance_holds: bool | None) -> Story:
    """Something moved, and no alert says what became of the model."""
    moved = _causes(frozenset(by_kind))
    if performance_holds is not None:
        ending = ", the model's performance holds" if performance_holds else " and the model got worse"
        return Story(moved + ending, moved + ending.replace("the model's ", ""))
    has_labels = any(_source(alert) == "labels" for alert in by_kind.get(Kind.LABELS, ()))
    if not {Kind.INPUTS, Kind.OUTPUTS} & set(by_kind):
        return Story(moved if has_labels else f"{moved}, as estimated without labels")
    why = "too few labels" if has_labels else "no labels"
    return Story(f"{moved}; whether the model suffers is not known yet ({why})")


def _source(alert: Alert) -> str:
    return str(mapping(alert.annotations.get("details")).get("source"))


def _join(parts: Sequence[str]) -> str:
    """Say "a", "a and b", "a, b and c"; "a and b, and c" where a part is a list itself."""
    if len(parts) < 2:  # noqa: PLR2004
        return "".join(parts)
    comma = "," if any(" and " in part for part in parts) else ""
    return f"{', '.join(parts[:-1])}{comma} and {parts[-1]}"
