from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.evidence import evidence, summary, worst_first
from alerts.model import Alert
from tests.alerts.incidents import (
    alert,
    change_alert,
    changes,
    drift,
    medians,
    metric_alert,
    nulls,
    residual_alert,
    shares_alert,
)


def words_of(annotations: dict[str, Any], **kwargs: str) -> str:
    return "".join(span.text for span in evidence(alert("age", annotations=annotations, **kwargs)))  # type: ignore[arg-type]


def line(of: Alert) -> str:
    return "".join(span.text for span in evidence(of))


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


def test_whom_the_feature_belongs_to_is_named() -> None:
    owned = drift(medians(5.0, 5.0, 0.1), 0.1, 0.0) | {"owner": "risk team"}
    assert words_of(owned) == "median stays 5, 10 % of rows moved (owner: risk team)"
    assert words_of(owned | {"owner": None}) == "median stays 5, 10 % of rows moved"


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


def test_a_metric_is_told_with_its_interval_and_whether_labels_say_so() -> None:
    assert line(metric_alert("accuracy", 0.944, 0.915, 0.907, 0.922)) == (
        "94.4 % → 91.5 % (90.7 to 92.2 %), known from 4,800 labels (96 %)"
    )
    assert line(metric_alert("accuracy", 0.944, 0.9156, 0.907, 0.922, labelled=0)) == (
        "94.4 % → 91.6 % (90.7 to 92.2 %), estimated without labels"
    )


@pytest.mark.parametrize(
    ("metric", "figures", "expected"),
    [
        ("roc_auc", (0.9712, 0.9523, 0.947, 0.957), "0.971 → 0.952 (0.947 to 0.957)"),
        ("log_loss", (0.2, 0.31, 0.3, 0.32), "0.2 → 0.31 (0.3 to 0.32)"),
        ("mae", (12_400, 18_123, 17_600, 18_700), "12.4k → 18.1k (17.6k to 18.7k)"),
        ("r2", (0.81, -0.04, -0.06, -0.02), "0.81 → -0.04 (-0.06 to -0.02)"),
        ("precision[cat]", (0.5, 0.4, 0.3, 0.5), "50 % → 40 % (30 to 50 %)"),
        ("recall_macro", (0.9001, 0.9004, 0.9, 0.9008), "90.01 % → 90.04 % (90 to 90.1 %)"),
    ],
)
def test_a_metric_has_its_own_unit(
    metric: str, figures: tuple[float, float, float, float], expected: str
) -> None:
    assert line(metric_alert(metric, *figures)).startswith(expected)


def test_a_metric_that_is_not_the_alerts_feature_is_named() -> None:
    annotations = metric_alert("accuracy", 0.9, 0.8, 0.7, 0.85, labelled=0).annotations
    assert words_of(dict(annotations)) == "accuracy 90 % → 80 % (70 to 85 %), estimated without labels"


def test_a_metric_without_figures_still_says_whether_it_is_an_estimate() -> None:
    told = line(alert("accuracy", shift="performance", check="estimated", annotations={"effect": 0.3}))
    assert told == "changed (estimated without labels)"
    assert line(alert("accuracy", shift="performance", check="realised")) == "changed (known from labels)"


FOUND = " since 31 Mar 2019 14:00 UTC, found after 431 rows (ADWIN)"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (change_alert("loss", 0.06, 0.11), "error rate 6 % → 11 %"),
        (
            change_alert("loss", 0.5, 0.62, task="regression"),
            "the usual error exceeds 62 % of the reference's errors (before: 50 %)",
        ),
        (
            change_alert("bias", 0.5, 0.53),
            "false positives outweigh false negatives by 6 % of rows (before: even)",
        ),
        (
            change_alert("bias", 0.505, 0.48),
            "false negatives outweigh false positives by 4 % of rows (before: false positives by 1 %)",
        ),
        (
            change_alert("bias", 0.505, 0.52),
            "false positives outweigh false negatives by 4 % of rows (before: 1 %)",
        ),
        (
            change_alert("bias", 0.48, 0.5),
            "as many false positives as false negatives (before: false negatives by 4 %)",
        ),
        (change_alert("bias", 0.5, 0.6, task="regression"), "predictions lean higher than they did"),
        (change_alert("mean of score", 0.31, 0.42), "0.31 → 0.42"),
        (
            change_alert("mean of price", 0.5, 0.62, is_ranked=True),
            "the usual value exceeds 62 % of the reference's (before: 50 %)",
        ),
        (change_alert("nulls of age", 0.01, 0.08), "1 % → 8 %"),
        (change_alert("spread", 3.1, 4.2), "mean 3.1 → 4.2"),
    ],
)
def test_a_change_point_is_told_by_what_its_signal_means(change: Alert, expected: str) -> None:
    assert line(change) == expected + FOUND


def test_a_detector_without_a_known_name_is_told_as_it_is_called() -> None:
    assert line(change_alert("loss", 0.06, 0.11, detector="mine")).endswith("(mine)")


def test_an_effect_of_a_model_alert_is_no_share_of_rows_that_moved() -> None:
    assert line(alert("loss", shift="concept", annotations={"effect": 0.3})) == "changed"


