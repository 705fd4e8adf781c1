"""A first data dictionary from a training file.

Everything inferred becomes a rule that production is held to, so nothing is
inferred that another clean sample of the same data would be likely to break:
no maximum, no share of nulls (it is tested against the reference instead), and
a minimum or a closed set of categories only where the data leave little doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from detectors.dictionary import ISO8601, Dictionary, Feature, Kind, Role, Type, category_text
from detectors.frames import is_plain_number, plain_cells

DATETIME_SHARE = 0.99  # of the distinct texts that must be ISO 8601
FEW_CATEGORIES = 20  # distinct texts that are categories however few the rows
ROWS_PER_CATEGORY = 10  # on average, above that
MAX_CLOSED = 100  # categories; a longer list is nobody's closed set
ROWS_TO_CLOSE = 10  # of the rarest category; an unseen one as frequent would have shown
ROWS_FOR_BOUND = 1000
SHARE_ON_BOUND = 0.05  # of the values on zero, with none below, that make zero a bound
MAIN_TYPE_SHARE = 0.99


def infer(frame: pd.DataFrame, roles: Mapping[str, Role] | None = None) -> Dictionary:
    """A data dictionary that the frame itself, and further rows like it, obey.

    Integers stay numeric however few values they take: the Kolmogorov-Smirnov D
    of a two-valued column is the change of its share, the chi-square test's own
    effect, and an order that means nothing costs only power. Columns without
    role are features; columns that hold no single scalar are ignored.
    """
    given = roles or {}
    return Dictionary(
        {
            str(name): _feature(frame[name], str(name), given.get(str(name), Role.FEATURE))
            for name in frame.columns
        }
    )


def _feature(series: pd.Series[Any], name: str, role: Role) -> Feature:
    if pd.api.types.is_bool_dtype(series.dtype):
        return Feature(name, Kind.BOOLEAN, "bool", role)
    if is_plain_number(series):
        return _numeric(series, name, role)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return Feature(name, Kind.DATETIME, "str", role, format=ISO8601)
    return _objects(series, name, role)


def _objects(series: pd.Series[Any], name: str, role: Role) -> Feature:
    """A feature whose cells pandas holds as Python values."""
    cells = [cell for cell in plain_cells(series) if cell is not None]
    main = _main_type(cells)
    if main is None:
        return Feature(name, Kind.IGNORE, "str", role, description="no scalar value in the reference")
    if main == "bool":
        return Feature(name, Kind.BOOLEAN, "bool", role)
    if main in ("int", "float") and not isinstance(series.dtype, pd.CategoricalDtype):
        return Feature(name, Kind.NUMERIC, main, role)
    return _texts([text for cell in cells if (text := category_text(cell)) is not None], name, role, main)


def _main_type(cells: list[Any]) -> Type | None:
    """The type that nearly all cells have; text when they are mixed."""
    counts = Counter(_type_name(cell) for cell in cells)
    if counts["float"]:  # whole numbers among fractions are written without a point
        counts["float"] += counts.pop("int", 0)
    if not cells or sum(counts.values()) == counts["other"]:
        return None
    for name in ("bool", "int", "float"):
        if counts[name] >= MAIN_TYPE_SHARE * len(cells):
            return name
    return "str" if counts["str"] or counts["date"] else None


def _type_name(cell: Any) -> str:
    for name, kind in (("bool", bool), ("int", int), ("float", float), ("str", str), ("date", datetime)):
        if isinstance(cell, kind):
            return name
    return "other"


def _numeric(series: pd.Series[Any], name: str, role: Role) -> Feature:
    kind: Type = "int" if pd.api.types.is_integer_dtype(series.dtype) else "float"
    values = series.dropna().to_numpy(dtype=np.float64)
    return Feature(name, Kind.NUMERIC, kind, role, min=0.0 if _is_bounded_by_zero(values) else None)


def _is_bounded_by_zero(values: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Whether values pile up on zero and never go below, as counts and amounts do.

    New extremes are normal, so a minimum of zero alone says nothing. A smooth
    distribution with a twentieth of its rows on the value zero has so many below
    it that a thousand rows would show one.
    """
    if len(values) < ROWS_FOR_BOUND or values.min() < 0:
        return False
    return float(np.mean(values == 0)) >= SHARE_ON_BOUND


def _texts(texts: list[str], name: str, role: Role, type_name: Type) -> Feature:
    counts = Counter(texts)
    parsed = sum(_looks_like_datetime(text) for text in counts)
    if parsed and parsed >= DATETIME_SHARE * len(counts):  # first: a few dates are not categories
        return Feature(name, Kind.DATETIME, "str", role, format=ISO8601 if parsed == len(counts) else None)
    if len(counts) > max(FEW_CATEGORIES, len(texts) // ROWS_PER_CATEGORY):
        return Feature(name, Kind.TEXT, "str", role)
    return Feature(name, Kind.CATEGORICAL, type_name, role, categories=_closed_set(counts))


def _looks_like_datetime(text: str) -> bool:
    """ISO 8601 with dashes: eight digits alone are as likely a number of something."""
    if len(text) < len("2019-03-31") or text[4] != "-":
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _closed_set(counts: Counter[str]) -> tuple[str, ...] | None:
    """The categories, most frequent first, if the set looks complete.

    Good and Turing's estimate of the share of unseen categories is the share of
    those seen once. Where even the rarest was seen `ROWS_TO_CLOSE` times it is
    zero, and a new category is a defect of the log, not the tail of the old set.
    """
    if len(counts) > MAX_CLOSED or min(counts.values()) < ROWS_TO_CLOSE:
        return None
    return tuple(sorted(counts, key=lambda category: (-counts[category], category)))
