from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from detectors.dictionary import Dictionary, Feature, Kind
from detectors.quality import QualityResult
from detectors.reference import Reference
from detectors.result import Verdict

Judge = Callable[..., Mapping[tuple[str, str], QualityResult]]
Make = Callable[..., Reference]


def holding(kind: Kind, type_name: Any, **rules: Any) -> Dictionary:
    return Dictionary({"x": Feature("x", kind, type_name, **rules)})


def frame(cells: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": cells})


def test_a_value_out_of_range_fails_and_says_what_was_seen(judge: Judge) -> None:
    stated = holding(Kind.NUMERIC, "float", min=0, max=120)
    found = judge(frame(np.arange(100.0)), frame([5.0, 130.0, -3.0]), stated)["x", "range"]
    assert (found.verdict, found.failed_rows, found.total_rows) == (Verdict.FAIL, 2, 3)
    assert (found.expected, found.observed) == ("0 <= value <= 120", "-3 to 130")


def test_values_in_range_and_new_extremes_without_a_rule_pass(judge: Judge) -> None:
    stated = holding(Kind.NUMERIC, "float", max=120)
    assert judge(frame([1.0, 2.0]), frame([120.0, -9.0]), stated)["x", "range"].verdict is Verdict.OK
    assert ("x", "range") not in judge(frame([1.0, 2.0]), frame([1e9]))


def test_a_tolerated_share_is_tolerated_until_it_is_surely_exceeded(judge: Judge) -> None:
    stated = holding(Kind.NUMERIC, "float", max=1, max_out_of_range_fraction=0.01)
    for bad, verdict in ((0, Verdict.OK), (3, Verdict.OK), (20, Verdict.FAIL)):
        window = frame([9.0] * bad + [0.5] * (200 - bad))
        found = judge(frame([0.1, 0.9]), window, stated)["x", "range"]
        assert found.verdict is verdict
    assert found.expected == "value <= 1, but for at most 1 %"
    few = judge(frame([0.1, 0.9]), frame([9.0] * 5), stated)["x", "range"]
    assert few.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("cells", [[np.nan] * 50, []])
def test_no_values_are_neither_in_nor_out_of_range(judge: Judge, cells: list[float]) -> None:
    stated = holding(Kind.NUMERIC, "float", max=1)
    assert ("x", "range") not in judge(frame([0.5]), frame(pd.Series(cells, dtype=float)), stated)


def test_a_category_outside_a_closed_set_fails_and_is_named(judge: Judge) -> None:
    found = judge(frame(["10%", "20%"] * 500), frame(["10%"] * 99 + ["50%"]))["x", "categorical_values"]
    assert (found.verdict, found.failed_rows) == (Verdict.FAIL, 1)
    assert found.expected == "one of '10%', '20%'"
    assert found.note == "not expected: '50%'"


def test_the_stated_set_counts_not_what_the_reference_happened_to_hold(judge: Judge) -> None:
    stated = holding(Kind.CATEGORICAL, "str", categories=("a", "later"))
    known = frame(["a"] * 50 + ["legacy"] * 50)
    assert judge(known, frame(["a", "later"]), stated)["x", "categorical_values"].verdict is Verdict.OK
    found = judge(known, frame(["a", "legacy"]), stated)["x", "categorical_values"]
    assert (found.verdict, found.note) == (Verdict.FAIL, "not expected: 'legacy'")


def test_a_stated_domain_mass_leaves_room_for_others(judge: Judge) -> None:
    stated = holding(Kind.CATEGORICAL, "str", categories=("a",), min_domain_mass=0.95)
    for odd, verdict in ((4, Verdict.OK), (40, Verdict.FAIL)):
        window = frame(["?"] * odd + ["a"] * (200 - odd))
        assert judge(frame(["a"] * 50), window, stated)["x", "categorical_values"].verdict is verdict


def test_a_long_tail_may_bring_categories_that_the_reference_missed(judge: Judge) -> None:
    rng = np.random.default_rng(4)
    tail = (rng.pareto(1.0, 5400) * 10).astype(int).astype(str)
    known, window = frame(tail[:5000]), frame(tail[5000:])
    passed = judge(known, window)["x", "categorical_values"]
    assert passed.failed_rows > 0
    assert passed.verdict is Verdict.OK
    broken = window["x"].where(np.arange(400) % 3 > 0, "NULL-" + window["x"])
    assert judge(known, frame(broken))["x", "categorical_values"].verdict is Verdict.FAIL


def test_a_set_with_too_many_categories_to_know_is_not_judged(make_reference: Make, judge: Judge) -> None:
    stated = holding(Kind.CATEGORICAL, "str")
    reference = make_reference(frame([f"c{i % 50}" for i in range(1000)]), stated, max_categories=20)
    found = judge(reference, frame(["never seen"] * 100))
    assert ("x", "categorical_values") not in found


def test_a_boolean_has_both_values_even_if_the_reference_had_one(judge: Judge) -> None:
    found = judge(frame([True] * 1000), frame([True, False] * 50))
    assert {one.verdict for one in found.values()} == {Verdict.OK}


def test_texts_that_do_not_match_fail(judge: Judge) -> None:
    stated = holding(Kind.TEXT, "str", pattern=r"[A-Z]{2}\d+")
    known = frame(["AB1"] * 50)
    assert judge(known, frame(["CD2"] * 5), stated)["x", "pattern"].verdict is Verdict.OK
    found = judge(known, frame(["CD2", "cd2", "CD"]), stated)["x", "pattern"]
    assert (found.verdict, found.failed_rows, found.expected) == (Verdict.FAIL, 2, r"matches [A-Z]{2}\d+")


def test_times_in_another_format_fail(judge: Judge) -> None:
    known = frame(["2019-03-31", "2019-04-01"])
    assert judge(known, frame(["2020-01-01T00:00:00Z"]))["x", "format"].verdict is Verdict.OK
    found = judge(known, frame(["2019-04-01", "01.04.2019"]))["x", "format"]
    assert (found.verdict, found.failed_rows, found.expected) == (Verdict.FAIL, 1, "format iso8601")
    assert ("x", "format") not in judge(known, frame(pd.Series([None] * 40, dtype=object)))
