"""Metrics of a model's performance in words."""

from __future__ import annotations

from dataclasses import dataclass

from alerts import words


@dataclass(frozen=True, slots=True)
class Metric:
    """How people write a metric, and which way is good."""

    name: str
    is_percent: bool = False
    low_is_good: bool = False


METRICS = {
    "accuracy": Metric("accuracy", is_percent=True),
    "f1": Metric("F1", is_percent=True),
    "precision": Metric("precision", is_percent=True),
    "recall": Metric("recall", is_percent=True),
    "roc_auc": Metric("ROC AUC"),
    "log_loss": Metric("log loss", low_is_good=True),
    "brier": Metric("Brier score", low_is_good=True),
    "calibration_error": Metric("calibration error", low_is_good=True),
    "mae": Metric("mean absolute error", low_is_good=True),
    "rmse": Metric("root mean square error", low_is_good=True),
    "r2": Metric("R²"),
    "bias": Metric("bias", low_is_good=True),
}
"""By base name, the first to be named first."""


def base_name(metric: str) -> str:
    """Give the metric's kind: "precision" of "precision[cat]" and of "precision_macro"."""
    return metric.split("[", 1)[0].removesuffix("_macro")


def is_percent(metric: str) -> bool:
    """Tell whether the metric is a share of rows, said in percent; others are plain numbers."""
    known = METRICS.get(base_name(metric))
    return known is not None and known.is_percent


def figure(metric: str, value: float) -> str:
    """Give one value: 94.4 %, 0.912, 24.7k."""
    return words.percent(value, 1) if is_percent(metric) else words.number(value)


def figures(metric: str, one: float, other: float) -> tuple[str, str]:
    """Give two values with as many digits as it takes to tell them apart."""
    if not is_percent(metric):
        return words.numbers(one, other)
    texts = words.percent(one, 1), words.percent(other, 1)
    return words.percents(one, other) if texts[0] == texts[1] and one != other else texts


def span(metric: str, low: float, high: float) -> str:
    """Give an interval: 90.7 to 92.2 %, 0.91 to 0.93."""
    one, other = figures(metric, low, high)
    return f"{one.removesuffix(' %')} to {other}"


def points(low: float, high: float, *, signed: bool = False) -> str:
    """Give an interval of differences between shares: 4 to 8 points, -1 to +2 points."""
    form = "+.1f" if signed else ".1f"
    one, other = (f"{100 * value:{form}}".removesuffix(".0") for value in (low, high))
    return f"{one} to {other} points"
