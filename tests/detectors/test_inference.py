from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from detectors.dictionary import Feature, Kind, Role
from detectors.frames import columns_from_frame
from detectors.inference import infer

RNG_SEED = 20190331


def inferred(cells: Any) -> Feature:
    return infer(pd.DataFrame({"x": cells})).features["x"]


@pytest.mark.parametrize(
    ("cells", "kind", "type_name"),
    [
        ([True, False], Kind.BOOLEAN, "bool"),
        (pd.Series([True, None], dtype=object), Kind.BOOLEAN, "bool"),
        (pd.Series([True, None], dtype="boolean"), Kind.BOOLEAN, "bool"),
        ([0, 1, 1], Kind.NUMERIC, "int"),
        ([0.5, None], Kind.NUMERIC, "float"),
        ([None, float("nan")], Kind.NUMERIC, "float"),
        (pd.Series([1, 2.5], dtype=object), Kind.NUMERIC, "float"),
        (["a", "b"], Kind.CATEGORICAL, "str"),
        (pd.Categorical([1, 2]), Kind.CATEGORICAL, "int"),
        (pd.to_datetime(["2019-03-31"]), Kind.DATETIME, "str"),
        (["2019-03-31 03:00:00", "2019-04-01"], Kind.DATETIME, "str"),
        (["20190331", "20190401"], Kind.CATEGORICAL, "str"),
        ([f"free text {i}" for i in range(50)], Kind.TEXT, "str"),
        (pd.Series([None, None], dtype=object), Kind.IGNORE, "str"),
        ([[1], [2]], Kind.IGNORE, "str"),
    ],
)
def test_kind_and_type_follow_the_cells(cells: Any, kind: Kind, type_name: str) -> None:
    found = inferred(cells)
    assert (found.kind, found.type) == (kind, type_name)


def test_a_few_dates_in_many_rows_are_dates_not_categories() -> None:
    assert inferred(["2019-03-31", "2019-04-01"] * 500).format == "iso8601"


def test_roles_are_kept_and_default_to_feature() -> None:
    found = infer(pd.DataFrame({"y": [1], "x": [2]}), {"y": Role.LABEL}).features
    assert (found["y"].role, found["x"].role) == (Role.LABEL, Role.FEATURE)


def test_a_small_set_of_common_categories_is_closed_most_frequent_first() -> None:
    assert inferred(["b"] * 30 + ["a"] * 10).categories == ("b", "a")


def test_a_set_with_a_rare_category_stays_open_to_others() -> None:
    assert inferred(["b"] * 40 + ["a"] * 9).categories is None


def test_zero_is_a_bound_only_where_values_pile_up_on_it() -> None:
    rng = np.random.default_rng(RNG_SEED)
    assert inferred(rng.poisson(1.0, 2000)).min == 0.0
    assert inferred(rng.exponential(1.0, 2000)).min is None
    assert inferred(rng.normal(1.5, 1.0, 2000).round()).min is None
    assert inferred([0, 1] * 100).min is None, "too few rows to say"


def test_no_share_of_nulls_and_no_maximum_is_inferred() -> None:
    found = inferred([0.0, 1.0, None] * 1000)
    assert (found.max, found.max_null_fraction, found.required) == (None, None, True)


def test_the_frame_obeys_its_own_dictionary() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [True, False], "d": [0.5, np.nan]})
    for column in columns_from_frame(frame, infer(frame)).values():
        assert column.presence is None or not (column.presence == 3).any()
