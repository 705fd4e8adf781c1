"""The documented schemas of SageMaker's files, checked key by key, and a sketch like the ones it makes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

TYPES = {"Integral", "Fractional", "String", "Unknown"}
CHECKS = {
    "data_type_check",
    "completeness_check",
    "baseline_drift_check",
    "missing_column_check",
    "extra_column_check",
    "categorical_values_check",
}
SWITCH = {"Enabled", "Disabled"}


def check_statistics(document: Mapping[str, Any]) -> None:
    """Hold a document against the chapter "Schema for Statistics"."""
    assert document.keys() == {"version", "dataset", "features"}
    assert document["dataset"].keys() == {"item_count"}
    for column in document["features"]:
        (kind,) = column.keys() - {"name", "inferred_type"}
        assert column["inferred_type"] in TYPES
        assert (kind == "string_statistics") == (column["inferred_type"] == "String")
        known = column[kind]
        assert known["common"].keys() == {"num_present", "num_missing"}
        if kind == "numerical_statistics" and known["common"]["num_present"]:
            _check_numbers(known)
        elif "distribution" in known:
            assert known.keys() == {"common", "distinct_count", "distribution"}
            assert known["distribution"].keys() == {"categorical"}
            assert all(
                each.keys() == {"value", "count"} for each in known["distribution"]["categorical"]["buckets"]
            )


def _check_numbers(known: Mapping[str, Any]) -> None:
    assert known.keys() == {"common", "mean", "sum", "std_dev", "min", "max", "distribution"}
    kll = known["distribution"]["kll"]
    assert kll.keys() == {"buckets", "sketch"}
    assert len(kll["buckets"]) == 10
    assert all(each.keys() == {"lower_bound", "upper_bound", "count"} for each in kll["buckets"])
    assert sum(each["count"] for each in kll["buckets"]) == known["common"]["num_present"]
    assert kll["sketch"].keys() == {"parameters", "data"}
    assert kll["sketch"]["parameters"].keys() == {"c", "k"}
    weight = sum(len(level) << height for height, level in enumerate(kll["sketch"]["data"]))
    assert weight == known["common"]["num_present"]


def check_constraints(document: Mapping[str, Any]) -> None:
    """Hold a document against the chapter "Schema for Constraints"."""
    assert document.keys() == {"version", "features", "monitoring_config"}
    for column in document["features"]:
        optional = {"num_constraints", "string_constraints"}
        assert column.keys() - optional == {
            "name", "inferred_type", "completeness", "monitoringConfigOverrides",
        }  # fmt: skip
        assert column["inferred_type"] in TYPES
        assert 0.0 <= column["completeness"] <= 1.0
        assert column.get("num_constraints", {}).keys() <= {"is_non_negative"}
        assert column.get("string_constraints", {}).keys() <= {"domains"}
    settings = document["monitoring_config"]
    assert settings.keys() == {
        "evaluate_constraints", "emit_metrics", "datatype_check_threshold", "domain_content_threshold",
        "distribution_constraints",
    }  # fmt: skip
    assert {settings["evaluate_constraints"], settings["emit_metrics"]} <= SWITCH
    drift = settings["distribution_constraints"]
    assert drift.keys() == {"perform_comparison", "comparison_threshold", "comparison_method"}
    assert drift["comparison_method"] in {"Simple", "Robust"}


def check_violations(document: Mapping[str, Any]) -> None:
    """Hold a document against the chapter "Schema for Violations"."""
    assert document.keys() == {"violations"}
    for each in document["violations"]:
        assert each.keys() == {"feature_name", "constraint_check_type", "description"}
        assert each["constraint_check_type"] in CHECKS
        assert all(isinstance(text, str) and text for text in each.values())


def sketch(values: np.ndarray, k: int, rng: np.random.Generator) -> list[list[float]]:
    """Make a KLL sketch (Karnin, Lang and Liberty, FOCS 2016): values of weight 1, of 2, of 4 ...

    Like SageMaker's own library it compacts one level at a time, and only when all are full together.
    """
    levels: list[list[float]] = [[]]
    for value in values.tolist():
        levels[0].append(value)
        if sum(map(len, levels)) > sum(_capacity(k, height) for height in range(len(levels))):
            height = next(at for at, level in enumerate(levels) if len(level) >= _capacity(k, at))
            even = sorted(levels[height][: len(levels[height]) // 2 * 2])
            levels[height] = levels[height][len(even) :]
            if height + 1 == len(levels):
                levels.append([])
            levels[height + 1] += even[int(rng.integers(2)) :: 2]
    return levels


def _capacity(k: int, height: int) -> int:
    return 2 * (math.ceil(k * 0.64**height / 2) + 1)
