from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from detectors.result import Verdict
from monitor.findings import PerformanceFinding
from monitor.store.base import Store
from tests.monitor.store.rows import AT, HOUR, MODEL, START, close, closed, held, later, performance


def publish(store: Store, *findings: PerformanceFinding, at: datetime = AT) -> None:
    with store.lock(MODEL) as lock:
        held(lock).performance(findings, at)


def told(store: Store, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in store.view("performance_history")]


def revised(store: Store) -> list[tuple[Any, ...]]:
    rows = store.view("performance_revisions")
    return [(row["revision"], row["value"], row["verdict"], row["evaluated_at"]) for row in rows]


def test_a_metric_is_a_row(store: Store) -> None:
    publish(store, performance())
    (row,) = store.view("performance_history")
    assert (row["metric"], row["value"], row["low"], row["high"]) == ("accuracy", 0.91, 0.9, 0.92)
    assert (row["reference_value"], row["band_low"], row["band_high"]) == (0.944, 0.936, 0.951)
    assert (row["p_value"], row["adjusted_p"]) == (1e-6, 1e-5)
    assert (row["labelled_rows"], row["label_ratio"]) == (18, 0.9)
    assert (row["is_estimate"], row["verdict"], row["direction"]) == (False, "drift", "worse")
    assert (row["revision"], row["multiple"], row["note"], row["evaluated_at"]) == (0, 1, "fine", AT)
    assert store.view("performance_revisions") == []


def test_closing_a_window_publishes_its_metrics(store: Store) -> None:
    estimate = performance(is_estimate=True, labelled_rows=0, label_ratio=None, direction="")
    close(store, replace(closed(), performance=(estimate,)))
    assert told(store, "is_estimate", "label_ratio", "direction") == [(True, None, "")]
    close(store, replace(closed(), performance=(replace(estimate, value=0.8),)))
    assert told(store, "value", "revision") == [(0.8, 1)]


def test_an_exception_under_the_lock_undoes_a_publication(store: Store) -> None:
    publish(store, performance())

    def publish_and_fail() -> None:
        with store.lock(MODEL) as lock:
            held(lock).performance((performance(value=0.5),), AT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        publish_and_fail()
    assert told(store, "value", "revision") == [(0.91, 0)]
    assert revised(store) == []


def test_what_was_published_before_stays_as_revisions(store: Store) -> None:
    publish(store, performance())
    publish(store, performance(value=0.93, verdict=Verdict.OK, labelled_rows=19), at=later(days=1))
    publish(store, performance(value=0.94, verdict=Verdict.OK, labelled_rows=20), at=later(days=2))
    assert told(store, "value", "revision", "evaluated_at") == [(0.94, 2, later(days=2))]
    assert revised(store) == [(0, 0.91, "drift", AT), (1, 0.93, "ok", later(days=1))]
    first, second = store.view("performance_revisions")
    assert (first["low"], first["high"]) == (0.9, 0.92)
    assert (first["labelled_rows"], second["labelled_rows"]) == (18, 19)
    assert first["window_end"] == store.view("performance_history")[0]["window_end"]


def test_the_same_figures_again_are_no_revision(store: Store) -> None:
    publish(store, performance(low=math.nan, high=None))
    publish(store, performance(low=math.nan, high=math.nan, labelled_rows=19, note="more"), at=later(days=1))
    assert told(store, "value", "revision", "labelled_rows", "note") == [(0.91, 0, 19, "more")]
    assert revised(store) == []


@pytest.mark.parametrize(
    "change",
    [
        {"value": 0.5},
        {"value": math.nan},
        {"low": 0.1},
        {"high": 0.95},
        {"high": None},
        {"verdict": Verdict.OK},
    ],
)
def test_every_published_figure_makes_a_revision(store: Store, change: dict[str, Any]) -> None:
    publish(store, performance())
    publish(store, performance(**change))
    assert told(store, "revision") == [(1,)]
    assert len(revised(store)) == 1


def test_a_value_where_there_was_none_is_a_revision(store: Store) -> None:
    publish(store, performance(value=math.nan, verdict=Verdict.INCONCLUSIVE))
    publish(store, performance(value=0.9))
    assert revised(store) == [(0, None, "inconclusive", AT)]


@pytest.mark.parametrize(
    "other",
    [
        performance(metric="f1"),
        performance(is_estimate=True),
        performance(multiple=2, end_ms=START + 2 * HOUR),
        performance(segment="fr"),
        performance(hour=1),
    ],
)
def test_revisions_of_one_row_leave_the_others_alone(store: Store, other: PerformanceFinding) -> None:
    publish(store, performance(), other)
    publish(store, performance(value=0.5))
    assert sorted(told(store, "value", "revision")) == [(0.5, 1), (0.91, 0)]
    publish(store, replace(other, value=0.4), performance(value=0.5))
    assert sorted(told(store, "value", "revision")) == [(0.4, 1), (0.5, 1)]
    assert [value for _, value, _, _ in revised(store)] == [0.91, 0.91]


def test_equal_keys_in_one_publication_leave_the_last(store: Store) -> None:
    publish(store, performance(), performance(value=0.5))
    assert told(store, "value", "revision") == [(0.5, 0)]
    publish(store)
    assert revised(store) == []
