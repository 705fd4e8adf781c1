from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerts.model import Status
from alerts.mute import Matcher, Silence
from monitor.store.base import Alerting, Closed, Late, Progress, Reject, Store, View
from monitor.store.types import to_datetime
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    ONE,
    START,
    alert,
    challenger,
    close,
    closed,
    finding,
    held,
    joined,
    later,
    learned,
    notification,
    part,
    performance,
    quality,
    read,
    state,
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


def hours(store: Store, *names: View) -> list[set[int]]:
    """Give the hours of which each view has rows."""
    return [
        {(row["window_start"] - to_datetime(START)) // timedelta(hours=1) for row in store.view(name)}
        for name in names
    ]


def test_what_labels_gave_goes_with_its_window(store: Store) -> None:
    for hour in range(3):
        for value in (0.9, 0.8):
            judged = at_once(closed(hour, counts={}))
            close(store, replace(judged, performance=(performance(hour, value=value),)))
    store.commit(Progress(joined=tuple(map(joined, range(3))), challenger=tuple(map(challenger, range(3)))))
    assert delete_all(store, results_before=to_datetime(START + 2 * HOUR + 1)) == 2 * 5
    names: tuple[View, ...] = ("performance_history", "performance_revisions", "challenger_history")
    assert hours(store, *names, "label_history") == [{2}, {2}, {2}, {2}]


def test_joined_windows_go_by_their_end(store: Store) -> None:
    long = joined(0, end_ms=START + 9 * HOUR, segment="long")
    store.commit(Progress(joined=(joined(0), joined(1), long)))
    assert delete_all(store, results_before=to_datetime(START + HOUR)) == 0
    assert delete_all(store, results_before=to_datetime(START + 2 * HOUR)) == 1
    assert delete_all(store, results_before=to_datetime(START + 9 * HOUR + 1)) == 2
    assert store.view("label_history") == []


def test_labels_of_old_windows_that_are_open_or_were_judged_lately_stay(store: Store) -> None:
    store.commit(read(None, 1, part(0), part(1)))
    store.commit(Progress(joined=(joined(0), joined(1)), challenger=(challenger(0),)))
    close(store, closed(0, counts={}))
    assert delete_all(store, results_before=to_datetime(START + 5 * HOUR)) == 0
    assert hours(store, "label_history", "challenger_history") == [{0, 1}, {0}]
    assert delete_all(store, results_before=FAR) == 3
    assert hours(store, "label_history", "challenger_history") == [{1}, set()]


def test_metrics_that_were_published_lately_stay(store: Store) -> None:
    with store.lock(MODEL) as lock:
        held(lock).performance((performance(),), to_datetime(START + HOUR))
        held(lock).performance((performance(value=0.5),), AT)
    assert delete_all(store, results_before=to_datetime(START + 2 * HOUR)) == 1
    assert store.view("performance_revisions") == []
    assert [row["revision"] for row in store.view("performance_history")] == [1]


def test_what_is_not_learned_yet_and_checkpoints_never_go(store: Store) -> None:
    store.commit(Progress(learned=(learned(),)))
    with store.lock(MODEL) as lock:
        held(lock).write_detector_states([state()])
    assert delete_all(store, results_before=FAR, counts_before=FAR) == 0
    with store.lock(MODEL) as lock:
        assert held(lock).learned_starts() == (START,)
        assert held(lock).detector_states() == (state(),)
