"""The dictionary that data ask for which are accepted as they are now."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.dictionary import Dictionary, Feature
from detectors.grid import CategoricalGrid, Grid
from detectors.inference import ROWS_TO_CLOSE
from detectors.profile import Profile

MARGIN = 0.1
"""By how much of their span values may pass what was seen: the next extreme is no news."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A dictionary; ``left_out`` has, by feature, new categories that are too rare to be meant."""

    dictionary: Dictionary
    left_out: Mapping[str, tuple[str, ...]]


def propose(dictionary: Dictionary, grids: Mapping[str, Grid], whole: Profile) -> Proposal:
    """Widen the ranges and sets of categories that these rows break, and leave everything else.

    Where few enough rows break a rule that it holds all the same, the rule stays. Stated shares of absent
    values, patterns and formats stay too: what breaks them is rather a fault than a change.
    """
    features = dict(dictionary.features)
    left_out: dict[str, tuple[str, ...]] = {}
    for name, grid in grids.items():
        feature, counts = features[name], whole.counts[name]
        if isinstance(counts, NumericCounts):
            features[name] = _with_range(feature, counts, whole.checks[name].out_of_range)
        elif feature.categories is not None and isinstance(grid, CategoricalGrid):
            features[name], rare = _with_categories(feature, feature.categories, grid, counts)
            left_out |= {name: rare} if rare else {}
    return Proposal(Dictionary(features), left_out)


def _with_range(feature: Feature, counts: NumericCounts, outside: int) -> Feature:
    if not counts.n or outside <= feature.max_out_of_range_fraction * counts.n:
        return feature
    span = counts.maximum - counts.minimum or abs(counts.maximum) or 1.0
    low, high = feature.min, feature.max
    if low is not None and counts.minimum < low:
        low = _outward(counts.minimum - MARGIN * span, span, math.floor)
    if high is not None and counts.maximum > high:
        high = _outward(counts.maximum + MARGIN * span, span, math.ceil)
    return replace(feature, min=low, max=high)


def _outward(value: float, span: float, whole: Callable[[float], int]) -> float:
    """Round away from the values, to a number that people would write."""
    step = 10.0 ** math.floor(math.log10(span))
    return float(f"{whole(value / step) * step:.12g}")


def _with_categories(
    feature: Feature, stated: tuple[str, ...], grid: CategoricalGrid, counts: Counts
) -> tuple[Feature, tuple[str, ...]]:
    if not isinstance(counts, CategoricalCounts):
        return feature, ()
    rows = dict(zip(grid.categories, counts.known.tolist(), strict=True))
    outside = {name: n for name, n in rows.items() if n and name not in stated}
    if sum(outside.values()) <= (1.0 - feature.min_domain_mass) * counts.n:
        return feature, ()
    order = sorted(outside, key=lambda name: (-outside[name], name))
    meant = tuple(name for name in order if outside[name] >= ROWS_TO_CLOSE)
    rare = tuple(name for name in order if outside[name] < ROWS_TO_CLOSE)
    return replace(feature, categories=(*stated, *meant)), rare
