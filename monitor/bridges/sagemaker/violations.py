"""What was found in a window as `constraint_violations.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from detectors.checks import CheckName
from detectors.result import Verdict

CHECKS: Mapping[str, str] = {
    CheckName.DATA_TYPE: "data_type_check",
    CheckName.COMPLETENESS: "completeness_check",
    CheckName.MISSING_COLUMN: "missing_column_check",
    CheckName.EXTRA_COLUMN: "extra_column_check",
    CheckName.CATEGORICAL_VALUES: "categorical_values_check",
}
"""The checks that SageMaker has a word for, beside `baseline_drift_check`."""
BAD = frozenset({Verdict.FAIL, Verdict.DRIFT})


def exported(
    quality: Iterable[Mapping[str, Any]],
    drift: Iterable[Mapping[str, Any]],
    features: Iterable[str],
    extra_columns: Iterable[str],
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give the document, and what was found that SageMaker has no word for.

    The rows are those of the views `quality_history` and `drift_history` of one window. An unknown column is
    a violation though driftd only warns about it, as it is one there.
    """
    known, extra = set(features), sorted(extra_columns)
    found: dict[tuple[str, str], list[str]] = {}
    left_out = []
    for row in filter(_is_bad, quality):
        check = row["check_name"]
        if check not in CHECKS:
            left_out.append(f"{check} of {row['feature'] or 'the log'}: {_seen(row)}")
            continue
        for name in extra if check == CheckName.EXTRA_COLUMN else [row["feature"]]:
            found.setdefault((name, CHECKS[check]), []).append(_seen(row))
    for row in filter(_is_bad, drift):
        if row["feature"] in known:
            found.setdefault((row["feature"], "baseline_drift_check"), []).append(_moved(row))
        else:
            left_out.append(
                f"{row['detector']} of {row['feature'] or 'all pairs of features'}: {_moved(row)}"
            )
    violations = [
        {"feature_name": name, "constraint_check_type": check, "description": "; ".join(said)}
        for (name, check), said in found.items()
    ]
    return {"violations": violations}, tuple(left_out)


def _seen(row: Mapping[str, Any]) -> str:
    note = f" ({row['note']})" if row["note"] else ""
    return f"{row['observed']}; expected: {row['expected']}{note}"


def _is_bad(row: Mapping[str, Any]) -> bool:
    is_extra = row.get("check_name") == CheckName.EXTRA_COLUMN and row["verdict"] == Verdict.WARN
    return is_extra or row["verdict"] in BAD


def _moved(row: Mapping[str, Any]) -> str:
    effect = "" if row["effect"] is None else f"distance {row['effect']:.4g}, "
    p_value = "" if row["adjusted_p"] is None else f", adjusted p {row['adjusted_p']:.3g}"
    return f"{row['detector']}: {effect}statistic {row['statistic']:.4g}{p_value}"
