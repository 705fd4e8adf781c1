from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alerts.model import Alert
from alerts.next_steps import advice, next_steps
from alerts.notice import Context, Notice
from alerts.outgoing import Reason
from tests.alerts.incidents import alert, change_alert, metric_alert, nulls, residual_alert, shares_alert
from tests.alerts.notices import HELPS, NO_HELP

ACCURACY = metric_alert("accuracy", 0.94, 0.91, 0.9, 0.92)
ROSE = change_alert("loss", 0.06, 0.11)
BROKEN = alert("age", shift="quality", check="completeness", annotations=nulls())


def advised(given: object, base: Alert = ACCURACY) -> Alert:
    return replace(base, annotations={**base.annotations, "advice": given})


def said(*firing: Alert) -> str:
    return "".join(span.text for span in advice(firing))


def test_a_challenger_that_errs_less_speaks_for_retraining() -> None:
    assert said(advised(HELPS)) == (
        "Retraining is likely to help: a model that kept learning errs on 8 % of the same 12,000 rows "
        "where production errs on 14 % (difference 4 to 8 points)"
    )


def test_a_challenger_that_may_be_no_better_does_not() -> None:
    assert said(advised(NO_HELP)).startswith("Retraining alone may not help: ")
    assert said(advised(NO_HELP)).endswith(
        "production errs on 14 %, so it is no better (difference -1 to +2 points)"
    )
    edge = NO_HELP | {"low": -0.04, "high": 0.0}
    assert said(advised(edge)).endswith("no better (difference -4 to +0 points)")


def test_a_challenger_that_errs_more_is_called_worse() -> None:
    worse = NO_HELP | {"challenger_error": 0.2, "low": 0.041, "high": 0.08}
    assert said(advised(worse)).endswith("so it is worse (difference 4.1 to 8 points)")


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        "yes",
        {},
        HELPS | {"rows": 0},
        HELPS | {"low": float("nan")},
        HELPS | {"high": None},
        HELPS | {"low": 0.1, "high": -0.1},
        {name: value for name, value in HELPS.items() if name != "challenger_error"},
    ],
)
def test_without_a_whole_comparison_nothing_is_promised(given: Any) -> None:
    assert advice([advised(given)]) == ()


def test_only_a_failing_model_is_to_be_retrained() -> None:
    better = metric_alert("accuracy", 0.91, 0.94, 0.93, 0.95, direction="better")
    assert advice([ACCURACY, advised(HELPS, alert("age")), advised(HELPS, better)]) == ()
    assert said(advised(HELPS, ROSE)) == said(advised(HELPS, residual_alert())) != ""


def test_the_comparison_on_most_rows_counts() -> None:
    assert said(advised(HELPS), advised(NO_HELP | {"rows": 20_000}, ROSE)).startswith("Retraining alone")


def hints(*firing: Alert, schema: str = "") -> list[str]:
    notice = Notice("churn", Reason.FIRST, firing, context=Context(schema=schema))
    return ["".join(span.text for span in line) for line in next_steps(notice)]


PERFORMANCE = (
    "SQL: SELECT window_start, metric, is_estimate, value, low, high, reference_value, labelled_rows, "
    "verdict FROM performance_history WHERE model = 'churn' AND window_start >= '2019-03-31' "
    "ORDER BY window_start"
)


def test_performance_is_looked_up_in_its_own_view_with_its_good_windows() -> None:
    assert hints(ACCURACY) == [
        "Look: driftd history --model churn --kind performance --since 2019-03-31",
        PERFORMANCE,
    ]


def test_a_change_of_concept_is_looked_up_by_its_detector() -> None:
    look, query = hints(ROSE, schema="driftd")
    assert look == "Look: driftd history --model churn --shift concept --since 2019-03-31"
    assert query == (
        "SQL: SELECT window_start, shift, feature, detector, effect, adjusted_p FROM driftd.drift_history "
        "WHERE model = 'churn' AND window_start >= '2019-03-31' AND verdict = 'drift' ORDER BY window_start"
    )


def test_inputs_and_performance_are_looked_up_in_both_views() -> None:
    look, drift, performance = hints(alert("age"), ACCURACY, BROKEN)
    assert look == "Look: driftd history --model churn --since 2019-03-31"
    assert "FROM drift_history" in drift
    assert performance == PERFORMANCE


def test_broken_data_alone_is_looked_up_among_the_checks() -> None:
    assert "FROM quality_history" in hints(BROKEN)[1]
    assert "FROM drift_history" in hints(BROKEN, shares_alert())[1]
