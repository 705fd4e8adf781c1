from __future__ import annotations

from monitor.store.base import Store
from monitor.store.types import to_datetime
from tests.monitor.store.rows import AT, HOUR, MODEL, START, experiment_result, experiment_sum, held, later


def test_sums_add_up_by_kind_measure_and_variant_and_are_replaced(store: Store) -> None:
    with store.lock(MODEL) as lock:
        held(lock).experiment_sums(tuple(experiment_sum(hour, n=10 + hour) for hour in range(4)))
        held(lock).experiment_sums((experiment_sum(1, variant="v1"), experiment_sum(1, experiment="other")))
        held(lock).experiment_sums((experiment_sum(2, n=100, total=-1.5, squares=7.0),))
        found = held(lock).experiment_totals("new trees", START + HOUR, START + 3 * HOUR)
    assert [(one.variant, one.n, one.total, one.squares) for one in found] == [
        ("v1", 100, 1_250.5, 20_000.25),
        ("v2", 11 + 100, 1_250.5 - 1.5, 20_000.25 + 7.0),
    ]


def test_results_come_back_in_the_view_and_are_replaced(store: Store) -> None:
    with store.lock(MODEL) as lock:
        held(lock).experiment_results((experiment_result(), experiment_result(1)), AT, "c0ffee")
        held(lock).experiment_results((experiment_result(conclusion="open", low=None),), later(hours=1))
    newest, first = store.view("experiment_history", model=MODEL)
    assert (newest["window_start"], newest["config_hash"]) == (to_datetime(START + HOUR), "c0ffee")
    assert (first["conclusion"], first["low"], first["evaluated_at"]) == ("open", None, later(hours=1))
    assert first["since"] == to_datetime(START)


def test_sums_of_an_experiment_that_goes_on_are_kept_and_go_after_its_end(store: Store) -> None:
    with store.lock(MODEL) as lock:
        held(lock).experiment_sums((experiment_sum(), experiment_sum(experiment="over")))
        held(lock).experiment_results((experiment_result(9),), later(days=40))
        held(lock).experiment_results((experiment_result(experiment="over"),), AT)
    while store.delete_older(later(days=30), None, 5):
        pass
    assert [row["experiment"] for row in store.view("experiment_windows")] == ["new trees"]
    assert [row["experiment"] for row in store.view("experiment_history")] == ["new trees"]
    while store.delete_older(later(days=300), None, 5):
        pass
    assert not store.view("experiment_windows")
