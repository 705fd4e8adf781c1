from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.result import Verdict
from monitor.clock import ManualClock
from monitor.engine import Engine
from monitor.errors import Fenced
from monitor.intake import State
from monitor.source.base import Chunk, Lost, Polled, TopicPartition
from tests.monitor.worlds import (
    HOUR_MS,
    NOW,
    START_MS,
    ListSource,
    chunk,
    log,
    new_engine,
    new_store,
    payload,
    plan,
    rows_of,
)

P0, P1 = TopicPartition("predictions", 0), TopicPartition("predictions", 1)
Results = dict[str, list[dict[str, Any]]]
VIEWS = ("drift_history", "quality_history", "window_history", "alert_history")

LOG = log(hours=7, shift_from_hour=5.0)
ODD = {
    11: b"{broken",
    37: None,
    90: b'{"id": "late", "timestamp": 1767225600000, "features": {"age": 1}}',
    200: payload("early", START_MS + int(2.5 * HOUR_MS), {"age": 33.0, "country": "DE", "owner": True}),
    301: payload("bad", START_MS + 5 * HOUR_MS, {"age": "old", "country": 3, "owner": None}),
    330: payload("nan", "2026-01-01T05:30:00Z", {"age": 1.0, "country": "XX", "owner": False}).replace(
        b"1.0", b"NaN"
    ),
}
STREAM = [ODD.get(i, row) for i, row in enumerate(LOG)]


def run_in_batches(cuts: list[int], *, restart_at: int = -1) -> Results:
    """Feed the stream over two partitions, cut anywhere; commit and close after each batch."""
    store = new_store()
    engine = new_engine(store, [P0, P1])
    edges = [0, *sorted(cuts), len(STREAM)]
    for number, (begin, end) in enumerate(pairwise(edges)):
        if number == restart_at:
            engine.take(parts(begin, min(end, begin + 40)))  # counted, never committed
            engine = new_engine(store, [P0, P1])
        engine.take(parts(begin, end))
        engine.commit()
        engine.close_windows()
    engine.close_windows(everything=True)
    return {view: rows_of(store, view) for view in VIEWS}


def parts(begin: int, end: int) -> list[Chunk]:
    """Even rows are partition 0's, odd ones partition 1's."""
    chunks = []
    for which, partition in enumerate((P0, P1)):
        rows = [(i, STREAM[i]) for i in range(begin, end) if i % 2 == which]
        if rows:
            chunks.append(chunk(partition, [value for _, value in rows], rows[0][0] // 2))
    return chunks


@pytest.fixture(scope="module")
def expected() -> Results:
    return run_in_batches([])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=12, unique=True), st.integers(-1, 5))
def test_the_same_input_gives_the_same_rows_whatever_the_batches_and_restarts(
    expected: Results, cuts: list[int], restart_at: int
) -> None:
    assert run_in_batches(cuts, restart_at=restart_at) == expected


def test_every_message_is_a_row_a_reject_a_late_row_or_a_tombstone(
    expected: Results,
) -> None:
    windows = expected["window_history"]
    counted = sum(int(str(row["rows"])) + int(str(row["late"])) for row in windows)
    rejected = sum(int(str(row["rejected"])) for row in windows)
    assert counted == len(STREAM) - 2
    assert rejected == 1
    assert sum(int(str(row["late"])) for row in windows) == 2


def test_the_shift_is_found_in_its_window_and_nowhere_before(
    expected: Results,
) -> None:
    drifted = [row for row in expected["drift_history"] if row["verdict"] == Verdict.DRIFT]
    assert {row["feature"] for row in drifted} == {"age"}
    assert min(row["window_end"] for row in drifted).hour == 6


def test_bad_values_are_quality_findings_of_their_window(
    expected: Results,
) -> None:
    failed = {
        (row["feature"], row["check_name"])
        for row in expected["quality_history"]
        if row["verdict"] in (Verdict.FAIL, Verdict.WARN) and row["window_start"].hour == 5
    }
    assert {("age", "data_type"), ("country", "data_type"), ("country", "categorical_values")} <= failed
    assert ("age", "not_finite") in failed


def pending(engine: Engine) -> tuple[int, int]:
    return len(engine.state.rejects), engine.state.rows


def test_a_zombie_is_fenced_and_writes_nothing() -> None:
    store = new_store()
    zombie = new_engine(store, [P0])
    owner = new_engine(store, [P0])
    zombie.take([chunk(P0, [*LOG[:49], b"{broken"])])
    assert pending(zombie) == (1, 49)
    owner.take([chunk(P0, LOG[:30])])
    owner.commit()
    with pytest.raises(Fenced):
        zombie.commit()
    zombie.abandon()
    zombie.claim()
    assert pending(zombie) == (0, 0)
    assert zombie.state.partitions[P0].next == 30
    zombie.take([chunk(P0, LOG[30:50], 30)])
    zombie.commit()
    zombie.close_windows(everything=True)
    assert sum(row["rows"] for row in store.view("window_history")) == 50


