"""Several processes on one Postgres: each store stands for one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from monitor.errors import Fenced
from monitor.source.base import TopicPartition
from monitor.store.base import Advance, Late, Progress, Store
from monitor.store.sql import open_store
from tests.monitor.store.processes import in_thread, someone_waits_for_a_lock
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    ONE,
    OTHER,
    START,
    close,
    closed,
    held,
    joined,
    later,
    learned,
    notification,
    part,
    read,
)
from tests.services.waiting import until

pytestmark = pytest.mark.integration
Pair = tuple[Store, Store]


def test_a_zombie_is_fenced_and_writes_nothing(pair: Pair) -> None:
    owner, zombie = pair
    zombie.commit(read(None, 10, part(rows=10)))
    owner.commit(read(10, 20, part(rows=20)))
    with pytest.raises(Fenced, match=r"predictions\[0\] was expected at 10, is at 20"):
        zombie.commit(read(10, 15, part(rows=15), part(hour=1, rows=1)))
    assert [(window.start_ms, window.rows) for window in owner.open_windows([ONE])] == [(START, 20)]


def test_of_many_who_move_one_cursor_exactly_one_succeeds(postgres_url: str, pair: Pair) -> None:
    pair[0].commit(read(None, 0))
    stores = [open_store(postgres_url) for _ in range(6)]
    together = threading.Barrier(len(stores))

    def move(number: int) -> int:
        together.wait(10)
        try:
            stores[number].commit(read(0, 100 + number, part(rows=number)))
        except Fenced:
            return 0
        return 1

    with ThreadPoolExecutor(len(stores)) as pool:
        won = list(pool.map(move, range(len(stores))))
    assert sum(won) == 1
    winner = won.index(1)
    assert pair[0].cursors([ONE]) == {ONE: 100 + winner}
    assert [window.rows for window in pair[0].open_windows([ONE])] == [winner]
    for store in stores:
        store.close_connections()


def test_of_many_who_begin_a_partition_exactly_one_succeeds(pair: Pair) -> None:
    together = threading.Barrier(2)

    def begin(store: Store) -> bool:
        together.wait(10)
        try:
            store.commit(read(None, 5))
        except Fenced:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(begin, pair)) == [False, True]


def test_cursors_in_opposite_order_do_not_deadlock(pair: Pair) -> None:
    partitions = [TopicPartition("t", number) for number in range(400)]
    pair[0].commit(Progress(advances=tuple(Advance(one, None, 0) for one in partitions)))
    for turn in range(5):
        orders = (partitions, partitions[::-1])
        moves = [Progress(advances=tuple(Advance(one, turn, turn + 1) for one in order)) for order in orders]
        tries = [in_thread(partial(store.commit, move)) for store, move in zip(pair, moves, strict=True)]
        failed = [type(one.exception(20)) for one in tries]
        assert sorted(kind.__name__ for kind in failed) == ["Fenced", "NoneType"]


def test_a_model_is_judged_by_one_process_at_a_time(pair: Pair) -> None:
    one, other = pair
    one.register_models(["second"], AT)
    with one.lock(MODEL) as first, other.lock(MODEL) as refused, other.lock("second") as second:
        assert first is not None
        assert refused is None
        assert second is not None
    with other.lock(MODEL) as third:
        assert third is not None


def test_a_commit_waits_for_judging_and_then_counts_its_rows_as_late(postgres_url: str, pair: Pair) -> None:
    judge, reader = pair
    reader.commit(read(None, 10, part(rows=10)))
    with judge.lock(MODEL) as lock:
        assert lock is not None
        waiting = in_thread(
            lambda: reader.commit(read(10, 14, part(rows=14, new_rows=4), part(hour=1, rows=1)))
        )
        until(someone_waits_for_a_lock(postgres_url), "the commit waits", 10)
        assert [window.rows for window in lock.open_parts(START)] == [10]
        lock.close(closed(rows=10))
    assert waiting.result(10) == {MODEL: START + HOUR}
    assert [(row["rows"], row["late"]) for row in judge.view("window_history")] == [(10, 4)]
    assert [window.start_ms for window in judge.open_windows([ONE])] == [START + HOUR]


def test_losses_that_wait_for_the_detectors_are_left_out_when_these_have_passed(
    postgres_url: str, pair: Pair
) -> None:
    judge, reader = pair
    reader.commit(Progress(learned=(learned(0),)))
    with judge.lock(MODEL) as lock:
        waiting = in_thread(lambda: reader.commit(Progress(learned=(learned(0, OTHER), learned(1)))))
        until(someone_waits_for_a_lock(postgres_url), "the commit waits", 10)
        assert held(lock).learned_parts(START) == (learned(0),)
        held(lock).close_learned([START], START + HOUR)
    waiting.result(10)
    with judge.lock(MODEL) as lock:
        assert held(lock).learned_starts() == (START + HOUR,)


def test_labels_that_wait_for_a_publication_are_seen_as_changed_after_it(
    postgres_url: str, pair: Pair
) -> None:
    judge, reader = pair
    reader.commit(Progress(joined=(joined(0),)))
    with judge.lock(MODEL) as lock:
        waiting = in_thread(lambda: reader.commit(Progress(joined=(joined(0, OTHER),))))
        until(someone_waits_for_a_lock(postgres_url), "the commit waits", 10)
        assert held(lock).joined_parts(START) == (joined(0),)
        held(lock).joined_done(START)
    waiting.result(10)
    with judge.lock(MODEL) as lock:
        assert held(lock).joined_changed(START + HOUR, 9) == (START,)
        assert held(lock).joined_parts(START) == (joined(0), joined(0, OTHER))


def test_judging_waits_for_a_commit_under_way_and_sees_its_rows(postgres_url: str, pair: Pair) -> None:
    judge, _ = pair
    with psycopg.connect(postgres_url) as commit:  # a commit that is slow after it has locked the model
        commit.execute("SELECT 1 FROM driftd.model WHERE name = %s FOR KEY SHARE", [MODEL])
        commit.execute("INSERT INTO driftd.cursor (topic, partition, next_offset) VALUES ('t', 0, 1)")

        def look() -> object:
            with judge.lock(MODEL) as lock:
                assert lock is not None
                return judge.cursors([TopicPartition("t", 0)])

        looking = in_thread(look)
        until(someone_waits_for_a_lock(postgres_url), "judging waits", 10)
        commit.commit()
        assert looking.result(10) == {TopicPartition("t", 0): 1}


def test_judging_gives_up_when_a_commit_hangs(postgres_url: str, pair: Pair) -> None:
    with psycopg.connect(postgres_url) as hanging:
        hanging.execute("SELECT 1 FROM driftd.model WHERE name = %s FOR KEY SHARE", [MODEL])
        with pair[0].lock(MODEL) as lock:
            assert lock is None


def test_late_rows_of_several_processes_are_all_counted(pair: Pair) -> None:
    close(pair[0], closed())
    late = Progress(late=(Late(MODEL, "", START, START + HOUR, 1), Late(MODEL, "", START - HOUR, START, 1)))

    def add(store: Store) -> None:
        for _ in range(15):
            store.commit(late)

    tries = [in_thread(partial(add, store)) for store in pair]
    for one in tries:
        one.result(30)
    assert [row["late"] for row in pair[0].view("window_history")] == [30, 30]


def test_two_senders_never_claim_the_same_row(pair: Pair) -> None:
    for number in range(40):
        pair[0].enqueue(notification(group_key=f"group {number}"))
    together = threading.Barrier(2)

    def drain(store: Store) -> list[int]:
        together.wait(10)
        taken: list[int] = []
        for _ in range(30):
            taken += [one.id for one in store.claim(["slack"], later(seconds=1), 60, 3)]
        return taken

    with ThreadPoolExecutor(2) as pool:
        taken = [number for one in pool.map(drain, pair) for number in one]
    assert len(taken) == len(set(taken)) == 40


def test_a_row_may_be_superseded_while_it_is_claimed(pair: Pair) -> None:
    for _ in range(15):
        pair[0].enqueue(notification())
        claiming = in_thread(lambda: pair[1].claim(["slack"], AT, 60, 9))
        pair[0].enqueue(notification(title="newer"))
        claimed = claiming.result(10)
        rest = pair[1].claim(["slack"], later(minutes=2), 60, 9)
        assert [one.message.title for one in (*claimed, *rest)][-1] == "newer"
        for one in (*claimed, *rest):
            pair[1].mark_sent(one.id, later(minutes=3))
        assert pair[1].claim(["slack"], later(days=1), 60, 9) == ()


def test_partitions_are_handed_over_with_their_open_windows(pair: Pair) -> None:
    old, new = pair
    old.commit(read(None, 10, part(rows=10)))
    old.commit(read(None, 5, part(rows=5, partition=OTHER), partition=OTHER))
    assert [window.rows for window in new.open_windows([OTHER])] == [5]
    new.commit(read(5, 9, part(rows=9, partition=OTHER), partition=OTHER))
    old.commit(read(10, 11, part(rows=11)))
    assert [window.rows for window in new.open_windows([ONE, OTHER])] == [11, 9]
