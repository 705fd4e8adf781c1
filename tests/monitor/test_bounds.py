"""Memory stays under its limits, and the results are the same as without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detectors.profile import Profile
from detectors.profile_size import bounds, size_bytes
from monitor.clock import ManualClock
from monitor.engine import Engine
from monitor.opened import MIXED
from monitor.plan import ModelPlan
from monitor.references import stored
from monitor.room import Room, held_bytes
from monitor.source.base import Chunk, Lost, Polled, TopicPartition
from monitor.store.base import Store
from monitor.telling import Speaking
from tests.monitor.worlds import (
    NOW,
    START_MS,
    ListSource,
    chunk,
    log,
    new_engine,
    new_store,
    payload,
    plan,
    reference,
    rows_of,
)

P0, P1 = TopicPartition("predictions", 0), TopicPartition("predictions", 1)
VIEWS = ("drift_history", "quality_history", "window_history", "alert_history")
WINDOW_BYTES = bounds(reference()).of(1, 60)
HOURS = 60
LOG = log(hours=HOURS, per_hour=30, shift_from_hour=50.0)
EVEN, ODD = LOG[0::2], LOG[1::2]
Results = dict[str, list[dict[str, Any]]]


def results(store: Store) -> Results:
    return {view: rows_of(store, view) for view in VIEWS}


def engine_with(
    store: Store, room: Room, *partitions: TopicPartition, plans: Mapping[str, ModelPlan] | None = None
) -> Engine:
    engine = Engine(
        ListSource(), store, plans or {"loans": plan()}, ManualClock(NOW), "earliest", Speaking(), room=room
    )
    engine.assignment(Polled(assigned=frozenset(partitions)))
    engine.claim()
    return engine


def read(engine: Engine, *chunks: Chunk, most_bytes: float = float("inf")) -> int:
    """Take in, as the service does, committing whenever there is no room; give how often there was none."""
    times = 0
    engine.take(chunks)
    while engine.is_full:
        assert held_bytes(engine.state) <= most_bytes
        engine.commit()
        engine.take(())
        times += 1
    assert held_bytes(engine.state) <= most_bytes
    engine.commit()
    return times


@pytest.fixture(scope="module")
def even() -> Results:
    """What two partitions give that are read side by side, with room for everything."""
    store = new_store()
    engine = new_engine(store, [P0, P1])
    for first in range(0, len(EVEN), 90):
        read(engine, chunk(P0, EVEN[first : first + 90], first), chunk(P1, ODD[first : first + 90], first))
        engine.close_windows()
    engine.close_windows(everything=True)
    return results(store)


def test_a_partition_that_is_far_ahead_holds_no_more_windows_than_may_still_get_rows(even: Results) -> None:
    store = new_store()
    engine = new_engine(store, [P0, P1])
    for first in range(0, len(EVEN), 90):
        read(engine, chunk(P0, EVEN[first : first + 90], first))
        assert len(engine.state.partitions[P0].open) <= 2
        assert not any(report.windows for report in engine.close_windows())
    assert len(store.open_windows([P0])) == HOURS
    for first in range(0, len(ODD), 90):
        read(engine, chunk(P1, ODD[first : first + 90], first))
        engine.close_windows()
    engine.close_windows(everything=True)
    assert results(store) == even


@pytest.mark.parametrize("windows", [0.5, 3, 10])
def test_a_batch_that_spans_more_windows_than_there_is_room_for_is_counted_in_parts(
    even: Results, windows: float
) -> None:
    store = new_store()
    room = Room(window_bytes=round(windows * WINDOW_BYTES))
    engine = engine_with(store, room, P0, P1)
    most_bytes = max(room.window_bytes, WINDOW_BYTES) * 1.1
    assert read(engine, chunk(P0, EVEN), most_bytes=most_bytes) >= 1
    read(engine, chunk(P1, ODD), most_bytes=most_bytes)
    engine.close_windows(everything=True)
    assert results(store) == even


def test_windows_that_fill_at_once_and_have_no_room_are_read_back_and_counted_on(even: Results) -> None:
    store = new_store()
    room = Room(window_bytes=3 * bounds(reference()).empty_bytes)
    engine = engine_with(store, room, P0, P1)
    for first in range(0, len(EVEN), 20):
        read(engine, chunk(P0, EVEN[first : first + 20], first), chunk(P1, ODD[first : first + 20], first))
        assert held_bytes(engine.state) <= room.window_bytes / 2
        engine.close_windows()
    assert engine.reloaded > HOURS
    engine.close_windows(everything=True)
    assert results(store) == even


def test_a_crash_between_parts_of_a_batch_loses_and_repeats_nothing(even: Results) -> None:
    store = new_store()
    room = Room(window_bytes=3 * WINDOW_BYTES)
    for _ in range(200):
        engine = engine_with(store, room, P0, P1)
        nexts = {tp: part.next for tp, part in engine.state.partitions.items()}
        engine.take([chunk(P0, EVEN[nexts[P0] :], nexts[P0])] if nexts[P0] < len(EVEN) else [])
        engine.take([chunk(P1, ODD[nexts[P1] :], nexts[P1])] if nexts[P1] < len(ODD) else [])
        engine.commit()  # and what waits is lost with the process
        if not engine.is_full:
            break
    engine.close_windows(everything=True)
    assert results(store) == even


def test_what_waits_is_forgotten_with_everything_else_that_was_not_committed() -> None:
    engine = engine_with(new_store(), Room(window_bytes=2 * WINDOW_BYTES), P0, P1)
    taken = engine.take([chunk(P0, EVEN)])
    assert 0 < taken < len(EVEN)
    engine.assignment(Polled(revoked=frozenset({P1})))
    assert not engine.is_full
    engine.claim()
    assert isinstance(engine.source, ListSource)
    assert engine.source.sought[P0] == engine.state.partitions[P0].next == 0


def test_rejects_make_the_engine_full_and_all_of_them_are_kept() -> None:
    store = new_store()
    engine = engine_with(store, Room(rejects=50), P0)
    poison: Sequence[bytes] = [b"{broken"] * 30
    times = read(engine, *(chunk(P0, poison, first) for first in range(0, 300, 30)))
    assert times == 5
    assert len(store.view("rejects")) == 300


def test_a_reject_alone_does_not_take_a_windows_reference_from_it() -> None:
    store = new_store()
    store.add_reference(stored(reference(), active=True))
    first = new_engine(store, [P0])
    read(first, chunk(P0, LOG[:10]))
    changed = new_engine(store, [P0], {"loans": plan(seed=2)})
    read(changed, chunk(P0, [b"{broken"], 10))
    (window,) = store.open_windows([P0])
    assert (window.reference_id, window.rows, window.rejected) == (reference().id, 10, 1)
    read(changed, chunk(P0, LOG[10:20], 11))
    (window,) = store.open_windows([P0])
    assert (window.reference_id, window.rows, window.profile) == (MIXED, 20, b"")


def test_references_that_no_model_uses_any_more_are_let_go_of() -> None:
    engine = new_engine(new_store(), [P0])
    for seed in range(2, 6):
        engine.replace_plans({"loans": plan(seed=seed)}, Speaking())
    assert set(engine._references.by_id) == {reference(5).id}


def test_no_profile_takes_more_than_its_bounds_say() -> None:
    rng = np.random.default_rng(4)
    made = bounds(reference())
    engine = new_engine(new_store(), [P0])
    values = [
        payload(
            f"{i}",
            START_MS + i,
            {"age": rng.normal(), "country": str(i) + "\U0001f600" * 300, "owner": True},
        )
        for i in range(6_000)
    ]
    for rows in (1, 50, 6_000):
        engine.abandon()
        engine.claim()
        engine.take([chunk(P0, values[:rows])])
        (opened,) = engine.state.partitions[P0].open.values()
        assert opened.profile is not None
        size = size_bytes(opened.profile)
        assert made.empty_bytes == size_bytes(Profile.empty(reference())) < size <= made.of(1, rows)
    assert size > 0.5 * made.most_bytes


def test_what_waits_is_read_again_when_a_claim_goes_back_to_where_counting_stands() -> None:
    engine = engine_with(new_store(), Room(window_bytes=2 * WINDOW_BYTES), P0)
    engine.take([chunk(P0, EVEN)])
    engine.assignment(Polled(assigned=frozenset({P1})))
    engine.claim()
    assert isinstance(engine.source, ListSource)
    stands = engine.state.partitions[P0].next
    assert engine.source.sought[P0] == stands < len(EVEN)
    assert read(engine, chunk(P0, EVEN[stands:], stands)) >= 1
    assert sum(window.rows for window in engine.store.open_windows([P0])) == len(EVEN)


def test_a_loss_that_is_told_while_something_waits_is_told_again_in_its_turn() -> None:
    store = new_store()
    engine = engine_with(store, Room(window_bytes=2 * WINDOW_BYTES), P0)
    engine.take([chunk(P0, EVEN)])
    loss = Polled(lost=(Lost(P0, len(EVEN), len(EVEN) + 50),))
    engine.assignment(loss)
    assert not engine.is_full
    engine.claim()
    read(engine, chunk(P0, EVEN))
    engine.assignment(loss)
    engine.commit()
    assert store.cursors([P0]) == {P0: len(EVEN) + 50}
    assert sum(window.rows for window in store.open_windows([P0])) == len(EVEN)


def test_rejects_of_many_models_on_one_topic_are_taken_in_parts() -> None:
    store = new_store()
    names = [f"model-{number}" for number in range(8)]
    store.register_models(names, NOW)
    plans = {name: replace(plan(), name=name) for name in names}
    engine = engine_with(store, Room(rejects=40), P0, plans=plans)
    poison = [payload(f"{i}", "no time", {"age": 1.0}) for i in range(60)]
    engine.take([chunk(P0, poison)])
    assert 0 < len(engine.state.rejects) <= 40 + 40
    while engine.is_full:
        engine.commit()
        engine.take(())
        assert len(engine.state.rejects) <= 40 + 40
    engine.commit()
    assert store.cursors([P0]) == {P0: 60}
