from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from monitor.store.base import Lease, Progress, Store
from monitor.store.types import to_datetime
from tests.monitor.store.rows import AT, HOUR, MODEL, START, challenger, finding, held, state

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_checkpoints_come_back_in_order_and_are_replaced(store: Store) -> None:
    store.register_models(["other"], AT)
    kept = (state("bias"), state("loss", "adwin"), state("loss", "ddm"), state(segment="fr"))
    with store.lock("other") as lock:
        held(lock).write_detector_states([state(model="other")])
    with store.lock(MODEL) as lock:
        assert held(lock).detector_states() == ()
        held(lock).write_detector_states(kept[::-1])
        assert held(lock).detector_states() == kept
        moved = state("loss", "ddm", until_ms=START + 2 * HOUR, rows=900, dropped=3, state=b"")
        held(lock).write_detector_states([moved])
        held(lock).write_detector_states([])
    with store.lock(MODEL) as lock:
        assert held(lock).detector_states() == (*kept[:2], moved, kept[3])


def test_the_challengers_results_come_back_and_are_replaced(store: Store) -> None:
    store.register_models(["other"], AT)
    results = tuple(challenger(hour) for hour in range(3))
    store.commit(Progress(challenger=(*results[::-1], challenger(model="other"))))
    assert store.challenger_results(MODEL, START + HOUR) == results[1:]
    assert store.challenger_results("other", START) == (challenger(model="other"),)
    again = challenger(1, rows=300, low=-0.1, abstention_share=None)
    store.commit(Progress(challenger=(again,)))
    assert store.challenger_results(MODEL, START) == (results[0], again, results[2])
    with store.lock(MODEL) as lock:
        assert held(lock).latest_challenger(2) == (results[2], again)


def test_a_lease_is_renewed_by_its_holder_and_taken_by_others_only_when_it_is_over(store: Store) -> None:
    one, other = Lease(MODEL, "one", AT + MINUTE), Lease(MODEL, "other", AT + 5 * MINUTE)
    assert store.challenger_leases() == ()
    assert store.hold_challenger(one, AT)
    assert not store.hold_challenger(other, AT + MINUTE)
    assert store.hold_challenger(replace(one, until=AT + 2 * MINUTE), AT + MINUTE)
    assert not store.hold_challenger(other, AT + 2 * MINUTE)
    assert store.hold_challenger(other, AT + 2 * MINUTE + SECOND)
    assert not store.hold_challenger(replace(one, until=AT + 9 * MINUTE), AT + 3 * MINUTE)
    assert store.hold_challenger(Lease("other", "one", AT), AT)
    assert store.challenger_leases() == (other, Lease("other", "one", AT))


def test_of_two_machines_at_most_one_gets_a_lease(store: Store) -> None:
    together = threading.Barrier(4)

    def take(name: str) -> bool:
        together.wait(10)
        return store.hold_challenger(Lease(MODEL, name, AT + MINUTE), AT)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, "abcd")) == 1


def test_results_of_a_holder_that_lost_its_lease_are_left_out(store: Store) -> None:
    store.register_models(["free"], AT)
    assert store.hold_challenger(Lease(MODEL, "other", AT + MINUTE), AT)
    store.commit(Progress(challenger=(challenger(0), challenger(0, model="free")), holder="one"))
    assert store.challenger_results(MODEL, START) == ()
    assert store.challenger_results("free", START) == (challenger(0, model="free"),)
    store.commit(Progress(challenger=(challenger(0),), holder="other"))
    assert store.challenger_results(MODEL, START) == (challenger(0),)


def test_a_window_that_two_holders_counted_into_is_told_by_the_one_that_saw_more(store: Store) -> None:
    for rows, scored, shed, stays in (
        (200, 250, 7, True),
        (199, 900, 9, False),
        (200, 249, 9, False),
        (200, 250, 9, True),
        (200, 251, 1, True),
        (201, 100, 1, True),
    ):
        told = challenger(0, rows=rows, scored_rows=scored, shed_rows=shed)
        store.commit(Progress(challenger=(told,)))
        assert (store.challenger_results(MODEL, START) == (told,)) is stays


def test_a_challenger_without_rows_has_no_figures(store: Store) -> None:
    nothing = challenger(
        rows=0, production_errors=0.0, challenger_errors=0.0, difference=math.nan, low=math.nan,
        high=math.inf, scored_rows=0, abstention_share=None,
    )  # fmt: skip
    store.commit(Progress(challenger=(nothing,)))
    (found,) = store.challenger_results(MODEL, START)
    assert math.isnan(found.difference)
    assert math.isnan(found.low)
    assert replace(found, difference=0.0, low=0.0) == replace(nothing, difference=0.0, low=0.0)
    (row,) = store.view("challenger_history")
    assert (row["production_error"], row["challenger_error"], row["difference"]) == (None, None, None)


def test_the_challengers_errors_are_shown_for_one_row(store: Store) -> None:
    store.commit(Progress(challenger=(challenger(),)))
    (row,) = store.view("challenger_history", model=MODEL, since=to_datetime(START))
    assert (row["rows"], row["production_error"], row["challenger_error"]) == (200, 0.14, 0.08)
    assert (row["difference"], row["low"], row["high"]) == (-0.06, -0.08, -0.04)
    assert (row["base"], row["rule"], row["abstention_share"]) == ("adaptive_forest", "grid", 0.4)
    assert (row["shed_rows"], row["scored_rows"]) == (7, 250)


def test_verdicts_outside_a_closing_are_written_and_replaced(store: Store) -> None:
    with store.lock(MODEL) as lock:
        held(lock).findings((finding(feature="loss", detector="adwin"),), AT)
        held(lock).findings((finding(feature="loss", detector="adwin", threshold=0.5),), AT)
    (row,) = store.view("drift_history")
    assert (row["feature"], row["detector"], row["threshold"]) == ("loss", "adwin", 0.5)
    assert store.closed_until() == {}
