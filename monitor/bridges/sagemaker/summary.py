"""What was counted, of a reference or of a window, as `statistics.json`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.clustering import absent
from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.dictionary import Dictionary, Kind
from detectors.grid import CategoricalGrid, Grid, NumericGrid
from detectors.profile import Profile
from detectors.weighted import weighted_values
from monitor.bridges.sagemaker.constraints import inferred_type

BUCKETS = 10
SKETCH = {"c": 0.64, "k": 2048.0}
"""The parameters of SageMaker's own sketches, for whoever merges them."""


def exported(dictionary: Dictionary, grids: Mapping[str, Grid], profile: Profile) -> dict[str, Any]:
    """Give the document of the features that were counted.

    Mean, sum and deviation are at the grid's resolution: exact while every value lies on a point.
    """
    features = []
    for name, grid in grids.items():
        counts, feature = profile.counts[name], dictionary.features[name]
        column: dict[str, Any] = {"name": name, "inferred_type": inferred_type(feature)}
        if isinstance(counts, NumericCounts) and isinstance(grid, NumericGrid):
            column["numerical_statistics"] = _numerical(counts, grid)
        elif isinstance(counts, CategoricalCounts) and isinstance(grid, CategoricalGrid):
            is_listed = feature.kind in (Kind.CATEGORICAL, Kind.BOOLEAN)
            column["string_statistics"] = _strings(counts, grid, is_listed=is_listed)
        features.append(column)
    return {"version": 0.0, "dataset": {"item_count": profile.rows}, "features": features}


def _common(counts: Counts) -> dict[str, int]:
    """Values of a wrong type, and infinities, are neither: SageMaker has no place for them."""
    return {"num_present": counts.n, "num_missing": absent(counts)}


def _numerical(counts: NumericCounts, grid: NumericGrid) -> dict[str, Any]:
    values, weights = weighted_values(counts, grid)
    statistics: dict[str, Any] = {"common": _common(counts)}
    if not len(values):
        return statistics
    mean = float(np.average(values, weights=weights))
    return statistics | {
        "mean": mean,
        "sum": mean * counts.n,
        "std_dev": math.sqrt(float(np.average((values - mean) ** 2, weights=weights))),
        "min": counts.minimum,
        "max": counts.maximum,
        "distribution": {
            "kll": {
                "buckets": _buckets(values, weights, counts.minimum, counts.maximum),
                "sketch": {"parameters": SKETCH, "data": _levels(values, weights)},
            }
        },
    }


def _buckets(
    values: NDArray[np.float64], weights: NDArray[np.int64], low: float, high: float
) -> list[dict[str, Any]]:
    """Ten buckets of equal width; each has its lower bound, the last one its upper one too."""
    edges = low + (high - low) * np.arange(BUCKETS + 1) / BUCKETS
    edges[-1] = high
    reached = np.concatenate(([0], np.cumsum(weights)))
    below = reached[values.searchsorted(edges)]
    below[-1] = reached[-1]
    return [
        {"lower_bound": lower, "upper_bound": upper, "count": count}
        for lower, upper, count in zip(
            edges[:-1].tolist(), edges[1:].tolist(), np.diff(below).tolist(), strict=True
        )
    ]


def _levels(values: NDArray[np.float64], weights: NDArray[np.int64]) -> list[list[float]]:
    """Write each weight as a sum of powers of two: level i has the values whose weight has the bit i."""
    height = int(weights.max()).bit_length()
    return [values[(weights >> level) & 1 == 1].tolist() for level in range(height)]


def _strings(counts: CategoricalCounts, grid: CategoricalGrid, *, is_listed: bool) -> dict[str, Any]:
    if not is_listed:
        return {"common": _common(counts)}
    listed = dict(zip(grid.categories, counts.known.tolist(), strict=True)) | dict(counts.unseen)
    buckets = [{"value": text, "count": count} for text, count in listed.items() if count]
    return {
        "common": _common(counts),
        "distinct_count": len(buckets) + (counts.other > 0),
        "distribution": {"categorical": {"buckets": buckets}},
    }
