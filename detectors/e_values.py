"""How much evidence sums of scores are that two means differ: e-values, and how sums overshoot."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from detectors.scores import Component, Scores

SIZES = (0.03, 0.1, 0.3)
"""Sizes of a change that are looked for, in standard deviations of one row's score, all alike."""
WIDTH = 0.4
"""In one score the size is spread normally around each of these; the standard deviation, as a share of it.

Among several scores the direction may be any: in each the size is spread normally around none.
"""

Floats = NDArray[np.float64]
Steps = float | Floats
_CENTRES = np.array([*SIZES, *(-size for size in SIZES)])
_NODES, _MASSES = np.polynomial.hermite_e.hermegauss(5)
_SPREAD_OUT = np.abs(_CENTRES[:, None] * (1.0 + WIDTH * _NODES))


def log_e_values(
    scores: Scores, rows: Floats, sums: Floats, others: Floats, other_sums: Floats, step: Steps = 0.0
) -> Floats:
    """The logarithm of "two means" against "one mean", for many pairs; no rows are no evidence.

    What single scores say counts the more, the further a sum that grows by ``step`` rows at a time jumps over
    a threshold (see `overshoot`).
    """
    usable = (rows > 0.0) & (others > 0.0)
    rows, others = np.where(usable, rows, 1.0), np.where(usable, others, 1.0)
    means = other_sums / others[..., None]
    apart = sums / rows[..., None] - means
    effective = (rows * others / (rows + others) / scores.spread(means))[..., None]
    more = -np.log(jumps(step))
    terms = [
        _of_one(part, apart[..., part.begin : part.end], effective, more)
        if part.end - part.begin == 1
        else _of_several(part, apart[..., part.begin : part.end], effective)
        for part in scores.components
    ]
    return np.where(usable, log_sum(np.concatenate(terms, axis=-1)), 0.0)


def jumps(step: Steps) -> Floats:
    """What `overshoot` is for each size of a change, on the average over how it is spread."""
    result: Floats = overshoot(_SPREAD_OUT * np.sqrt(step)[..., None, None]) @ _MASSES / _MASSES.sum()
    return result


def overshoot(drifts: Floats) -> Floats:
    """Which share of the false alarms that its threshold allows a sum of log-likelihood ratios raises.

    It grows in steps, each of which would be ``drifts`` standard deviations of a step if there were a change,
    so it jumps over the threshold. This is the limit for high thresholds [1]_, by a formula that is within a
    few percent of it [2]_. The rate of false alarms of a mixture is the mixture of the rates [3]_.

    References
    ----------
    .. [1] Siegmund, D. (1985), Sequential Analysis, Springer, chapter 8.
    .. [2] Siegmund, D. and Yakir, B. (2007), The Statistics of Gene Mapping, Springer, section 5.2.
    .. [3] Pollak, M. and Siegmund, D. (1991), Sequential detection of a change in a normal mean when the
       initial value is unknown, Annals of Statistics 19.
    """
    half = np.maximum(drifts, 1e-6) / 2.0
    below, density = ndtr(half), np.exp(-(half**2) / 2.0) / math.sqrt(2.0 * math.pi)
    result: Floats = (below - 0.5) / half / (half * below + density)
    return result


def _of_one(part: Component, apart: Floats, effective: Floats, more: Floats) -> Floats:
    """Log likelihood ratios of one score, of either sign and every size, with their weights."""
    apart = _as_if_normal(apart, part.skewness)
    spread = effective * (WIDTH * _CENTRES) ** 2
    ratios = apart**2 - (apart - _CENTRES) ** 2 / (1.0 + spread)
    weights = math.log(part.weight / len(_CENTRES)) + more
    result: Floats = effective / 2.0 * ratios - np.log1p(spread) / 2.0 + weights
    return result


def _of_several(part: Component, apart: Floats, effective: Floats) -> Floats:
    """The same of several scores, in all directions."""
    information = effective * np.square(SIZES)
    squares = effective * (apart**2).sum(axis=-1, keepdims=True)
    ratios = information / (1.0 + information) * squares - part.rank * np.log1p(information)
    result: Floats = ratios / 2.0 + math.log(part.weight / len(SIZES))
    return result


def _as_if_normal(apart: Floats, skewness: float) -> Floats:
    """Take off what the long tail of a skew score makes likelier than of a normal one.

    Means deviate as far to the side of the long tail as often as normal ones do a little less far: the second
    term of Cramer's series [1]_. On the other side nothing is added.

    References
    ----------
    .. [1] Petrov, V. V. (1975), Sums of Independent Random Variables, Springer, chapter 8.
    """
    if not skewness:
        return apart
    towards = np.clip(apart * np.sign(skewness), 0.0, 3.0 / abs(skewness))
    less = towards - abs(skewness) * towards**2 / 6.0
    return np.where(apart * skewness > 0.0, less * np.sign(skewness), apart)


def log_sum(logs: Floats) -> Floats:
    """The logarithm of the sum of exponentials along the last axis."""
    highest = logs.max(axis=-1, keepdims=True)
    highest = np.where(np.isfinite(highest), highest, 0.0)
    with np.errstate(divide="ignore"):
        result: Floats = np.log(np.exp(logs - highest).sum(axis=-1)) + highest[..., 0]
    return result
