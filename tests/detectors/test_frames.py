from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from detectors.columns import Column, Presence
from detectors.dictionary import Dictionary, Feature, Kind
from detectors.frames import columns_from_frame

P, N, B = Presence.PRESENT, Presence.NULL, Presence.BAD_TYPE


def column(cells: Any, feature: Feature) -> Column:
    frame = pd.DataFrame({feature.name: cells})
    return columns_from_frame(frame, Dictionary({feature.name: feature}))[feature.name]


def cells(made: Column) -> list[Any]:
    listed: list[Any] = made.values.tolist()  # noqa: PD011  # no pandas object
    return listed


def codes(made: Column) -> list[int]:
    return [0] * len(made) if made.presence is None else made.presence.tolist()


def test_numbers_keep_their_values_and_nan_is_null() -> None:
    made = column(np.array([1.5, np.nan, np.inf, -0.0]), Feature("x", Kind.NUMERIC, "float"))
    assert codes(made) == [P, N, P, P]
    np.testing.assert_array_equal(made.values, [1.5, np.nan, np.inf, 0.0])


def test_a_column_without_nulls_needs_no_codes() -> None:
    assert column(np.arange(3), Feature("x", Kind.NUMERIC, "int")).presence is None


def test_a_fraction_is_no_int_but_a_whole_float_is() -> None:
    made = column([1.0, 2.5, None], Feature("x", Kind.NUMERIC, "int"))
    assert codes(made) == [P, B, N]
    assert np.isnan(cells(made)[1])


@pytest.mark.parametrize("kind_of_frame", ["object", "Int64"])
def test_nullable_and_object_integers_are_numbers(kind_of_frame: Any) -> None:
    made = column(pd.Series([1, None, 3], dtype=kind_of_frame), Feature("x", Kind.NUMERIC, "int"))
    assert codes(made) == [P, N, P]
    assert cells(made)[::2] == [1.0, 3.0]


def test_texts_booleans_and_huge_numbers_are_no_numbers() -> None:
    cells = pd.Series(["12", True, 10**400, Decimal("1.5"), 7], dtype=object)
    made = column(cells, Feature("x", Kind.NUMERIC, "float"))
    assert codes(made) == [B, B, B, P, P]


def test_booleans_become_true_and_false() -> None:
    made = column(pd.Series([True, None, False, "yes"], dtype=object), Feature("x", Kind.BOOLEAN, "bool"))
    assert cells(made) == ["true", None, "false", None]
    assert codes(made) == [P, N, P, B]


def test_a_boolean_frame_column_becomes_true_and_false() -> None:
    assert cells(column([True, False], Feature("x", Kind.BOOLEAN, "bool"))) == ["true", "false"]


def test_whole_categories_have_one_text_whatever_pandas_made_of_them() -> None:
    feature = Feature("x", Kind.CATEGORICAL, "int")
    for given in ([5, 7], [5.0, 7.0], pd.Categorical([5, 7]), pd.Series([5, 7], dtype=object)):
        assert cells(column(given, feature)) == ["5", "7"]


def test_a_number_among_texts_is_of_a_bad_type() -> None:
    made = column(pd.Series(["a", 5, None], dtype=object), Feature("x", Kind.CATEGORICAL, "str"))
    assert cells(made) == ["a", None, None]
    assert codes(made) == [P, B, N]


def test_timestamps_become_iso_texts() -> None:
    made = column(
        pd.to_datetime(pd.Series(["2019-03-31T03:00:00", None])), Feature("x", Kind.DATETIME, "str")
    )
    assert cells(made) == ["2019-03-31T03:00:00", None]
    assert codes(made) == [P, N]


def test_declared_missing_values_are_null_whatever_their_type() -> None:
    feature = Feature("x", Kind.NUMERIC, "float", missing_values=(-1, "N/A"))
    assert codes(column([1.0, -1.0, np.nan], feature)) == [P, N, N]
    assert codes(column(pd.Series([1, -1, "N/A", "n/a"], dtype=object), feature)) == [P, N, N, B]


def test_one_as_a_missing_value_does_not_swallow_true() -> None:
    feature = Feature("x", Kind.BOOLEAN, "bool", missing_values=(1,))
    assert codes(column([True, False], feature)) == [P, P]


def test_ignored_and_unknown_columns_have_no_column() -> None:
    dictionary = Dictionary({name: Feature(name, Kind.IGNORE, "str") for name in ("a",)})
    assert columns_from_frame(pd.DataFrame({"a": [1], "b": [2]}), dictionary) == {}


@pytest.mark.parametrize("kind", [Kind.NUMERIC, Kind.CATEGORICAL, Kind.TEXT])
def test_a_frame_without_rows_gives_columns_without_rows(kind: Kind) -> None:
    feature = Feature("x", kind, "float" if kind is Kind.NUMERIC else "str")
    for name in ("float64", "object", "str"):
        assert len(column(pd.Series([], dtype=name), feature)) == 0
