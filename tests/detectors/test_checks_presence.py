from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from detectors.columns import Column, Presence
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.profile import summarise
from detectors.quality import Expectations, QualityResult, check
from detectors.reference import Reference
from detectors.result import Verdict

Judge = Callable[..., Mapping[tuple[str, str], QualityResult]]
Make = Callable[..., Reference]
NUMBER = Feature("x", Kind.NUMERIC, "float")


def numbers(rows: int, absent: int = 0, fill: float = np.nan) -> pd.DataFrame:
    values = np.arange(rows, dtype=np.float64)
    values[:absent] = fill
    return pd.DataFrame({"x": values})


def holding(feature: Feature) -> Dictionary:
    return Dictionary({feature.name: feature})


def test_more_nulls_than_in_the_reference_fail(judge: Judge) -> None:
    found = judge(numbers(5000, 500), numbers(200, 60))["x", "completeness"]
    assert (found.verdict, found.failed_rows, found.total_rows) == (Verdict.FAIL, 60, 200)
    assert (found.expected, found.observed) == ("about 10.0 %, as in the reference", "30.0 %")
    assert found.note == "60 null"


def test_as_many_or_fewer_nulls_pass(judge: Judge) -> None:
    for absent in (0, 20, 24):
        found = judge(numbers(5000, 500), numbers(200, absent))["x", "completeness"]
        assert found.verdict is Verdict.OK


def test_a_certain_but_small_rise_passes(judge: Judge) -> None:
    found = judge(numbers(100_000, 100), numbers(50_000, 600))["x", "completeness"]
    assert found.p_value is not None
    assert found.p_value < 1e-9
    assert found.verdict is Verdict.OK
    strict = Expectations(min_effect=0.005)
    again = judge(numbers(100_000, 100), numbers(50_000, 600), expectations=strict)
    assert again["x", "completeness"].verdict is Verdict.FAIL


def test_nulls_in_spells_need_more_of_them(make_reference: Make, judge: Judge) -> None:
    is_out = (np.random.default_rng(1).random(200) < 0.1).repeat(25)
    frame = pd.DataFrame({"x": np.where(is_out, np.nan, np.arange(5000))})
    spells = make_reference(frame, times_ms=np.arange(5000) * 20, window_ms=1000)
    window = numbers(50, 25)
    assert judge(spells, window)["x", "completeness"].verdict is Verdict.OK
    assert judge(frame, window)["x", "completeness"].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("limit", "absent", "verdict"),
    [(0.0, 0, Verdict.OK), (0.0, 1, Verdict.FAIL), (0.05, 12, Verdict.OK), (0.05, 30, Verdict.FAIL)],
)
def test_a_stated_share_of_nulls_replaces_the_references(
    judge: Judge, limit: float, absent: int, verdict: Verdict
) -> None:
    stated = holding(Feature("x", Kind.NUMERIC, "float", max_null_fraction=limit))
    found = judge(numbers(1000, 500), numbers(200, absent), stated)["x", "completeness"]
    assert found.verdict is verdict
    assert found.expected == f"at most {100 * limit:g} %"


def test_one_null_breaks_a_rule_that_allows_none_in_a_window_of_one_row(judge: Judge) -> None:
    stated = holding(Feature("x", Kind.NUMERIC, "float", max_null_fraction=0.0))
    assert judge(numbers(100), numbers(1, 1), stated)["x", "completeness"].verdict is Verdict.FAIL


def test_nan_counts_as_absent_and_is_said(make_reference: Make) -> None:
    reference = make_reference(numbers(5000, 500))
    columns = {"x": Column(np.array([np.nan] * 100 + [1.0] * 100))}
    found = {str(one.check_name): one for one in check(reference, summarise(reference, columns), 0.01, 30)}
    assert found["completeness"].verdict is Verdict.FAIL
    assert found["completeness"].note == "100 NaN"
    assert found["not_finite"].verdict is Verdict.OK, "the reference lacks values too: NaN is how"


def absent_key(make: Make, frame: pd.DataFrame, feature: Feature, rows: int) -> dict[str, QualityResult]:
    reference = make(frame, holding(feature))
    codes = np.full(rows, Presence.MISSING, np.uint8)
    window = summarise(reference, {"x": Column(np.full(rows, np.nan), codes)})
    return {str(one.check_name): one for one in check(reference, window, 0.01, 30)}


def test_a_key_that_no_row_has_is_a_missing_column_and_nothing_else(make_reference: Make) -> None:
    found = absent_key(make_reference, numbers(1000, 100), NUMBER, 200)
    assert found["missing_column"].verdict is Verdict.FAIL
    assert found["missing_column"].failed_rows == 200
    assert {name for name, one in found.items() if one.verdict is not Verdict.OK} == {"missing_column"}
    assert "completeness" not in found


def test_a_column_that_is_nearly_always_absent_may_be_absent_for_a_window(make_reference: Make) -> None:
    found = absent_key(make_reference, numbers(1000, 990), NUMBER, 200)
    assert {one.verdict for one in found.values()} == {Verdict.OK}


