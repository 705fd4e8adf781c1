from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from detectors.dictionary import Feature, Kind, Role
from detectors.dictionary_file import from_toml, to_toml
from monitor.bridges.descriptions import imported
from monitor.bridges.great_expectations import imported as read

SUITE = Path("tests/data/great_expectations/suite.json")
"""Written by Great Expectations itself: see `write_suite.py` beside it."""


def rule(name: str, column: str = "x", **arguments: Any) -> dict[str, Any]:
    return {"type": name, "kwargs": {"column": column} | arguments}


def feature(*expectations: dict[str, Any]) -> Feature:
    return read({"expectations": list(expectations)}, {}).dictionary.features["x"]


def test_a_suite_that_the_package_wrote_becomes_a_dictionary() -> None:
    found = imported(SUITE, {"score": Role.SCORE}).dictionary
    assert found.features == {
        "age": Feature(
            "age",
            Kind.NUMERIC,
            "int",
            max_null_fraction=0.01,
            min=18.0,
            max=120.0,
            max_out_of_range_fraction=0.001,
        ),
        "income": Feature("income", Kind.NUMERIC, "float", min=0.0),
        "score": Feature("score", Kind.IGNORE, "str", Role.SCORE),
        "plan": Feature("plan", Kind.CATEGORICAL, "str", categories=("basic", "pro"), min_domain_mass=0.95),
        "rating": Feature("rating", Kind.CATEGORICAL, "int", categories=("1", "2", "3")),
        "owner": Feature("owner", Kind.BOOLEAN, "bool"),
        "zip": Feature("zip", Kind.TEXT, "str", pattern="^[0-9]{4}$"),
        "phone": Feature("phone", Kind.TEXT, "str", pattern=r"[\s\S]*(?:[0-9]+)[\s\S]*"),
        "mail": Feature("mail", Kind.IGNORE, "str"),
        "at": Feature("at", Kind.DATETIME, "str", format="%Y-%m-%d"),
        "rent": Feature("rent", Kind.IGNORE, "str"),
        "row": Feature("row", Kind.IGNORE, "str"),
    }
    assert from_toml(to_toml(found)) == found


def test_what_the_dictionary_cannot_hold_of_the_suite_is_named() -> None:
    unsaid = "is not looked at, as nothing says of what kind it is: give it one"
    assert imported(SUITE, {}).left_out == (
        (
            "expect_column_distinct_values_to_be_in_set of plan: an earlier rule says otherwise about "
            "categories, min_domain_mass"
        ),
        "expect_column_values_to_be_between of score: strict_min cannot be said",
        "expect_column_values_to_be_between of rent: condition_parser, row_condition cannot be said",
        (
            "expect_column_max_to_be_between of income: driftd bounds every value, not where the largest of "
            "a window lies"
        ),
        "expect_column_values_to_match_regex of mail: mostly = 0.9: a pattern is for all values",
        "expect_column_mean_to_be_between of age: driftd has no such check",
        "expect_column_values_to_be_unique of row: driftd has no such check",
        "expect_table_row_count_to_be_between: driftd has no such check",
        "expect_column_pair_values_to_be_equal: driftd has no such check",
        *(f"{name}: {unsaid}" for name in ("score", "mail", "rent", "row")),
        "expect_column_values_to_be_between of age: its severity, warning",
    )


def test_a_suite_of_the_old_form_is_read_alike() -> None:
    old = {
        "expectation_type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "x", "mostly": 0.5},
    }
    kind = {
        "expectation_type": "expect_column_values_to_be_of_type",
        "kwargs": {"column": "x", "type_": "FLOAT"},
    }
    assert feature(old, kind) == Feature("x", Kind.NUMERIC, "float", max_null_fraction=0.5)


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("b+", ("abbc", "b", "x\nb"), ("ac", "")),
        ("^b", ("bc", "b\n"), ("ab",)),
        ("b$", ("ab",), ("ba",)),
        ("^ab$", ("ab",), ("aab", "abb")),
        ("^a|b$", ("ax", "xb"), ("xa", "bx")),
        (r"\$", ("1$2",), ("12",)),
    ],
)
def test_a_pattern_that_may_match_anywhere_is_one_that_matches_in_full(
    pattern: str, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    ours = feature(rule("expect_column_values_to_match_regex", regex=pattern)).pattern or ""
    for text in (*good, *bad):
        assert bool(re.fullmatch(ours, text)) == bool(re.search(pattern, text)) == (text in good), text


@pytest.mark.parametrize(
    ("name", "kind", "type_"),
    [
        ("int64", Kind.NUMERIC, "int"),
        ("INTEGER", Kind.NUMERIC, "int"),
        ("DoubleType", Kind.NUMERIC, "float"),
        ("DECIMAL(10, 2)", Kind.NUMERIC, "float"),
        ("bool_", Kind.BOOLEAN, "bool"),
        ("TIMESTAMP_NTZ", Kind.DATETIME, "str"),
        ("datetime64[ns]", Kind.DATETIME, "str"),
        ("VARCHAR(20)", Kind.TEXT, "str"),
        ("object", Kind.TEXT, "str"),
    ],
)
def test_types_of_pandas_spark_and_sql_are_known(name: str, kind: Kind, type_: str) -> None:
    found = feature(rule("expect_column_values_to_be_of_type", type_=name))
    assert (found.kind, found.type) == (kind, type_)


@pytest.mark.parametrize(
    ("expectations", "said"),
    [
        ([rule("expect_column_values_to_be_between", min_value="2020-01-01")], "its bounds are no numbers"),
        (
            [rule("expect_column_values_to_be_of_type", type_="geometry")],
            "geometry is no type that driftd knows",
        ),
        ([rule("expect_column_values_to_be_in_set", value_set=[None])], "its values are no texts, numbers"),
        (
            [
                rule("expect_column_values_to_be_in_set", value_set=["a"]),
                rule("expect_column_values_to_be_between", min_value=1),
            ],
            "the column is categorical",
        ),
        (
            [
                rule("expect_column_values_to_be_of_type", type_="int"),
                rule("expect_column_values_to_match_regex", regex="a"),
            ],
            "the column is numeric",
        ),
        (
            [
                rule("expect_column_values_to_be_between", min_value=1),
                rule("expect_column_min_to_be_between", min_value=2),
            ],
            "an earlier rule says otherwise about min",
        ),
        (
            [
                rule("expect_column_max_to_be_between", max_value=2, mostly=1),
                rule("expect_column_min_to_be_between", max_value=2),
            ],
            "not where the smallest of a window lies",
        ),
    ],
)
def test_a_rule_that_does_not_fit_its_column_is_named(expectations: list[dict[str, Any]], said: str) -> None:
    left_out = read({"expectations": expectations}, {}).left_out
    assert any(said in line for line in left_out), left_out


@pytest.mark.parametrize(
    ("expectations", "said"),
    [
        (["expect"], "is no expectation: it needs a type and kwargs"),
        ([{"type": "expect_column_to_exist", "kwargs": 3}], "is no expectation"),
        ([rule("expect_column_values_to_match_regex", regex="(")], "is no regular expression"),
        (
            [rule("expect_column_values_to_be_between", min_value=3, max_value=1)],
            "x: min = 3.0 is above max = 1.0",
        ),
        ([rule("expect_column_values_to_not_be_null", mostly=7)], "x: max_null_fraction = -6.0 is no share"),
    ],
)
def test_a_suite_that_makes_no_sense_is_refused_with_the_reason(expectations: list[Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        read({"expectations": expectations}, {})
