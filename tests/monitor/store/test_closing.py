from __future__ import annotations

import math
from dataclasses import replace

import pytest

from alerts.model import Status
from alerts.outgoing import Group
from monitor.store.base import Alerting, Store
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    ONE,
    OTHER,
    START,
    alert,
    clock,
    close,
    closed,
    closed_window,
    finding,
    held,
    later,
    part,
    quality,
    read,
    result,
)


def test_a_window_is_merged_from_all_parts_and_forgotten_when_closed(store: Store) -> None:
    store.commit(read(None, 10, part(rows=10), part(hour=1, rows=1)))
    store.commit(read(None, 5, part(rows=5, partition=OTHER), partition=OTHER))
    with store.lock(MODEL) as lock:
        assert held(lock).open_starts() == (START, START + HOUR)
        assert [(one.partition, one.rows, one.new_rows) for one in held(lock).open_parts(START)] == [
            (ONE, 10, 0),
            (OTHER, 5, 0),
        ]
        held(lock).close(closed())
        assert held(lock).closed_until_ms() == START + HOUR
    assert [window.start_ms for window in store.open_windows([ONE, OTHER])] == [START + HOUR]
    assert store.closed_until() == {MODEL: START + HOUR}


def test_an_exception_undoes_everything_and_frees_the_lock(store: Store) -> None:
    store.commit(read(None, 10, part()))

    def close_and_fail() -> None:
        with store.lock(MODEL) as lock:
            held(lock).close(closed(findings=(finding(),)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        close_and_fail()
    assert store.closed_until() == {}
    assert store.view("drift_history") == []
    assert len(store.open_windows([ONE])) == 1
    with store.lock(MODEL) as lock:
        assert lock is not None


def test_closed_until_never_goes_back(store: Store) -> None:
    close(store, closed(hour=3), closed(hour=1))
    assert store.closed_until() == {MODEL: START + 4 * HOUR}


def test_closed_windows_come_back_with_their_counts(store: Store) -> None:
    close(store, *(closed(hour) for hour in range(4)))
    with store.lock(MODEL) as lock:
        assert held(lock).closed_windows(START + HOUR, START + 3 * HOUR, 10) == (
            closed_window(1),
            closed_window(2),
        )
        assert held(lock).closed_windows(START, START + 9 * HOUR, 3) == tuple(map(closed_window, range(3)))
        assert held(lock).closed_windows(START + 9 * HOUR, START + 99 * HOUR, 3) == ()


def test_judging_a_window_again_replaces_its_rows(store: Store) -> None:
    close(store, closed(findings=(finding(), finding(feature="plan")), quality=(quality(),)))
    again = finding(result=result(statistic=0.5), adjusted_p=0.5)
    close(store, closed(findings=(again,), quality=(quality(observed="none"),), rows=21))
    assert [(row["feature"], row["statistic"]) for row in store.view("drift_history")] == [
        ("age", 0.5),
        ("plan", 0.25),
    ]
    assert [row["observed"] for row in store.view("quality_history")] == ["none"]
    assert [row["rows"] for row in store.view("window_history")] == [21]


def test_equal_keys_in_one_window_leave_the_last(store: Store) -> None:
    close(store, closed(findings=(finding(), finding(adjusted_p=0.5))))
    assert [row["adjusted_p"] for row in store.view("drift_history")] == [0.5]


def test_figures_that_are_not_numbers_are_null(store: Store) -> None:
    crashed = result(statistic=math.nan, p_value=None, effect=math.nan)
    odd = finding(result=crashed, details={"median": [math.nan, math.inf, 1.5], "most\x00": "\ud800"})
    close(store, closed(findings=(odd,)))
    (row,) = store.view("drift_history")
    assert (row["statistic"], row["p_value"], row["effect"]) == (None, None, None)
    assert row["details"] == {"median": [None, None, 1.5], "most\ufffd": "\ufffd"}


def test_segments_of_one_window_are_closed_apart(store: Store) -> None:
    store.commit(read(None, 10, part(segment="fr"), part(segment="it")))
    close(store, closed(segment="fr"))
    assert [window.segment for window in store.open_windows([ONE])] == ["it"]
    close(store, closed(segment="it", rows=3))
    with store.lock(MODEL) as lock:
        found = held(lock).closed_windows(START, START + HOUR, 10)
    assert [(window.segment, window.rows) for window in found] == [("fr", 20), ("it", 3)]


def test_the_clocks_of_every_partition_are_seen_under_the_lock(store: Store) -> None:
    store.commit(read(None, 1))
    clocks = (clock(), clock(OTHER, None, active_at=later(minutes=3), caught_up=True))
    progress = read(1, 2)
    store.commit(type(progress)(advances=progress.advances, clocks=clocks[::-1]))
    with store.lock(MODEL) as lock:
        assert held(lock).clocks() == clocks


def test_checks_outside_windows_are_written_under_the_lock(store: Store) -> None:
    with store.lock(MODEL) as lock:
        held(lock).quality((quality(feature="", check_name="freshness"),), AT)
    assert [row["check_name"] for row in store.view("quality_history")] == ["freshness"]


def test_alerts_come_back_as_they_were_written(store: Store) -> None:
    pending, firing = alert("plan", status=Status.PENDING), alert("age")
    with store.lock(MODEL) as lock:
        held(lock).write(Alerting(alerts=(pending, firing)))
        assert sorted(held(lock).alerts(), key=lambda one: one.alert_id) == sorted(
            (pending, firing), key=lambda one: one.alert_id
        )


def test_the_latest_incident_of_each_label_set_is_given(store: Store) -> None:
    old, new = alert(status=Status.RESOLVED), alert(hour=9)
    with store.lock(MODEL) as lock:
        held(lock).write(Alerting(alerts=(old, new)))
        assert held(lock).alerts() == (new,)
    assert [row["status"] for row in store.view("alert_history")] == ["firing", "resolved"]


def test_what_ended_before_a_pending_alert_is_given_too(store: Store) -> None:
    older, old, new = alert(status=Status.RESOLVED), alert(hour=5, status=Status.RESOLVED), alert(hour=9)
    pending = replace(new, status=Status.PENDING, fired_ms=None)
    with store.lock(MODEL) as lock:
        held(lock).write(Alerting(alerts=(older, old, pending)))
        assert held(lock).alerts() == (old, pending)


def test_forgotten_alerts_are_those_that_never_fired(store: Store) -> None:
    pending, firing = alert("plan", status=Status.PENDING), alert("age")
    with store.lock(MODEL) as lock:
        held(lock).write(Alerting(alerts=(pending, firing)))
        held(lock).write(Alerting(forgotten=(pending.alert_id, firing.alert_id)))
        assert held(lock).alerts() == (firing,)


def test_groups_are_due_when_their_time_has_come(store: Store) -> None:
    group = Group("model=churn", MODEL, later(minutes=5), None)
    with store.lock(MODEL) as lock:
        held(lock).write(Alerting(groups=(group,)))
        assert held(lock).groups() == (group,)
    assert store.models_to_flush(later(minutes=4)) == ()
    assert store.models_to_flush(later(minutes=5)) == (MODEL,)
    assert store.models_to_flush(later(minutes=1), later(minutes=4)) == (MODEL,)
    assert store.models_to_flush(later(minutes=1), later(minutes=5)) == ()


def test_an_unknown_model_cannot_be_locked(store: Store) -> None:
    with pytest.raises(ValueError, match="register_models"), store.lock("nobody"):
        pass


def test_the_lock_is_refused_while_it_is_held(store: Store) -> None:
    with store.lock(MODEL) as first, store.lock(MODEL) as second:
        assert first is not None
        assert second is None
    with store.lock(MODEL) as third:
        assert third is not None


def test_readers_work_while_the_lock_is_held(store: Store) -> None:
    with store.lock(MODEL) as lock:
        held(lock).close(closed())
        assert store.closed_until() == {}
        assert store.reference("ref") is None