def test_an_optional_column_may_be_missing_but_its_values_are_missed(make_reference: Make) -> None:
    optional = Feature("x", Kind.NUMERIC, "float", required=False)
    found = absent_key(make_reference, numbers(1000), optional, 200)
    assert "missing_column" not in found
    assert found["completeness"].verdict is Verdict.FAIL


def test_a_label_that_has_not_come_yet_is_not_missing(make_reference: Make) -> None:
    label = Feature("x", Kind.NUMERIC, "float", role=Role.LABEL)
    found = absent_key(make_reference, numbers(1000), label, 200)
    assert found.keys().isdisjoint({"missing_column", "completeness"})


def mistyped(make: Make, bad: int, rows: int, known_bad: int = 0) -> QualityResult:
    def frame(odd: int, total: int) -> pd.DataFrame:
        return pd.DataFrame(
            {"x": pd.Series(["?"] * odd + [float(i) for i in range(total - odd)], dtype=object)}
        )

    reference = make(frame(known_bad, 5000), holding(NUMBER))
    codes = np.array([Presence.BAD_TYPE] * bad + [Presence.PRESENT] * (rows - bad), np.uint8)
    values = np.where(codes == 0, np.arange(rows), np.nan)
    found = check(reference, summarise(reference, {"x": Column(values, codes)}), 0.01, 30)
    return {str(one.check_name): one for one in found}["data_type"]


def test_values_of_another_type_fail(make_reference: Make) -> None:
    found = mistyped(make_reference, 10, 200)
    assert (found.verdict, found.failed_rows) == (Verdict.FAIL, 10)
    assert (found.expected, found.observed) == ("type float", "5 % other")


def test_a_single_odd_value_is_a_warning(make_reference: Make) -> None:
    assert mistyped(make_reference, 1, 2000).verdict is Verdict.WARN


def test_what_the_reference_had_it_may_have(make_reference: Make) -> None:
    assert mistyped(make_reference, 2, 200, known_bad=50).verdict is Verdict.OK
    assert mistyped(make_reference, 40, 200, known_bad=50).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        ([np.inf] * 10, Verdict.FAIL),
        ([-np.inf] * 10, Verdict.FAIL),
        ([np.nan] * 10, Verdict.FAIL),
        ([1.0] * 10, Verdict.OK),
    ],
)
def test_numbers_that_are_not_finite_fail(make_reference: Make, cells: list[float], verdict: Verdict) -> None:
    reference = make_reference(numbers(5000))
    window = summarise(reference, {"x": Column(np.array([*cells, *range(190)], np.float64))})
    found = {str(one.check_name): one for one in check(reference, window, 0.01, 30)}
    assert found["not_finite"].verdict is verdict
    assert found["not_finite"].failed_rows == (0 if verdict is Verdict.OK else 10)


@pytest.mark.parametrize("stuck_on", [3.0, 77.5, -1000.0])
def test_a_number_that_does_not_move_any_more_fails(judge: Judge, stuck_on: float) -> None:
    found = judge(numbers(1000), pd.DataFrame({"x": [stuck_on] * 50}))["x", "constant"]
    assert (found.verdict, found.note) == (Verdict.FAIL, f"always {stuck_on:g}")


@pytest.mark.parametrize("stuck_on", ["a", "new"])
def test_a_category_that_does_not_move_any_more_fails(judge: Judge, stuck_on: str) -> None:
    known = pd.DataFrame({"x": ["a", "b"] * 500})
    found = judge(known, pd.DataFrame({"x": [stuck_on] * 50}))["x", "constant"]
    assert (found.verdict, found.note) == (Verdict.FAIL, f"always '{stuck_on}'")


def test_what_hardly_ever_varied_may_not_vary_for_a_while(judge: Judge) -> None:
    known = pd.DataFrame({"x": [True] + [False] * 999})
    assert judge(known, pd.DataFrame({"x": [False] * 200}))["x", "constant"].verdict is Verdict.OK


def test_what_never_varied_is_not_expected_to(judge: Judge) -> None:
    known = pd.DataFrame({"x": [5.0] * 1000})
    assert ("x", "constant") not in judge(known, pd.DataFrame({"x": [5.0] * 200}))


def test_the_weekday_is_constant_in_daily_windows_and_that_is_normal(
    make_reference: Make, judge: Judge
) -> None:
    day = np.arange(7000) // 100 % 7
    reference = make_reference(pd.DataFrame({"x": day}), times_ms=np.arange(7000) * 10, window_ms=1000)
    assert judge(reference, pd.DataFrame({"x": [3] * 100}))["x", "constant"].verdict is Verdict.OK


@pytest.mark.parametrize("cells", [[None] * 100, [np.nan] * 100])
def test_all_missing_in_the_reference_is_no_reason_to_alarm(judge: Judge, cells: list[Any]) -> None:
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=float)})
    found = judge(frame, frame)
    assert {one.verdict for one in found.values()} == {Verdict.OK}
