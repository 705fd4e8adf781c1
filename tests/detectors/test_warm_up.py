from __future__ import annotations

import zlib
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.abstaining_bases import BASES, build
from detectors.columns import Column
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.outputs import Outputs, Task
from detectors.warm_up import (
    MAX_TEXT,
    evenly,
    feature_cells,
    feature_rows,
    learned_features,
    rows_of,
    warm_up_rows,
)

BINARY = Outputs(Task.BINARY, ("no", "yes"), "prediction", (), "label")
DICTIONARY = Dictionary(
    {
        feature.name: feature
        for feature in (
            Feature("prediction", Kind.CATEGORICAL, "str", Role.PREDICTION),
            Feature("age", Kind.NUMERIC, "float"),
            Feature("note", Kind.TEXT, "str"),
            Feature("plan", Kind.CATEGORICAL, "str"),
            Feature("when", Kind.DATETIME, "str"),
            Feature("owner", Kind.BOOLEAN, "bool"),
            Feature("nothing", Kind.IGNORE, "str"),
            Feature("label", Kind.CATEGORICAL, "str", Role.LABEL),
        )
    }
)


def texts(*values: str | None) -> Column:
    cells = np.empty(len(values), object)
    cells[:] = values
    return Column(cells)


def batch(ages: Any, labels: tuple[str | None, ...], **more: Column) -> dict[str, Column]:
    return {"age": Column(np.array(ages, float)), "label": texts(*labels), **more}


def test_features_come_in_the_dictionarys_order_and_the_label_as_its_code() -> None:
    columns = batch(
        [40.5, 7],
        ("yes", "no"),
        owner=texts("true", "false"),
        plan=texts("basic", "gold"),
        note=texts("a", "b"),
    )
    rows = rows_of(warm_up_rows(columns, DICTIONARY, BINARY))
    assert rows == [
        ({"age": 40.5, "plan": "basic", "owner": "true"}, 1),
        ({"age": 7.0, "plan": "gold", "owner": "false"}, 0),
    ]
    assert [list(features) for features, _ in rows] == [["age", "plan", "owner"]] * 2
    assert [feature.name for feature in learned_features(DICTIONARY)] == ["age", "plan", "owner"]


def test_what_is_absent_or_not_finite_has_no_key() -> None:
    columns = batch([np.nan, np.inf, -np.inf, 1], ("yes",) * 4, plan=texts("basic", None, "gold", None))
    rows = rows_of(warm_up_rows(columns, DICTIONARY, BINARY))
    assert [features for features, _ in rows] == [{"plan": "basic"}, {}, {"plan": "gold"}, {"age": 1.0}]


def test_rows_without_a_label_are_passed_over_and_another_class_has_the_next_code() -> None:
    columns = batch([1, 2, 3], (None, "perhaps", "yes"))
    assert rows_of(warm_up_rows(columns, DICTIONARY, BINARY)) == [({"age": 2.0}, 2), ({"age": 3.0}, 1)]


def test_rows_are_spaced_evenly() -> None:
    columns = batch(np.arange(101), ("yes",) * 101)
    rows = rows_of(warm_up_rows(columns, DICTIONARY, BINARY, at_most=11))
    assert [features["age"] for features, _ in rows] == [10.0 * i for i in range(11)]


@given(st.integers(0, 300), st.integers(0, 40))
def test_even_spacing_takes_what_it_may_and_leaves_no_gap_twice_as_wide_as_another(
    size: int, at_most: int
) -> None:
    chosen = evenly(np.arange(size), at_most).tolist()
    assert len(chosen) == min(size, at_most)
    assert len(set(chosen)) == len(chosen)
    gaps = np.diff(chosen)
    assert not len(gaps) or gaps.max() - gaps.min() <= 1
    if at_most > 1 and size:
        assert (chosen[0], chosen[-1]) == (0, size - 1)


@pytest.mark.parametrize("columns", [{}, batch([], ()), batch([1.0], (None,)), {"age": Column(np.ones(2))}])
def test_nothing_to_learn_from_is_empty(columns: dict[str, Column]) -> None:
    assert warm_up_rows(columns, DICTIONARY, BINARY) == b""
    assert rows_of(b"") == []


def test_a_regression_has_no_warm_up() -> None:
    outputs = Outputs(Task.REGRESSION, (), "prediction", (), "label")
    assert warm_up_rows({"label": Column(np.ones(3))}, DICTIONARY, outputs) == b""


def test_no_text_fills_the_memory_or_breaks_the_wire() -> None:
    columns = batch([1, 2], ("yes", "no"), plan=texts("x" * 100_000, "half \ud800"))
    rows = rows_of(warm_up_rows(columns, DICTIONARY, BINARY))
    assert [features["plan"] for features, _ in rows] == ["x" * MAX_TEXT, "half ?"]


def test_a_column_of_the_wrong_kind_never_gives_a_feature_two_types() -> None:
    columns = {"age": texts("old"), "plan": Column(np.array([5.0]))}
    cells = feature_cells(DICTIONARY, columns, np.array([0]))
    assert cells == {"age": [None], "plan": ["5"], "owner": [None]}


@pytest.mark.parametrize(
    "data",
    [
        b"no zlib",
        zlib.compress(b"no msgpack"),
        zlib.compress(msgspec.msgpack.encode((1, "not rows"))),
        zlib.compress(msgspec.msgpack.encode((1, (["age"], [[1.0, 2.0]], [1])))),
    ],
)
def test_damage_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match="damaged"):
        rows_of(data)


def test_another_version_is_told() -> None:
    with pytest.raises(ValueError, match="version 2, this driftd reads version 1"):
        rows_of(zlib.compress(msgspec.msgpack.encode((2, ([], [], [])))))


@pytest.mark.parametrize("base", BASES)
def test_no_base_minds_absent_values_new_categories_or_empty_rows(base: str) -> None:
    rng = np.random.default_rng(4)
    size = 400
    plans = [*rng.choice(list("abc"), 250).tolist(), *rng.choice(list("vwxyz"), size - 250).tolist()]
    is_absent = rng.random((3, size)) < 0.3
    ages = np.where(is_absent[0], np.nan, rng.normal(0, 1e6, size))
    owners = rng.choice(["true", "false"], size).tolist()
    columns = {
        "age": Column(ages),
        "plan": texts(*(None if hole else plan for plan, hole in zip(plans, is_absent[1], strict=True))),
        "owner": texts(*(None if hole else owner for owner, hole in zip(owners, is_absent[2], strict=True))),
    }
    cells = feature_cells(DICTIONARY, columns, np.arange(size))
    rows = feature_rows(list(cells), list(cells.values()))
    assert {} in rows
    model = build(base, "grid", 1)
    for at, row in enumerate(rows):
        votes = model.votes(row)
        model.learn_one(row, int(row.get("plan") in {"a", "v"}) + (at == 300), votes=votes)
    assert model.predict_one({}) in {0, 1, 2}
    assert not model.kept_out["values"]
