"""`statistics.json` as a data dictionary and a reference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from detectors import weighted
from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.dictionary import Dictionary, Feature, Kind, Role, category_text
from detectors.grid import CategoricalGrid, Grid, NumericGrid
from detectors.profile import PRESENCE_ONLY
from detectors.reference import Reference, from_counts
from monitor.bridges.imported import Draft, Imported, put_together
from monitor.bridges.sagemaker.constraints import kind_of
from monitor.bridges.sagemaker.documents import ColumnStatistics, Common, Numerical, Statistics, Strings

SKETCH_MAY_LACK = 0.01
"""The share of the values by which a sketch may be off their number; beyond it the buckets are read."""
UNKNOWN = (
    "SageMaker's statistics hold neither rows nor times: no ids, segments, pairs or performance, no number "
    "of rows to expect of a window, and rows are taken as independent of their neighbours"
)


def imported(statistics: Statistics, roles: dict[str, Role]) -> Imported:
    """Read the columns' types; the file has no rules. What has no distribution is text, or not looked at."""
    drafts, left_out = [], []
    for column in statistics.features:
        kind, type_ = kind_of(column.inferred_type, _values(column))
        if kind is Kind.NUMERIC and not _has_distribution(column):
            kind = Kind.IGNORE
            left_out.append(f"{column.name}: is not looked at, as the file has no distribution of it")
        elif kind is Kind.IGNORE:
            left_out.append(f"{column.name}: is not looked at, as its inferred_type is Unknown")
        drafts.append(Draft(column.name, kind, {"type": type_}))
    return put_together(drafts, left_out, roles)


def _values(column: ColumnStatistics) -> list[object] | None:
    strings = column.string_statistics
    if strings is None or strings.distribution.categorical is None:
        return None
    return [bucket.value for bucket in strings.distribution.categorical.buckets]


def _has_distribution(column: ColumnStatistics) -> bool:
    numbers = column.numerical_statistics
    return numbers is not None and numbers.distribution.kll is not None


def reference(
    statistics: Statistics,
    dictionary: Dictionary,
    *,
    model: str,
    version: str,
    source: str,
    built_at: datetime,
    grid_size: int,
    max_categories: int,
) -> Reference:
    """Build the reference that the file knows of.

    Raises
    ------
    ValueError
        If the dictionary names a feature that the file does not know, or knows as something else.
    """
    columns = {column.name: column for column in statistics.features}
    grids: dict[str, Grid] = {}
    counts: dict[str, Counts] = {}
    for name, feature in dictionary.used().items():
        if name in columns:
            grids[name], counts[name] = _known(feature, columns[name], grid_size, max_categories)
    rows = int(statistics.dataset.item_count)
    return from_counts(
        dictionary, grids, counts, rows, model=model, version=version, source=source, built_at=built_at
    )


def _known(
    feature: Feature, column: ColumnStatistics, grid_size: int, max_categories: int
) -> tuple[Grid, Counts]:
    numbers, strings = column.numerical_statistics, column.string_statistics
    if feature.kind in (Kind.TEXT, Kind.DATETIME):
        return PRESENCE_ONLY, _presence(_common(column))
    if feature.kind is Kind.NUMERIC and numbers is not None and numbers.distribution.kll is not None:
        return _numeric(column.name, numbers, grid_size)
    if feature.kind is not Kind.NUMERIC and strings is not None:
        return _categories(feature, strings, max_categories)
    kinds = "numbers" if numbers is not None else "texts"
    raise ValueError(
        f'the file knows {column.name!r} as {kinds}, which does not go with kind = "{feature.kind}": '
        "correct it in the data dictionary, or ignore the feature"
    )


def _common(column: ColumnStatistics) -> Common:
    known = column.numerical_statistics or column.string_statistics
    return Common() if known is None else known.common


def _presence(common: Common) -> CategoricalCounts:
    return CategoricalCounts(
        np.zeros(0, np.int64), other=int(common.num_present), null=int(common.num_missing)
    )


def _numeric(name: str, numbers: Numerical, grid_size: int) -> tuple[NumericGrid, NumericCounts]:
    """Read the sketch where it stands for about as many values as there are, else the buckets."""
    grid, counts = _from_sketch(numbers, grid_size) or _from_buckets(name, numbers)
    lowest = counts.minimum if numbers.min is None else min(numbers.min, counts.minimum)
    highest = counts.maximum if numbers.max is None else max(numbers.max, counts.maximum)
    return grid, NumericCounts(
        counts.on,
        counts.between,
        null=int(numbers.common.num_missing),
        minimum=lowest + 0.0,
        maximum=highest + 0.0,
    )


def _from_sketch(numbers: Numerical, grid_size: int) -> tuple[NumericGrid, NumericCounts] | None:
    levels = () if numbers.distribution.kll is None else numbers.distribution.kll.sketch.data
    values = np.array([value for level in levels for value in level], np.float64)
    weights = np.array([1 << height for height, level in enumerate(levels) for _ in level], np.int64)
    present = numbers.common.num_present
    if not len(values) or abs(int(weights.sum()) - present) > SKETCH_MAY_LACK * present:
        return None
    return weighted.of_values(values, weights, grid_size)


def _from_buckets(name: str, numbers: Numerical) -> tuple[NumericGrid, NumericCounts]:
    buckets = () if numbers.distribution.kll is None else numbers.distribution.kll.buckets
    if not buckets:
        return weighted.of_values(np.zeros(0), np.zeros(0, np.int64))
    edges = np.array([*(each.lower_bound for each in buckets), buckets[-1].upper_bound])
    counts = np.array([each.count for each in buckets], np.int64)
    try:
        return weighted.of_buckets(edges, counts)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _categories(
    feature: Feature, strings: Strings, max_categories: int
) -> tuple[CategoricalGrid, CategoricalCounts]:
    """Read the listed values. Where there are more than those, an unknown one is part of the rest."""
    listed = dict(_listed(feature, strings))
    order = sorted(listed, key=lambda text: (-listed[text], text))
    kept = order[:max_categories]
    known = np.array([listed[text] for text in kept], np.int64)
    rest = max(0, int(strings.common.num_present) - int(known.sum()))
    is_open = rest > 0 or len(order) > len(kept) or strings.distinct_count > len(listed)
    return CategoricalGrid(tuple(kept), is_open), CategoricalCounts(
        known, other=rest, null=int(strings.common.num_missing), empty_text=listed.get("", 0)
    )


def _listed(feature: Feature, strings: Strings) -> Iterator[tuple[str, int]]:
    categorical = strings.distribution.categorical
    for bucket in () if categorical is None else categorical.buckets:
        text = category_text(bucket.value) or ""
        yield (text.lower() if feature.kind is Kind.BOOLEAN else text), int(bucket.count)
