"""One figure of a model's performance, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z = 1.959963984540054
"""The normal distribution's two-sided 95 % point."""

SHARES = frozenset({"accuracy", "precision", "recall", "f1", "roc_auc", "calibration_error", "r2"})
LOW_IS_GOOD = frozenset({"log_loss", "brier", "calibration_error", "mae", "rmse", "bias"})


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric of some rows with its 95 % interval.

    ``standard_error`` is never NaN and only 0 where the rows show no variation at all.
    ``bound`` is how far the value can be from that of the unbinned scores. ``note``
    says what the reader has to know.
    """

    metric: str
    value: float
    low: float
    high: float
    standard_error: float
    rows: int
    bound: float = 0.0
    note: str = ""


def base_name(metric: str) -> str:
    """The metric's kind: "precision" of "precision[cat]" and of "precision_macro"."""
    return metric.split("[", 1)[0].removesuffix("_macro")


def is_share(metric: str) -> bool:
    """Whether a change of .01 means the same everywhere: one of rows, pairs or variance."""
    return base_name(metric) in SHARES


def badness(metric: str, value: float) -> float:
    """The value turned so that less is better."""
    name = base_name(metric)
    if name == "bias":
        return abs(value)
    return value if name in LOW_IS_GOOD else -value


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """The 95 % score interval of a share [1]_; the counts may be expected ones.

    References
    ----------
    .. [1] Wilson, E. B. (1927), Probable inference, the law of succession, and statistical
       inference, JASA 22.
    """
    share = min(1.0, max(0.0, successes / trials))
    shrunk = 1.0 + Z * Z / trials
    middle = (share + Z * Z / (2.0 * trials)) / shrunk
    half = Z * math.sqrt(share * (1.0 - share) / trials + Z * Z / (4.0 * trials * trials)) / shrunk
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def of_interval(
    metric: str, value: float, interval: tuple[float, float], rows: int, extra_variance: float = 0.0
) -> Measured:
    """A metric in [0, 1] from an interval around it, made wider by a further variance.

    The standard error is a quarter of the interval's width (over 1.96 / 2): unlike ``sqrt(p (1 - p) / n)``
    it is not 0 where every row is right.
    """
    low, high = interval
    error = (high - low) / (2.0 * Z)
    if extra_variance > 0.0:
        wider = math.sqrt(error * error + extra_variance) / error
        low, high = value - (value - low) * wider, value + (high - value) * wider
        error *= wider
    return Measured(metric, value, max(0.0, low), min(1.0, high), error, rows)


def of_mean(
    metric: str, mean: float, mean_square: float, rows: int, *, least: float = -math.inf
) -> Measured | None:
    """A mean with its normal interval, from its exact first two moments; None for fewer than two rows."""
    if rows < 2:  # noqa: PLR2004
        return None
    variance = max(0.0, mean_square - mean * mean) * rows / (rows - 1)
    return of_variance(metric, mean, variance / rows, rows, least=least)


def of_variance(
    metric: str, value: float, variance: float, rows: int, *, least: float = -math.inf, most: float = math.inf
) -> Measured:
    """A metric with a normal interval of this variance, cut at the ends of its range."""
    error = math.sqrt(max(0.0, variance))
    return Measured(metric, value, max(least, value - Z * error), min(most, value + Z * error), error, rows)
