"""A proposed dictionary lets through what was accepted, and nothing that is rather a fault."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from detectors.columns import Columns
from detectors.dictionary import Dictionary, Feature, Kind
from detectors.frames import columns_from_frame
from detectors.grid import CategoricalGrid, NumericGrid
from detectors.profile import summarise
from detectors.proposal import Proposal, propose
from detectors.reference import FixedLayout


def proposed(feature: Feature, values: Sequence[object], known: tuple[str, ...] = ()) -> Proposal:
    dictionary = Dictionary({feature.name: feature})
    is_numeric = feature.kind is Kind.NUMERIC
    grid = NumericGrid(np.array([0.0, 50.0])) if is_numeric else CategoricalGrid(known)
    columns: Columns = columns_from_frame(pd.DataFrame({feature.name: values}), dictionary)
    whole = summarise(FixedLayout(dictionary, {feature.name: grid}), columns)
    return propose(dictionary, {feature.name: grid}, whole)


def test_a_range_that_is_broken_is_widened_past_what_was_seen() -> None:
    feature = Feature("x", Kind.NUMERIC, "float", min=0.0, max=90.0)
    found = proposed(feature, [5.0, 50.0, 103.0]).dictionary.features["x"]
    assert (found.min, found.max) == (0.0, 120.0)
    low = proposed(feature, [-3.0, 50.0]).dictionary.features["x"]
    assert (low.min, low.max) == (-10.0, 90.0)
    assert proposed(feature, [5.0, 90.0]).dictionary.features["x"] == feature


def test_few_values_beyond_a_range_that_may_be_are_no_reason() -> None:
    feature = Feature("x", Kind.NUMERIC, "int", max=10, max_out_of_range_fraction=0.25)
    assert proposed(feature, [1, 2, 3, 99]).dictionary.features["x"] == feature
    found = proposed(feature, [1, 2, 98, 99]).dictionary.features["x"]
    assert found.max == pytest.approx(110.0)


def test_new_categories_are_taken_unless_they_are_rare() -> None:
    feature = Feature("plan", Kind.CATEGORICAL, "str", categories=("a", "b"))
    values = ["a"] * 20 + ["new"] * 10 + ["tpyo"] * 3
    found = proposed(feature, values, ("a", "b", "new", "tpyo"))
    assert found.dictionary.features["plan"].categories == ("a", "b", "new")
    assert found.left_out == {"plan": ("tpyo",)}


def test_a_set_that_holds_all_the_same_stays() -> None:
    feature = Feature("plan", Kind.CATEGORICAL, "str", categories=("a",), min_domain_mass=0.5)
    assert proposed(feature, ["a"] * 20 + ["new"] * 15, ("a", "new")).dictionary.features["plan"] == feature
    open_set = Feature("plan", Kind.CATEGORICAL, "str")
    assert proposed(open_set, ["a", "z"], ("a", "z")).dictionary.features["plan"] == open_set


def test_one_value_far_out_makes_a_range_too() -> None:
    feature = Feature("x", Kind.NUMERIC, "float", max=10.0)
    assert proposed(feature, [70.0, 70.0]).dictionary.features["x"].max == pytest.approx(80.0)
