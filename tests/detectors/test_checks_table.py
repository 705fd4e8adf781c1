from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from detectors.quality import Expectations, QualityResult
from detectors.reference import Reference
from detectors.result import Verdict
from detectors.sample import Sample

Judge = Callable[..., Mapping[tuple[str, str], QualityResult]]
Make = Callable[..., Reference]


def frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(rows, dtype=np.float64)})


def ids(numbers: Sequence[int]) -> NDArray[np.object_]:
    return np.array([f"id-{number}" for number in numbers], object)


def test_an_extra_column_warns_by_default_and_fails_on_demand(judge: Judge) -> None:
    sample = Sample.of(10, {"new": 10, "newer": 2})
    found = judge(frame(100), frame(100), sample=sample)["", "extra_column"]
    assert (found.verdict, found.failed_rows, found.total_rows) == (Verdict.WARN, 10, 10)
    assert found.note == "not in the dictionary: 'new', 'newer'"
    strict = Expectations(fail_on_extra_columns=True)
    failed = judge(frame(100), frame(100), sample=sample, expectations=strict)["", "extra_column"]
    assert failed.verdict is Verdict.FAIL


def test_no_extra_column_passes_and_no_sample_says_nothing(judge: Judge) -> None:
    assert judge(frame(100), frame(100), sample=Sample(5))["", "extra_column"].verdict is Verdict.OK
    assert ("", "extra_column") not in judge(frame(100), frame(100))
    assert ("", "schema_drift") not in judge(frame(100), frame(100))


def test_another_number_of_features_warns(judge: Judge) -> None:
    found = judge(frame(100), frame(100), sample=Sample(4, other_width=1))["", "schema_drift"]
    assert (found.verdict, found.expected) == (Verdict.WARN, "1 features")
    same = judge(frame(100), frame(100), sample=Sample(4))["", "schema_drift"]
    assert same.verdict is Verdict.OK


@pytest.mark.parametrize(("repeated", "verdict"), [(0, Verdict.OK), (1, Verdict.WARN), (100, Verdict.FAIL)])
def test_repeated_ids_warn_and_many_of_them_fail(judge: Judge, repeated: int, verdict: Verdict) -> None:
    given = ids([*range(2000 - repeated), *range(repeated)])
    found = judge(frame(100), frame(2000), ids=given)["", "uniqueness"]
    assert (found.verdict, found.failed_rows) == (verdict, repeated)


def test_ids_that_repeat_in_the_reference_may_repeat(make_reference: Make, judge: Judge) -> None:
    reference = make_reference(frame(1000), ids=ids([*range(500), *range(500)]))
    half = judge(reference, frame(200), ids=ids([*range(100), *range(100)]))["", "uniqueness"]
    assert half.verdict is Verdict.OK
    one_id = judge(reference, frame(200), ids=ids([1] * 200))["", "uniqueness"]
    assert one_id.verdict is Verdict.FAIL


def test_many_ids_are_estimated_and_the_error_is_said(judge: Judge) -> None:
    given = ids([*range(9000), *range(3000)])
    found = judge(frame(100), frame(12_000), ids=given)["", "uniqueness"]
    assert found.verdict is Verdict.FAIL
    assert abs(found.failed_rows - 3000) < 400
    assert found.note.startswith("estimated, standard error ")


def test_few_ids_are_inconclusive_and_none_say_nothing(judge: Judge) -> None:
    assert judge(frame(100), frame(9), ids=ids([1] * 9))["", "uniqueness"].verdict is Verdict.INCONCLUSIVE
    assert ("", "uniqueness") not in judge(frame(100), frame(100), ids=np.full(100, None, object))


@pytest.mark.parametrize(
    ("rows", "verdict"), [(9, Verdict.FAIL), (10, Verdict.OK), (20, Verdict.OK), (21, Verdict.FAIL)]
)
def test_configured_numbers_of_rows_are_a_rule(judge: Judge, rows: int, verdict: Verdict) -> None:
    bounds = Expectations(min_window_rows=10, max_window_rows=20)
    found = judge(frame(100), frame(rows), expectations=bounds)["", "row_count"]
    assert (found.verdict, found.expected, found.observed) == (verdict, "10 to 20 rows", f"{rows} rows")


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [(100, Verdict.OK), (60, Verdict.OK), (40, Verdict.WARN), (180, Verdict.OK), (300, Verdict.WARN)],
)
def test_otherwise_the_references_windows_say_how_many(
    make_reference: Make, judge: Judge, rows: int, verdict: Verdict
) -> None:
    reference = make_reference(frame(2000), times_ms=np.arange(2000) * 10, window_ms=1000)
    found = judge(reference, frame(rows))["", "row_count"]
    assert (found.verdict, found.expected) == (verdict, "50 to 200 rows")
    assert found.note == "the reference's 18 windows had 100 to 100 rows"


def test_half_of_very_few_rows_is_no_sign(make_reference: Make, judge: Judge) -> None:
    reference = make_reference(frame(60), times_ms=np.arange(60) * 300, window_ms=1000)
    assert judge(reference, frame(1))["", "row_count"].verdict is Verdict.OK


def test_row_counts_are_not_judged_without_something_to_compare(make_reference: Make, judge: Judge) -> None:
    timed = make_reference(frame(2000), times_ms=np.arange(2000) * 10, window_ms=1000)
    for reference, expectations in (
        (make_reference(frame(100)), None),
        (timed, Expectations(is_partial=True)),
        (timed, Expectations(window_ms=2000)),
        (make_reference(frame(400), times_ms=np.arange(400) * 10, window_ms=1000), None),
    ):
        assert ("", "row_count") not in judge(reference, frame(1), expectations=expectations)
