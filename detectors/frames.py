"""Data frames as columns: what training files become before a reference is built from them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.columns import Column, Columns, Presence
from detectors.dictionary import Dictionary, Feature, Kind, Type, category_text, has_type


def columns_from_frame(frame: pd.DataFrame, dictionary: Dictionary) -> Columns:
    """The frame's cells as the decoder of messages would give them.

    None, NaN and NaT are null, for a frame cannot say whether a key was absent;
    so are the declared missing values. A feature that the frame lacks has no
    column here. The frame is not changed.
    """
    features = dictionary.used()
    return {name: _column(frame[name], features[name]) for name in features if name in frame.columns}


def _column(series: pd.Series[Any], feature: Feature) -> Column:
    is_null = series.isna().to_numpy(dtype=bool)
    if feature.missing_values:
        is_null = is_null | _stands_for_missing(series, feature).to_numpy(dtype=bool)
    if feature.kind is Kind.NUMERIC and is_plain_number(series):
        return _plain_numbers(series, feature, is_null)
    return _converted(plain_cells(series), feature, is_null)


def _stands_for_missing(series: pd.Series[Any], feature: Feature) -> pd.Series[bool]:
    """Which cells hold a declared missing value: 1 and True are different here, 1 and 1.0 are not."""
    markers = {(isinstance(value, bool), value) for value in feature.missing_values}
    return series.map(lambda cell: _is_marker(cell, markers)).fillna(value=False)


def _is_marker(cell: Any, markers: set[tuple[bool, Any]]) -> bool:
    if isinstance(cell, (str, int, float, np.generic)):
        value = cell.item() if isinstance(cell, np.generic) else cell
        return (isinstance(value, bool), value) in markers
    return False


def is_plain_number(series: pd.Series[Any]) -> bool:
    """Whether pandas holds the column as numbers (bool is none)."""
    return pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)


def _plain_numbers(series: pd.Series[Any], feature: Feature, is_null: NDArray[np.bool_]) -> Column:
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    is_bad = np.zeros(len(values), bool)
    if feature.type == "int":
        is_bad = np.isfinite(values) & (values != np.trunc(values)) & ~is_null
    return _coded(np.where(is_null | is_bad, np.nan, values), is_null, is_bad)


def _coded(values: NDArray[Any], is_null: NDArray[np.bool_], is_bad: NDArray[np.bool_]) -> Column:
    if not is_null.any() and not is_bad.any():
        return Column(values)
    presence = np.zeros(len(values), np.uint8)
    presence[is_bad] = Presence.BAD_TYPE
    presence[is_null] = Presence.NULL
    return Column(values, presence)


def plain_cells(series: pd.Series[Any]) -> list[Any]:
    """The cells as Python's own values; absent ones are None."""
    cells: NDArray[np.object_] = series.astype(object).where(series.notna(), None).to_numpy(dtype=object)
    return [cell.item() if isinstance(cell, np.generic) else cell for cell in cells.tolist()]


def _converted(cells: list[Any], feature: Feature, is_null: NDArray[np.bool_]) -> Column:
    """Cell by cell, for columns that pandas does not hold as numbers."""
    convert = _number if feature.kind is Kind.NUMERIC else _text
    wanted = feature.type
    given = [None if absent else convert(cell, wanted) for cell, absent in zip(cells, is_null, strict=True)]
    is_bad = np.array([value is None for value in given], bool) & ~is_null
    if feature.kind is Kind.NUMERIC:
        numbers = np.array([np.nan if value is None else value for value in given], np.float64)
        return _coded(numbers, is_null, is_bad)
    texts = np.empty(len(given), object)
    texts[:] = given
    return _coded(texts, is_null, is_bad)


Convert = Callable[[Any, Type], Any]


def _number(cell: Any, wanted: Type) -> float | None:
    value = float(cell) if isinstance(cell, Decimal) else cell
    try:
        return float(value) if has_type(value, wanted) else None
    except OverflowError:  # an int beyond float64
        return None


def _text(cell: Any, wanted: Type) -> str | None:
    if isinstance(cell, (datetime, date)):  # a pandas Timestamp is a datetime
        return cell.isoformat() if wanted == "str" else None
    return category_text(cell) if has_type(cell, wanted) else None
