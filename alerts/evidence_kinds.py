"""What kind of news an alert is. Finer than its shift: what got worse is not what got better."""

from __future__ import annotations

from enum import StrEnum

from alerts.evidence_model import MEAN_OF, NULLS_OF
from alerts.evidence_values import mapping
from alerts.model import Alert


class Kind(StrEnum):
    """In the order in which they are told."""

    BROKEN = "broken"
    WORSE = "worse"
    FEARED = "feared"  # estimated to be worse
    ERRORS_ROSE = "errors_rose"
    ERRORS_LEAN = "errors_lean"
    RELATION = "relation"
    BETTER = "better"
    HOPED = "hoped"  # estimated to be better
    ERRORS_FELL = "errors_fell"
    INPUTS = "inputs"
    LABELS = "labels"
    OUTPUTS = "outputs"
    OTHER = "other"


KINDS = {
    "quality": Kind.BROKEN,
    "covariate": Kind.INPUTS,
    "prior": Kind.OUTPUTS,
    "concept": Kind.RELATION,
}
OF_PERFORMANCE = {  # by whether it is an estimate, and whether it is better
    (False, False): Kind.WORSE,
    (True, False): Kind.FEARED,
    (False, True): Kind.BETTER,
    (True, True): Kind.HOPED,
}
SIGNALS = {"loss": Kind.ERRORS_ROSE, "bias": Kind.ERRORS_LEAN}


def kind_of(alert: Alert) -> Kind:
    """Give the kind, by the alert's shift and by what its details say it saw.

    A rise of the errors is no proof by itself that the relation of inputs and outcome
    changed: only the residual is, or the rise together with inputs that did not move.
    """
    details = mapping(alert.annotations.get("details"))
    shift, is_better = alert.label("shift"), details.get("direction") == "better"
    if shift == "performance":
        is_estimate = alert.label("check") == "estimated" or details.get("is_estimate") is True
        return OF_PERFORMANCE[is_estimate, is_better]
    if shift == "prior" and "source" in details:  # of the labels, known or estimated
        return Kind.LABELS
    if details.get("kind") == "change_point":
        return _of_signal(str(details.get("signal")), is_better=is_better)
    return KINDS.get(shift, Kind.OTHER)


def _of_signal(signal: str, *, is_better: bool) -> Kind:
    if signal.startswith(NULLS_OF):
        return Kind.BROKEN
    if signal.startswith(MEAN_OF):
        return Kind.OUTPUTS
    if signal == "loss" and is_better:
        return Kind.ERRORS_FELL
    return SIGNALS.get(signal, Kind.OTHER)