def test_a_partition_moves_with_its_open_windows() -> None:
    store = new_store()
    first = new_engine(store, [P0, P1])
    first.take(parts(0, 100))
    first.commit()
    first.assignment(Polled(revoked=frozenset({P1})))
    first.claim()
    second = new_engine(store, [P1])
    first.take([c for c in parts(100, 200) if c.partition == P0])
    second.take([c for c in parts(100, 200) if c.partition == P1])
    for engine in (first, second):
        engine.commit()
    finish(first)
    alone = new_store()
    engine = new_engine(alone, [P0, P1])
    engine.take(parts(0, 200))
    engine.commit()
    finish(engine)
    assert rows_of(store, "drift_history") == rows_of(alone, "drift_history")
    assert rows_of(store, "window_history") == rows_of(alone, "window_history")


def finish(engine: Engine) -> None:
    engine.close_windows(everything=True)


def test_late_rows_of_a_partition_that_goes_before_the_commit_are_counted_once() -> None:
    store = new_store()
    first = new_engine(store, [P0, P1])
    first.take(parts(0, 400))
    late = chunk(P1, [payload("late", START_MS, {"age": 40.0, "country": "DE", "owner": True})], 10_000)
    first.take([late])
    first.assignment(Polled(revoked=frozenset({P1})))
    first.claim()
    first.commit()
    second = new_engine(store, [P1])
    second.take([c for c in parts(0, 400) if c.partition == P1])
    second.take([late])
    second.commit()
    first.take([c for c in parts(0, 400) if c.partition == P0])
    first.commit()
    finish(first)
    late_in_stream = 2
    assert sum(row["late"] for row in store.view("window_history")) == late_in_stream + 1


def test_chunks_of_partitions_that_are_not_ours_change_nothing() -> None:
    engine = new_engine(new_store(), [P0])
    engine.take([chunk(P1, LOG[:10])])
    assert engine.state.rows == 0
    assert P1 not in engine.state.partitions


def test_lost_offsets_are_a_recorded_gap_and_reading_goes_on() -> None:
    store = new_store()
    engine = new_engine(store, [P0])
    engine.take([chunk(P0, LOG[:10])])
    engine.assignment(Polled(lost=(Lost(P0, 10, 25),)))
    assert engine.state.gaps[0].first_lost == 10
    engine.take([chunk(P0, LOG[25:30], 25)])
    engine.commit()
    assert store.cursors([P0]) == {P0: 30}


def test_an_idle_partition_stops_holding_windows_back_only_when_it_was_read_to_its_end() -> None:
    store = new_store()
    engine = new_engine(store, [P0, P1])
    engine.take([chunk(P0, LOG[:200])])
    engine.commit()
    assert not engine.close_windows()[0].windows
    assert isinstance(engine.source, ListSource)
    assert isinstance(engine.clock, ManualClock)
    engine.source.ends = {P0: 200, P1: 0}
    engine.clock.advance(600)
    engine.commit()
    assert engine.close_windows()[0].windows == 4


def test_nothing_is_pending_after_a_commit() -> None:
    engine = new_engine(new_store(), [P0])
    engine.take([chunk(P0, STREAM[:60])])
    engine.commit()
    state = engine.state
    assert (state.rejects, state.late, state.gaps, state.rows) == (State().rejects, {}, (), 0)
    assert all(not opened.changed for part in state.partitions.values() for opened in part.open.values())


def test_rows_for_a_window_that_others_closed_meanwhile_are_late_and_counted_once() -> None:
    store = new_store()
    first, second = new_engine(store, [P0]), new_engine(store, [P1])
    second.take([chunk(P1, LOG[:10])])
    assert isinstance(second.source, ListSource)
    second.source.ends = {P1: 10}
    assert isinstance(second.clock, ManualClock)
    second.clock.advance(600)
    second.commit()
    first.take([chunk(P0, LOG[:200])])
    assert isinstance(first.clock, ManualClock)
    first.clock.advance(600)
    first.commit()
    assert first.close_windows()[0].windows == 3
    second.take([chunk(P1, LOG[10:13], 10)])
    second.commit()
    by_start = {row["window_start"].hour: row for row in store.view("window_history")}
    assert (by_start[0]["rows"], by_start[0]["late"]) == (70, 3)
    assert not second.state.partitions[P1].open


def test_windows_wait_for_a_partition_that_nobody_has_read_yet() -> None:
    store = new_store()
    source = ListSource()
    source.existing = frozenset({P0, P1})
    first = Engine(source, store, {"loans": plan()}, ManualClock(NOW), "earliest")
    first.assignment(Polled(assigned=frozenset({P0})))
    first.claim()
    first.take([chunk(P0, LOG[:200])])
    first.commit()
    assert not first.close_windows()[0].windows
    second = new_engine(store, [P1])
    second.take([chunk(P1, LOG[:200])])
    second.commit()
    assert first.close_windows()[0].windows == 3
    assert {row["late"] for row in store.view("window_history")} == {0}


def test_a_partition_whose_process_died_is_not_idle_until_another_has_looked() -> None:
    store = new_store()
    dead, living = new_engine(store, [P1]), new_engine(store, [P0])
    assert isinstance(dead.source, ListSource)
    dead.source.ends = {P1: 0}
    dead.commit()
    living.take([chunk(P0, LOG[:200])])
    assert isinstance(living.clock, ManualClock)
    living.clock.advance(3_600)
    living.commit()
    assert not living.close_windows()[0].windows
    heir = new_engine(store, [P1])
    heir.take([chunk(P1, LOG[:200])])
    heir.commit()
    living.close_windows()
    assert [row["rows"] for row in store.view("window_history")] == [120, 120, 120]
