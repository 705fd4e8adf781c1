from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from detectors.columns import Column
from detectors.counts import CategoricalCounts, NumericCounts, count_numeric
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.grid import CategoricalGrid, NumericGrid
from detectors.kolmogorov import KolmogorovSmirnov
from detectors.reference import Reference
from monitor.bridges.sagemaker import constraints, statistics, summary, violations
from monitor.bridges.sagemaker.documents import Constraints, Statistics
from tests.monitor.bridges.sagemaker_files import (
    check_constraints,
    check_statistics,
    check_violations,
    sketch,
)
from tests.monitor.worlds import reference, training_frame

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def column(name: str, inferred: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inferred_type": inferred, "completeness": 1.0} | more


def rules(*columns: dict[str, Any], **settings: Any) -> Constraints:
    return msgspec.convert({"features": columns, "monitoring_config": settings}, Constraints)


def read(document: dict[str, Any], dictionary: Dictionary | None = None) -> Reference:
    known = msgspec.convert(json.loads(json.dumps(document)), Statistics)
    chosen = statistics.imported(known, {}).dictionary if dictionary is None else dictionary
    return statistics.reference(
        known, chosen, model="loans", version="7", source="s3", built_at=NOW, grid_size=2048,
        max_categories=1000,
    )  # fmt: skip


def numbers(
    levels: list[list[float]], present: int, low: float, high: float, counts: list[int]
) -> dict[str, Any]:
    edges = np.linspace(low, high, 11).tolist()
    buckets = [
        {"lower_bound": lower, "upper_bound": upper, "count": count}
        for lower, upper, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    known = {
        "common": {"num_present": present, "num_missing": 3},
        "min": low,
        "max": high,
        "distribution": {"kll": {"buckets": buckets, "sketch": {"data": levels}}},
    }
    return {
        "dataset": {"item_count": present + 3},
        "features": [{"name": "age", "inferred_type": "Fractional", "numerical_statistics": known}],
    }


def test_what_is_written_follows_the_documented_schemas_and_is_read_back_without_loss() -> None:
    """Where every value has its own point on the grid, nothing that the files hold is approximate."""
    known = reference()
    told = summary.exported(known.dictionary, known.grids, known.profile)
    asked = constraints.exported(known.dictionary, known.profile, 0.02)
    check_statistics(told)
    check_constraints(asked)
    roles = {"prediction": Role.PREDICTION, "score": Role.SCORE}
    dictionary = constraints.imported(msgspec.convert(asked, Constraints), roles).dictionary
    back = read(told, dictionary)
    assert (back.grids, back.profile.counts, back.rows) == (known.grids, known.profile.counts, known.rows)
    for name, feature in dictionary.features.items():
        was = known.dictionary.features[name]
        assert (feature.kind, feature.type, feature.role) == (was.kind, was.type, was.role)
        assert (feature.min, feature.categories) == (was.min, was.categories)
        assert feature.max_null_fraction == 0.0


def test_mean_sum_and_deviation_are_those_of_the_rows() -> None:
    known = reference()
    told = summary.exported(known.dictionary, known.grids, known.profile)
    age = next(each for each in told["features"] if each["name"] == "age")["numerical_statistics"]
    rows = training_frame()["age"]
    assert age["mean"] == pytest.approx(rows.mean())
    assert age["sum"] == pytest.approx(rows.sum())
    assert age["std_dev"] == pytest.approx(rows.std(ddof=0))
    assert (age["min"], age["max"]) == (rows.min(), rows.max())
    counted, edges = np.histogram(rows, 10)
    buckets = age["distribution"]["kll"]["buckets"]
    assert [each["count"] for each in buckets] == counted.tolist()
    assert [each["lower_bound"] for each in buckets] == pytest.approx(edges[:-1])
    assert [each["upper_bound"] for each in buckets] == pytest.approx(edges[1:])


def test_rules_are_read_from_constraints() -> None:
    read = constraints.imported(
        rules(
            column("age", "Integral", completeness=0.98, num_constraints={"is_non_negative": True}),
            column("plan", "String", string_constraints={"domains": ["basic", "pro"]}),
            column("note", "String"),
            column("owner", "String", string_constraints={"domains": ["True", "False"]}),
            column("odd", "Unknown"),
            domain_content_threshold=0.95,
        ),
        {"age": Role.LABEL},
    )
    assert read.dictionary.features == {
        "age": Feature("age", Kind.NUMERIC, "int", Role.LABEL, max_null_fraction=0.02, min=0.0),
        "plan": Feature(
            "plan", Kind.CATEGORICAL, "str", max_null_fraction=0.0, categories=("basic", "pro"),
            min_domain_mass=0.95,
        ),
        "note": Feature("note", Kind.TEXT, "str", max_null_fraction=0.0),
        "owner": Feature("owner", Kind.BOOLEAN, "bool", max_null_fraction=0.0),
        "odd": Feature("odd", Kind.IGNORE, "str"),
    }  # fmt: skip
    assert read.left_out == ("odd: inferred_type is Unknown, so it is not looked at: give it a kind",)


@pytest.mark.parametrize(
    "place", ["monitoringConfigOverrides", "monitoring_config_overrides", "string_constraints"]
)
def test_what_is_switched_off_for_a_column_is_no_rule_wherever_the_switch_is(place: str) -> None:
    off: dict[str, Any] = {"evaluate_constraints": "Disabled"}
    given: dict[str, Any] = {"string_constraints": {"domains": ["a"]}}
    if place == "string_constraints":
        given["string_constraints"]["monitoring_config_overrides"] = off
    else:
        given[place] = off
    read = constraints.imported(rules(column("plan", "String", **given)), {})
    assert read.dictionary.features["plan"] == Feature("plan", Kind.CATEGORICAL, "str")
    assert read.left_out == ("plan: its constraints, as evaluate_constraints is Disabled",)


def test_what_has_no_place_in_a_dictionary_is_named() -> None:
    read = constraints.imported(
        rules(
            column("age", "Integral", monitoringConfigOverrides={"distribution_constraints": {"x": 1}},
                   string_constraints={"domains": ["a"]}),
            column("plan", "String", num_constraints={"is_non_negative": True}),
            datatype_check_threshold=0.9, distribution_constraints={"comparison_threshold": 0.1},
        ),
        {},
    )  # fmt: skip
    assert [note.partition(" = ")[0].partition(",")[0] for note in read.left_out] == [
        "datatype_check_threshold",
        "distribution_constraints",
        "age: distribution_constraints",
        "age: domains",
        "plan: is_non_negative",
    ]


def test_rules_that_constraints_cannot_hold_are_named() -> None:
    dictionary = Dictionary(
        {
            "age": Feature("age", Kind.NUMERIC, "int", min=18, max=120, max_out_of_range_fraction=0.1),
            "plan": Feature(
                "plan", Kind.CATEGORICAL, "str", categories=("a",), min_domain_mass=0.5, pattern="a"
            ),
            "size": Feature(
                "size", Kind.CATEGORICAL, "str", categories=("s",), required=False, missing_values=("-",)
            ),
            "at": Feature("at", Kind.DATETIME, "str", format="iso8601"),
            "income": Feature("income", Kind.NUMERIC, "float", min=0.0, description="a word for people"),
        }
    )
    assert list(constraints.not_exported(dictionary)) == [
        "age: min = 18, max = 120, max_out_of_range_fraction",
        "plan: pattern",
        "size: missing_values, required = false, min_domain_mass = 1, as SageMaker has one for all columns",
        "at: format",
    ]


def age_of(known: Reference) -> tuple[NumericGrid, NumericCounts]:
    grid, counts = known.grids["age"], known.profile.counts["age"]
    assert isinstance(grid, NumericGrid)
    assert isinstance(counts, NumericCounts)
    return grid, counts


def categories_of(known: Reference, name: str) -> CategoricalGrid:
    grid = known.grids[name]
    assert isinstance(grid, CategoricalGrid)
    return grid


def test_a_sketch_gives_a_fine_grid_whose_error_is_that_of_the_sketch() -> None:
    rng = np.random.default_rng(3)
    values = rng.gamma(2.0, 100.0, 60_000)
    levels = sketch(values, 2048, rng)
    assert sum(len(level) << height for height, level in enumerate(levels)) == len(values)
    assert len(levels) > 3
    known = read(numbers(levels, len(values), values.min(), values.max(), [len(values), *[0] * 9]))
    grid, counts = age_of(known)
    assert (counts.n, counts.null, known.rows) == (60_000, 3, 60_003)
    assert grid.bound < 0.001
    found = KolmogorovSmirnov().compare(counts, count_numeric(grid, Column(values)), grid)
    assert found.statistic < 0.005


@pytest.mark.parametrize("levels", [[], [[0.0, 1.0]]])
def test_without_a_sketch_of_all_values_the_buckets_are_read(levels: list[list[float]]) -> None:
    known = read(numbers(levels, 100, 0.0, 10.0, [10] * 10))
    grid, counts = age_of(known)
    assert (counts.n, counts.null, grid.bound) == (100, 3, 0.1)
    same = count_numeric(grid, Column(np.repeat(np.arange(10.0), 10)))
    assert KolmogorovSmirnov().compare(counts, same, grid).statistic == 0.0


def strings(name: str, present: int, distinct: int, listed: dict[str, int] | None) -> dict[str, Any]:
    known: dict[str, Any] = {"common": {"num_present": present, "num_missing": 1}, "distinct_count": distinct}
    if listed is not None:
        buckets = [{"value": value, "count": count} for value, count in listed.items()]
        known["distribution"] = {"categorical": {"buckets": buckets}}
    return {"name": name, "inferred_type": "String", "string_statistics": known}


@pytest.mark.parametrize("distinct", [0, 9])
def test_values_that_are_not_listed_are_a_rest_and_no_unseen_categories(distinct: int) -> None:
    document = {
        "dataset": {"item_count": 11},
        "features": [
            strings("plan", 10, 2, {"b": 4, "a": 6}),
            strings("city", 10, distinct, {"X": 3}),
            strings("id", 10, 10, None),
        ],
    }
    known = read(document)
    plan, city, name = (categories_of(known, each) for each in ("plan", "city", "id"))
    assert (plan.categories, plan.is_open) == (("a", "b"), False)
    assert (city.categories, city.is_open) == (("X",), True)
    counts = known.profile.counts["city"]
    assert isinstance(counts, CategoricalCounts)
    assert (counts.known.tolist(), counts.other, counts.null) == ([3], 7, 1)
    assert known.dictionary.features["id"].kind is Kind.TEXT
    assert (name.categories, known.profile.counts["id"].n) == ((), 10)


def test_a_kind_that_the_file_cannot_fill_is_refused_by_name() -> None:
    document = numbers([], 100, 0.0, 10.0, [10] * 10)
    wanted = Dictionary({"age": Feature("age", Kind.CATEGORICAL, "int")})
    with pytest.raises(
        ValueError, match="knows 'age' as numbers, which does not go with kind = \"categorical\""
    ):
        read(document, wanted)
    more = Dictionary({"height": Feature("height", Kind.NUMERIC, "float")})
    with pytest.raises(ValueError, match="nothing is known of 'height'"):
        read(document, more)


def row(**more: Any) -> dict[str, Any]:
    base = {"feature": "age", "observed": "3 %", "expected": "none", "note": "", "verdict": "fail"}
    moved = {"detector": "ks", "statistic": 0.5, "effect": 0.5, "adjusted_p": 1e-9}
    return base | moved | more


def test_violations_are_what_failed_in_words_that_sagemaker_knows() -> None:
    quality = [
        row(check_name="completeness"),
        row(check_name="data_type", verdict="ok"),
        row(check_name="extra_column", feature="", verdict="warn"),
        row(check_name="range"),
        row(check_name="row_count", feature=""),
        row(check_name="constant", verdict="inconclusive"),
    ]
    drift = [
        row(verdict="drift"),
        row(verdict="drift", detector="psi", effect=None, adjusted_p=None),
        row(verdict="ok", feature="income"),
        row(verdict="drift", detector="correlation", feature=""),
    ]
    found, left_out = violations.exported(quality, drift, ["age", "income"], {"zip": 3, "area": 1})
    check_violations(found)
    assert [(each["feature_name"], each["constraint_check_type"]) for each in found["violations"]] == [
        ("age", "completeness_check"),
        ("area", "extra_column_check"),
        ("zip", "extra_column_check"),
        ("age", "baseline_drift_check"),
    ]
    assert found["violations"][-1]["description"] == (
        "ks: distance 0.5, statistic 0.5, adjusted p 1e-09; psi: statistic 0.5"
    )
    assert [line.partition(":")[0] for line in left_out] == [
        "range of age",
        "row_count of the log",
        "correlation of all pairs of features",
    ]
