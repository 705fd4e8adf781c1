from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evidence import evidence, summary
from tests.alerts.incidents import alert, changes, drift, medians, nulls


def words_of(annotations: dict[str, Any], **kwargs: str) -> str:
    return "".join(span.text for span in evidence(alert("age", annotations=annotations, **kwargs)))  # type: ignore[arg-type]


def quality(check: str, observed: str, expected: str, failed: int = 36, note: str = "") -> dict[str, Any]:
    details = {
        "check": check,
        "observed": observed,
        "expected": expected,
        "failed_rows": failed,
        "note": note,
    }
    return {"details": {"kind": "quality", "total_rows": 165, **details}}


def test_a_numeric_feature_is_told_by_its_medians() -> None:
    told = words_of(drift(medians(24_700.0, 46_100.0, 0.31), 0.31, 0.27))
    assert told == "median 24.7k → 46.1k, 31 % of rows moved (at least 27 %)"
    assert words_of(drift(medians(5.0, 5.0, 0.1), 0.1, 0.0)) == "median stays 5, 10 % of rows moved"


def test_a_categorical_feature_is_told_by_what_changed_most() -> None:
    four = changes({"60K+": (0.1, 0.012), "a": (0.2, 0.3), "b": (0.3, 0.32), "c": (0.0, 0.01)}, unseen=0.02)
    assert words_of(drift(four, 0.19, 0.11)) == (
        "60K+ 10 % → 1.2 %, a 20 % → 30 %, b 30 % → 32 %, 2 % in unknown categories; "
        "19 % of rows moved (at least 11 %)"
    )


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        (nulls(), "22.0 % null, expected at most 10.0 % (36 of 165 rows)"),
        (quality("missing_column", "in no row", "", 165), "missing, in no row (165 of 165 rows)"),
        (
            quality("data_type", "22 % other", "type int"),
            "wrong type, 22 % other, expected type int (36 of 165 rows)",
        ),
        (
            quality("completeness", "22 %", "about 10 %", note="36 null"),
            "22 % null, expected about 10 % (36 of 165 rows)",
        ),
        (
            quality("completeness", "22 %", "about 10 %", note="30 null, 6 NaN"),
            "22 % null, expected about 10 % (36 of 165 rows); 30 null, 6 NaN",
        ),
        (
            quality("constant", "one value", "values that vary", 0),
            "constant, one value, expected values that vary",
        ),
        (quality("new_check", "", "", 0), "new check"),
    ],
)
def test_a_check_is_told_by_what_it_saw_and_expected(annotations: dict[str, Any], expected: str) -> None:
    assert words_of(annotations, shift="quality") == expected


def test_a_check_of_the_whole_log_does_not_repeat_its_name() -> None:
    told = summary(
        alert(
            "",
            shift="quality",
            check="row_count",
            annotations=quality("row_count", "3 rows", "100 to 300 rows", 0),
        )
    )
    assert told == "row_count: 3 rows, expected 100 to 300 rows"


def test_without_details_the_effect_speaks() -> None:
    assert words_of({"effect": 0.31, "effect_low": 0.27}) == "31 % of rows moved (at least 27 %)"
    assert words_of({}) == "changed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["median_reference", "median_current", "share_moved", "changes", "unseen", "check", "observed"]
OPTIONAL = dict.fromkeys([*KEYS, "expected", "failed_rows", "total_rows", "note"], JSON)


@given(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["numeric", "categorical", "quality", "?"])},
        optional=OPTIONAL,
    ),
    JSON,
    JSON,
)
def test_evidence_of_any_shape_gives_a_line(details: dict[str, Any], effect: object, low: object) -> None:
    line = evidence(alert("age", annotations={"details": details, "effect": effect, "effect_low": low}))
    assert "".join(span.text for span in line).strip()
