"""Whether an experiment's rows were dealt as they should be, and whether their values tell the variant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from detectors.experiment import Experiment
from detectors.experiment_sums import Arms
from detectors.split_evidence import dependence_evidence, split_evidence

SPLIT = ""
"""The name of the evidence about the split, beside those of columns."""


def evidence(experiment: Experiment, arms: Arms) -> Mapping[str, float]:
    """The logarithm of the evidence against the split, and of each column against blind dealing."""
    shares = np.array(experiment.shares)
    found = {SPLIT: split_evidence(arms.rows, shares)}
    return found | {name: dependence_evidence(table, shares) for name, table in arms.tables.items()}


def highest(before: Mapping[str, float], now: Mapping[str, float]) -> Mapping[str, float]:
    """The most evidence that there ever was: what was once shown stays shown."""
    return {name: max(now.get(name, 0.0), before.get(name, 0.0)) for name in sorted({*before, *now})}


def p_values(evidence_: Mapping[str, float], among: frozenset[str]) -> Iterator[tuple[str, float]]:
    """Give each column's p-value, valid at any look, corrected for how many columns are looked at.

    The evidence's reciprocal (Ville), times their number (Bonferroni), which holds for e-values too.
    """
    for name in sorted(among):
        reached = evidence_.get(name, 0.0)
        yield name, float(min(1.0, len(among) * np.exp(-reached)))