@pytest.mark.parametrize(
    ("residual", "expected"),
    [
        (residual_alert(), "85 % where the inputs explain 93 % (6 to 10 points less)"),
        (residual_alert("accuracy", 0.93, 0.85), "93 % where the inputs explain 85 % (6 to 10 points more)"),
        (
            residual_alert("mae", 3.1, 2.4, low=0.5, high=0.9),
            "3.1 where the inputs explain 2.4 (0.5 to 0.9 more)",
        ),
        (residual_alert(low=-0.1, high=0.01), "85 % where the inputs explain 93 %"),
    ],
)
def test_a_residual_is_told_against_what_the_inputs_explain(residual: Alert, expected: str) -> None:
    assert line(residual) == f"{expected}: the relation of inputs and outcome changed"


def test_shares_of_labels_say_whether_labels_are_known() -> None:
    two = {"fraud": (0.02, 0.05, 0.04, 0.06), "fine": (0.98, 0.95, 0.94, 0.96)}
    assert line(shares_alert("labels", **two)) == "label fraud 2 % → 5 % (4 to 6 %), known from labels"
    assert line(shares_alert("em", **two)).endswith("(4 to 6 %), estimated without labels (EM)")
    three = {"a": (0.5, 0.4, 0.38, 0.42), "b": (0.2, 0.2, 0.19, 0.21), "c": (0.3, 0.4, 0.38, 0.42)}
    assert line(shares_alert("bbse", **three)) == (
        "label a 50 % → 40 % (38 to 42 %), c 30 % → 40 % (38 to 42 %), estimated without labels (BBSE)"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIGURES = ("value", "low", "high", "reference_value", "labelled_rows", "label_ratio", "before", "after")
TOLD = ("check", "observed", "expected", "note", "metric", "signal", "detector", "direction", "source")
COUNTS = ("changes", "unseen", "failed_rows", "total_rows", "changed_at_ms", "rows_since", "is_estimate")
OTHERS = ("median_reference", "median_current", "share_moved", "realised", "estimated")
KINDS = ["numeric", "categorical", "quality", "performance", "change_point", "residual", "shares", "?"]
SHIFTS = ["covariate", "prior", "concept", "performance", "quality", "new"]
OPTIONAL = dict.fromkeys((*FIGURES, *TOLD, *COUNTS, *OTHERS), JSON)


@given(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(KINDS)},
        optional=OPTIONAL,
    ),
    JSON,
    JSON,
    st.sampled_from(SHIFTS),
)
def test_evidence_of_any_shape_gives_a_line(
    details: dict[str, Any], effect: object, low: object, shift: str
) -> None:
    annotations = {"details": details, "effect": effect, "effect_low": low}
    assert line(alert("age", shift=shift, annotations=annotations)).strip()


def test_where_it_moved_is_told() -> None:
    annotations = drift(medians(5.0, 6.0, 0.1), 0.1, 0.0)
    assert words_of(annotations, segment="country=DE").endswith("10 % of rows moved, in country=DE")
    alone = drift(medians(5.0, 6.0, 0.1) | {"only_in": ["country=DE"]}, 0.1, 0.0)
    assert words_of(alone, segment="country=DE").endswith("moved, only in country=DE")
    assert words_of(alone).endswith("moved, only in country=DE"), "the whole's drift, explained by a segment"
    many = [f"country={i}" for i in range(5)]
    told = words_of(drift(medians(5.0, 6.0, 0.1) | {"only_in": many}, 0.1, 0.0))
    assert told.endswith("only in country=0, country=1, country=2 and 2 more")
    assert ", only in" not in words_of(drift(medians(5.0, 6.0, 0.1) | {"only_in": "?"}, 0.1, 0.0))


def quantiles(*moves: tuple[float, float, float]) -> dict[str, Any]:
    return {"quantiles": [{"q": q, "reference": before, "current": now} for q, before, now in moves]}


def test_of_a_feature_whose_median_stays_the_quantile_that_moved_most_is_told() -> None:
    tail = quantiles((0.05, 1.0, 1.0), (0.5, 5.0, 5.0), (0.75, 7.0, 7.5), (0.95, 9.0, 14.0))
    told = words_of(drift(medians(5.0, 5.0, 0.1) | tail, 0.1, 0.0))
    assert told == "median stays 5, 95th percentile 9 → 14, 10 % of rows moved"
    assert "percentile" not in words_of(drift(medians(5.0, 6.0, 0.1) | tail, 0.1, 0.0))
    odd: dict[str, Any] = {"quantiles": [{"q": "x"}, {"q": 0.5, "reference": None, "current": 1.0}]}
    assert "percentile" not in words_of(drift(medians(5.0, 5.0, 0.1) | odd, 0.1, 0.0))


def test_how_important_a_feature_is_is_told_and_orders_the_alerts() -> None:
    ranked = {"importance_rank": 2, "importance_of": 25, "matters": 0.3}
    told = words_of(drift(medians(5.0, 6.0, 0.1) | ranked, 0.1, 0.0))
    assert told == "median 5 → 6, 10 % of rows moved, no. 2 of 25 by importance"
    assert words_of(drift(changes({"a": (0.1, 0.2)}) | ranked, 0.1, 0.0)).endswith(
        "no. 2 of 25 by importance"
    )
    larger = alert("larger", annotations=drift(medians(5.0, 6.0, 0.2) | {"matters": 0.2}, 0.2, 0.0))
    weightier = alert("weightier", annotations=drift(medians(5.0, 6.0, 0.1) | ranked, 0.1, 0.0))
    assert worst_first([larger, weightier]) == (weightier, larger)
