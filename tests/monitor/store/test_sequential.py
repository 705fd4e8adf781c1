from __future__ import annotations

import math
from dataclasses import replace

from monitor.store.base import Progress, Store
from monitor.store.types import to_datetime
from tests.monitor.store.rows import AT, HOUR, MODEL, START, challenger, finding, held, state


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
