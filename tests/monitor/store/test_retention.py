from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.model import Status
from alerts.mute import Matcher, Silence
from monitor.store.base import Alerting, Closed, Late, Progress, Reject, Store
from monitor.store.types import to_datetime
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    ONE,
    START,
    alert,
    close,
    closed,
    finding,
    later,
    notification,
    part,
    quality,
    read,
)

FAR = later(days=999)


def delete_all(store: Store, **before: object) -> int:
    arguments = {"results_before": None, "counts_before": None, **before}
    total = 0
    while gone := store.delete_older(**arguments, limit=5):  # type: ignore[arg-type]
        total += gone
    return total


def at_once(judged: Closed) -> Closed:
    """Give the window as if it had been judged the moment it ended."""
    ended = to_datetime(judged.window.end_ms) - timedelta(seconds=1)
    return replace(judged, evaluated_at=ended, window=replace(judged.window, closed_at=ended))


def test_old_windows_that_were_judged_lately_stay(store: Store) -> None:
    close(store, closed(0, findings=(finding(0),), quality=(quality(0),)))
    soon_after = to_datetime(START + 5 * HOUR)
    assert delete_all(store, results_before=soon_after, counts_before=soon_after) == 0
    assert delete_all(store, results_before=FAR, counts_before=FAR) > 0


def test_nothing_goes_without_a_time(store: Store) -> None:
    close(store, closed())
    assert store.delete_older(None, None, 100) == 0


def test_windows_before_the_time_go_with_all_their_rows(store: Store) -> None:
    for hour in range(3):
        close(store, at_once(closed(hour, findings=(finding(hour),), quality=(quality(hour),))))
    assert delete_all(store, results_before=to_datetime(START + 2 * HOUR)) == 2 * (1 + 1 + 1 + 2)
    for name in ("drift_history", "quality_history", "window_history"):
        assert [row["window_start"] for row in store.view(name)] == [to_datetime(START + 2 * HOUR)]
    with store.lock(MODEL) as lock:
        assert lock is not None
        assert lock.closed_windows(START, START + 9 * HOUR, 9) == (at_once(closed(2)).window,)


def test_counts_can_go_before_the_results(store: Store) -> None:
    close(store, at_once(closed(0)), at_once(closed(1)))
    assert delete_all(store, counts_before=to_datetime(START + HOUR)) == 2
    with store.lock(MODEL) as lock:
        assert lock is not None
        assert lock.closed_windows(START, START + 9 * HOUR, 9) == (
            replace(at_once(closed(0)).window, counts={}),
            at_once(closed(1)).window,
        )


def test_one_step_is_about_as_large_as_asked_and_leaves_no_half_window(store: Store) -> None:
    for hour in range(4):
        close(store, closed(hour, findings=tuple(finding(hour, name) for name in "abc"), counts={}))
    assert store.delete_older(FAR, None, 4) == 6
    assert {row["window_start"] for row in store.view("drift_history")} == {
        to_datetime(START + hour * HOUR) for hour in (2, 3)
    }


def test_open_windows_and_cursors_never_go(store: Store) -> None:
    store.commit(read(None, 1, part()))
    assert delete_all(store, results_before=FAR, counts_before=FAR) == 0
    assert len(store.open_windows([ONE])) == 1


def test_rejects_late_counts_and_silences_go(store: Store) -> None:
    store.commit(
        Progress(
            rejects=(Reject(ONE, 1, "", "json", "", b"", AT),),
            late=(Late(MODEL, "", START, START + HOUR, 1),),
        )
    )
    store.add_silence(Silence(None, (Matcher("model", MODEL),), AT, later(hours=1), "ann", ""))
    assert delete_all(store, results_before=AT) == 1
    assert delete_all(store, results_before=later(seconds=1)) == 1
    assert delete_all(store, results_before=later(hours=2)) == 1


def test_only_resolved_alerts_go(store: Store) -> None:
    with store.lock(MODEL) as lock:
        assert lock is not None
        lock.write(Alerting(alerts=(alert("age"), alert("plan", status=Status.RESOLVED))))
    assert delete_all(store, results_before=FAR) == 1
    assert [row["feature"] for row in store.view("alert_history")] == ["age"]


def test_what_a_service_was_last_told_stays(store: Store) -> None:
    for title in ("first", "second", "third"):
        store.enqueue(notification(title=title))
        if title != "third":
            (one,) = store.claim(["slack"], AT, 60, 1)
            store.mark_sent(one.id, AT)
    assert delete_all(store, results_before=FAR) == 1
    with store.lock(MODEL) as lock:
        assert lock is not None
        assert set(lock.sent("model=churn")) == {"slack"}
    assert [one.message.title for one in store.claim(["slack"], AT, 60, 9)] == ["third"]
