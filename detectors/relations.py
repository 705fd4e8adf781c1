"""Whether features go together as they do in the reference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from detectors.normal_scores import Matrix
from detectors.pairs import Pairing, PairSums
from detectors.result import TestResult

MOST_TOLD = 5
LEAST_ROWS = 200
"""With fewer rows the transforms are not normal enough for the levels of windows."""
STEEPEST = 0.999  # a correlation beyond is taken for this one: its transform would be infinite
WIDTH = 1.959964  # of a 95 % interval, in standard errors


@dataclass(frozen=True, slots=True)
class Pair:
    """Two features and their correlation, then and now."""

    one: str
    other: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Relations:
    """The strongest evidence among all pairs, and the pairs whose change is beyond level and least change."""

    result: TestResult
    broken: tuple[Pair, ...]


def relations(
    reference: PairSums,
    current: PairSums,
    pairing: Pairing,
    design_effect: Mapping[str, float],
    min_rows: int,
    level: float,
    least_change: float,
) -> Relations:
    """Compare every pair's correlation with the reference's.

    Fisher's transforms of the two differ by a normal variable whose variance comes from the spread of the
    reference's own rows, so the joint distribution need not be normal (`detectors.pairs.spread`). ``p_value``
    is that of the strongest pair times the number of pairs (Bonferroni). ``statistic`` is its correlation
    now, ``effect`` how far it is from the reference's. Sample sizes are divided by the larger of the two
    features' design effects. Pairs with fewer than ``min_rows`` rows, or `LEAST_ROWS`, are not tested.
    """
    then, now = reference.correlations(), current.correlations()
    least = max(min_rows, LEAST_ROWS)
    error = _errors(reference, current, pairing, design_effect)
    z = _distance(then, now, error)
    is_tested = np.isfinite(z) & (np.minimum(current.rows, reference.rows) >= least)
    one, other = np.nonzero(np.triu(is_tested, 1))
    if not len(one):
        most, before = (int(side.rows.max(initial=0)) for side in (current, reference))
        note = f"{most} rows with a pair of values; {least} are needed, on both sides"
        return Relations(TestResult(0.0, None, None, None, None, before, most, note=note), ())
    change, z = np.abs(now - then)[one, other], z[one, other]
    p = np.minimum(1.0, 2.0 * ndtr(-z) * len(z))
    at = int(np.argmax(np.where(change >= least_change, z + z.max(), z)))
    i, j = int(one[at]), int(other[at])
    half = WIDTH * float(error[i, j])
    result = TestResult(
        statistic=float(now[i, j]),
        p_value=float(p[at]),
        effect=float(change[at]),
        effect_low=max(0.0, float(change[at]) - half),
        effect_high=float(change[at]) + half,
        n_reference=int(reference.rows[i, j]),
        n_current=int(current.rows[i, j]),
    )
    broken = np.flatnonzero((p <= level) & (change >= least_change))
    told = broken[np.argsort(-change[broken], kind="stable")][:MOST_TOLD]
    places = zip(one[told].tolist(), other[told].tolist(), strict=True)
    names = pairing.names
    return Relations(
        result, tuple(Pair(names[a], names[b], float(then[a, b]), float(now[a, b])) for a, b in places)
    )


def _errors(
    reference: PairSums, current: PairSums, pairing: Pairing, design_effect: Mapping[str, float]
) -> Matrix:
    """The standard error of each difference of correlations."""
    effects = np.array([design_effect.get(name, 1.0) for name in pairing.names])
    both = np.maximum.outer(effects, effects)
    rows = 1.0 / np.maximum(reference.rows, 1) + 1.0 / np.maximum(current.rows, 1)
    found: Matrix = np.sqrt(pairing.spread * rows * both)
    return found


def _distance(then: Matrix, now: Matrix, error: Matrix) -> NDArray[np.float64]:
    """How many standard errors Fisher's transforms are apart; NaN where one is not known."""
    before, after = (np.arctanh(np.clip(each, -STEEPEST, STEEPEST)) for each in (then, now))
    slope = 1.0 / (1.0 - np.clip(then, -STEEPEST, STEEPEST) ** 2)
    far: Matrix = np.divide(
        np.abs(after - before), error * slope, out=np.full_like(error, math.nan), where=error > 0.0
    )
    return far
