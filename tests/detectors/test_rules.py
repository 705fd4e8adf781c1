from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from detectors import counts as counting
from detectors.columns import Column, Presence
from detectors.dictionary import Feature, Kind
from detectors.grid import CategoricalGrid, NumericGrid
from detectors.rules import MAX_TEXT, CheckCounts, violations


def of_texts(feature: Feature, texts: Iterable[str | None]) -> CheckCounts:
    values = np.array([*texts, None], object)
    absent = np.array([Presence.PRESENT if text is not None else Presence.NULL for text in values], np.uint8)
    column = Column(values, absent)
    return violations(feature, column, counting.count(CategoricalGrid((), is_open=True), column))


def of_numbers(numbers: list[float], **rule: Any) -> int:
    column = Column(np.array(numbers, np.float64))
    counted = counting.count(NumericGrid(np.array([0.0])), column)
    return violations(Feature("x", Kind.NUMERIC, "float", **rule), column, counted).out_of_range


def test_values_on_the_bounds_are_inside() -> None:
    assert of_numbers([0.0, 1.0], min=0.0, max=1.0) == 0
    assert of_numbers([-0.001, 0.5, 1.001, 2.0], min=0.0, max=1.0) == 3
    assert of_numbers([-5.0, 5.0], max=1.0) == 1
    assert of_numbers([-5.0, 5.0], min=1.0) == 1


def test_nan_and_infinities_are_not_out_of_range() -> None:
    assert of_numbers([np.nan, np.inf, -np.inf, -1.0, 9.0], min=0.0, max=1.0) == 2
    assert of_numbers([np.nan, np.inf, -np.inf], min=0.0, max=1.0) == 0
    assert of_numbers([], min=0.0, max=1.0) == 0


def test_a_pattern_must_match_the_whole_text() -> None:
    feature = Feature("x", Kind.TEXT, "str", pattern=r"\d{3}")
    assert of_texts(feature, ["123", "1234", "", "abc", "abc"]).pattern == 4
    assert of_texts(feature, []).pattern == 0


def test_a_text_beyond_the_cap_is_not_searched() -> None:
    feature = Feature("x", Kind.TEXT, "str", pattern="a*")
    assert of_texts(feature, ["a" * MAX_TEXT, "a" * (MAX_TEXT + 1)]).pattern == 1


@pytest.mark.parametrize("good", ["2019-03-31", "2019-03-31T03:00:00.5Z", "2019-03-31 03:00:00+02:00"])
def test_iso_8601_texts_have_the_iso_format(good: str) -> None:
    feature = Feature("x", Kind.DATETIME, "str", format="iso8601")
    assert of_texts(feature, [good, good]).format == 0
    assert of_texts(feature, [good, "31.03.2019", "2019-13-01", "", "\ud800", ""]).format == 5


def test_another_format_is_read_by_strptime_rules() -> None:
    feature = Feature("x", Kind.DATETIME, "str", format="%d.%m.%Y")
    assert of_texts(feature, ["31.03.2019", "2019-03-31", "32.03.2019", "\ud800"]).format == 3
    assert of_texts(feature, []).format == 0


def test_a_feature_without_rules_cannot_break_one() -> None:
    assert of_texts(Feature("x", Kind.TEXT, "str"), ["anything"]) == CheckCounts()


def test_violations_add_up() -> None:
    assert CheckCounts(1, 2, 3).merge(CheckCounts(10, 20, 30)) == CheckCounts(11, 22, 33)
