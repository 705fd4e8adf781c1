from __future__ import annotations

from datetime import timedelta

import pytest

from detectors.result import Verdict
from monitor.store.base import Alerting, Progress, Store, View
from monitor.store.public import PUBLIC
from monitor.store.types import to_datetime
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    OTHER,
    START,
    alert,
    close,
    closed,
    finding,
    joined,
    quality,
    reference,
)

MIDNIGHT = to_datetime(START)
PROMISED: dict[View, str] = {
    "drift_history": "model model_version segment window_start window_end shift detector feature "
    "statistic p_value adjusted_p "
    "effect effect_low effect_high threshold verdict n_reference n_current reference_id note "
    "evaluated_at",
    "quality_history": "model window_start window_end feature check_name expected observed failed_rows "
    "total_rows verdict",
    "performance_history": "model window_start window_end metric value is_estimate low high reference_value "
    "labelled_rows verdict segment model_version reference_id note evaluated_at multiple "
    "p_value adjusted_p band_low band_high label_ratio direction revision",
    "label_history": "model window_start window_end rows labelled label_ratio unusable duplicates corrected "
    "too_late unmatched",
    "challenger_history": "model window_start window_end base rule rows production_error challenger_error "
    "difference low high abstention_share shed_rows",
    "alert_history": "alert_id model shift feature severity status opened_at fired_at resolved_at summary "
    "notified",
    "window_history": "model window_start window_end rows late rejected labelled closed_at",
    "refs": "id model version rows source content_hash built_at active",
}


@pytest.mark.parametrize("name", PUBLIC)
def test_every_view_can_be_read_from_the_first_moment(store: Store, name: View) -> None:
    assert [row["model"] for row in store.view(name)] == ([MODEL] if name == "models" else [])


@pytest.mark.parametrize("name", PROMISED)
def test_promised_columns_come_first_and_in_their_order(name: View) -> None:
    promised = PROMISED[name].split()
    assert list(PUBLIC[name].columns)[: len(promised)] == promised


@pytest.mark.parametrize("name", PUBLIC)
def test_every_column_is_described(name: View) -> None:
    view = PUBLIC[name]
    assert [column.name for column in view.query.selected_columns] == list(view.columns)
    assert all(len(words) > 10 for words in view.columns.values())


def test_a_finding_is_a_row_with_aware_times(store: Store) -> None:
    close(store, closed(findings=(finding(),)))
    (row,) = store.view("drift_history")
    assert (row["window_start"], row["window_end"]) == (MIDNIGHT, MIDNIGHT + timedelta(hours=1))
    assert row["evaluated_at"] == AT
    assert row["evaluated_at"].utcoffset() == timedelta(0)
    assert (row["shift"], row["verdict"], row["detector"]) == ("covariate", "drift", "ks")
    assert (row["p_value"], row["adjusted_p"], row["threshold"]) == (1e-9, 1e-7, 0.01)
    assert (row["n_reference"], row["n_current"], row["multiple"], row["bound"]) == (1000, 20, 1, 0.001)
    assert (row["note"], row["details"]) == ("fine", {"median": [24.7, 46.1]})


def test_a_check_is_a_row(store: Store) -> None:
    close(store, closed(quality=(quality(),)))
    (row,) = store.view("quality_history")
    assert (row["check_name"], row["expected"], row["observed"]) == ("completeness", "no nulls", "3 nulls")
    assert (row["failed_rows"], row["total_rows"], row["verdict"], row["p_value"]) == (3, 20, "fail", None)


def test_rows_are_filtered_by_model_time_and_equal_columns(store: Store) -> None:
    store.register_models(["other"], AT)
    for hour in range(4):
        ok = finding(hour, "plan", verdict=Verdict.OK)
        close(store, closed(hour, findings=(finding(hour), ok, finding(hour, model="other"))))
    since, until = to_datetime(START + HOUR), to_datetime(START + 3 * HOUR)
    rows = store.view("drift_history", model=MODEL, since=since, until=until, where={"verdict": "drift"})
    assert [(row["feature"], row["window_start"]) for row in rows] == [
        ("age", to_datetime(START + 2 * HOUR)),
        ("age", since),
    ]
    oldest = store.view("drift_history", where={"feature": "plan"}, limit=1, newest_first=False)
    assert [row["window_start"] for row in oldest] == [MIDNIGHT]
    assert len(store.view("drift_history")) == 12


def test_an_unknown_column_is_named_with_the_known_ones(store: Store) -> None:
    with pytest.raises(ValueError, match=r"refs has no column 'colour'; it has id, model, version"):
        store.view("refs", where={"colour": "red"})


def test_alerts_are_shown_with_a_line_of_evidence(store: Store) -> None:

    with store.lock(MODEL) as lock:
        assert lock is not None
        lock.write(Alerting(alerts=(alert(),)))
    (row,) = store.view("alert_history", model=MODEL)
    assert (row["shift"], row["feature"], row["severity"], row["status"]) == (
        "covariate",
        "age",
        "warning",
        "firing",
    )
    assert (row["opened_at"], row["fired_at"], row["resolved_at"]) == (
        MIDNIGHT,
        to_datetime(START + HOUR),
        None,
    )
    assert "25" in row["summary"]
    assert row["annotations"]["effect"] == 0.25


def test_references_are_shown(store: Store) -> None:
    store.add_reference(reference())
    (row,) = store.view("refs", where={"active": True})
    assert (row["id"], row["rows"], row["active"], row["built_at"]) == ("ref", 1000, True, AT)


def test_labels_are_shown_beside_the_rows_of_their_window(store: Store) -> None:
    close(store, closed(rows=20), closed(1))
    store.commit(Progress(joined=(joined(labelled=8), joined(0, OTHER, labelled=7, corrected=0))))
    (row,) = store.view("label_history", model=MODEL)
    assert (row["window_start"], row["window_end"]) == (MIDNIGHT, MIDNIGHT + timedelta(hours=1))
    assert (row["rows"], row["labelled"], row["label_ratio"]) == (20, 15, 0.75)
    assert type(row["labelled"]) is int
    assert type(row["label_ratio"]) is float
    assert (row["unusable"], row["duplicates"], row["corrected"]) == (2, 4, 3)
    assert (row["too_late"], row["unmatched"], row["segment"]) == (8, 10, "")


def test_labels_of_a_window_that_is_not_judged_or_empty_have_no_ratio(store: Store) -> None:
    close(store, closed(1, rows=0))
    store.commit(Progress(joined=(joined(0), joined(1))))
    shown = [(row["rows"], row["labelled"], row["label_ratio"]) for row in store.view("label_history")]
    assert shown == [(0, 8, None), (0, 8, None)]


def test_labels_of_segments_are_shown_apart(store: Store) -> None:
    close(store, closed(segment="fr", rows=10), closed(segment="it", rows=40))
    store.commit(Progress(joined=(joined(segment="fr"), joined(segment="it"))))
    shown = [(row["segment"], row["rows"], row["label_ratio"]) for row in store.view("label_history")]
    assert shown == [("fr", 10, 0.8), ("it", 40, 0.2)]
