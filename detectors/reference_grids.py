"""The grids that a dictionary and a reference's rows lead to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from detectors.columns import Column, Columns
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.grid import Grid, categorical_grid, numeric_grid
from detectors.profile import PRESENCE_ONLY


def grids_of(
    columns: Columns, dictionary: Dictionary, grid_size: int, max_categories: int
) -> dict[str, Grid]:
    """Lay out every feature that is used, but for a label that the columns do not have.

    Raises
    ------
    ValueError
        If there are no rows, a feature has no column, or a column has values but none of the type that the
        dictionary says.
    """
    return {
        name: grid_of(feature, columns[name], grid_size, max_categories)
        for name, feature in _present_features(columns, dictionary).items()
    }


def _present_features(columns: Columns, dictionary: Dictionary) -> Mapping[str, Feature]:
    features = {
        name: feature
        for name, feature in dictionary.used().items()
        if name in columns or feature.role is not Role.LABEL
    }
    lacking = [name for name in features if name not in columns]
    if lacking:
        raise ValueError(
            f"the reference has no column {', '.join(map(repr, lacking))}, which the data dictionary names: "
            'add the column, or set kind = "ignore"'
        )
    if not features or not len(columns[next(iter(features))]):
        raise ValueError("the reference has no rows: give the rows that the model was trained on")
    return features


def grid_of(feature: Feature, column: Column, grid_size: int, max_categories: int) -> Grid:
    """One feature's grid."""
    if feature.kind in (Kind.TEXT, Kind.DATETIME):
        return PRESENCE_ONLY
    present = column.present()
    mistyped = len(column) if column.presence is None else int((column.presence == 3).sum())  # noqa: PLR2004
    if not len(present) and mistyped:
        raise ValueError(
            f"none of the reference's {mistyped} values of {feature.name!r} is of type {feature.type!r}: "
            "correct its type in the data dictionary"
        )
    if feature.kind is Kind.NUMERIC:
        return numeric_grid(present[np.isfinite(present)], grid_size)
    return categorical_grid(present, max_categories)
