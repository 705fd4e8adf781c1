from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.errors import Fenced
from monitor.source.base import TopicPartition
from monitor.store.base import Advance, Gap, Late, Progress, Reject, Store
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    ONE,
    OTHER,
    START,
    clock,
    close,
    closed,
    later,
    part,
    read,
)


def test_what_was_committed_is_loaded_again(store: Store) -> None:
    window = part(rows=7, rejected=2, profile=bytes(range(256)) * 300, new_rows=0)
    seen = clock(max_event_ms=START + 17, caught_up=True)
    closed_until = store.commit(
        Progress(advances=(Advance(ONE, None, 12, 40),), clocks=(seen,), windows=(window,))
    )
    assert closed_until == {}
    assert store.cursors([ONE, OTHER]) == {ONE: 12}
    assert store.partition_clocks([ONE]) == (seen,)
    assert store.open_windows([ONE]) == (window,)
    assert store.open_windows([OTHER]) == ()


def test_no_partitions_have_no_state(store: Store) -> None:
    store.commit(read(None, 1, part()))
    assert store.cursors([]) == {}
    assert store.open_windows([]) == ()
    assert store.partition_clocks([]) == ()


def test_an_open_window_is_replaced_whole(store: Store) -> None:
    store.commit(read(None, 10, part(rows=10)))
    store.commit(read(10, 15, part(rows=15, new_rows=5, profile=b"more")))
    (window,) = store.open_windows([ONE])
    assert (window.rows, window.new_rows, window.profile) == (15, 0, b"more")


def test_many_partitions_move_in_one_commit(store: Store) -> None:
    partitions = [TopicPartition("t", number) for number in range(50)]
    store.commit(Progress(advances=tuple(Advance(one, None, 1) for one in partitions)))
    store.commit(Progress(advances=tuple(Advance(one, 1, 2 + one.partition) for one in partitions)))
    assert store.cursors(partitions) == {one: 2 + one.partition for one in partitions}


@pytest.mark.parametrize("expected", [None, 4, 11])
def test_a_cursor_that_is_elsewhere_fences_and_nothing_is_written(store: Store, expected: int | None) -> None:
    store.commit(read(None, 10, part(rows=10)))
    progress = replace(
        read(expected, 20, part(rows=99)),
        advances=(Advance(OTHER, None, 3), Advance(ONE, expected, 20)),
        clocks=(clock(),),
        late=(Late(MODEL, "", START, START + HOUR, 3),),
        rejects=(Reject(ONE, 1, "", "json", "", b"", AT),),
    )
    with pytest.raises(Fenced, match=r"predictions\[0\] was expected at .* is at 10"):
        store.commit(progress)
    assert store.cursors([ONE, OTHER]) == {ONE: 10}
    assert [window.rows for window in store.open_windows([ONE])] == [10]
    assert store.partition_clocks([ONE]) == ()
    assert store.view("rejects") == []


def test_a_cursor_that_was_never_set_cannot_be_moved(store: Store) -> None:
    with pytest.raises(Fenced, match="was expected at 5, is at None"):
        store.commit(read(5, 6))


def test_an_advance_that_does_not_move_still_fences(store: Store) -> None:
    store.commit(read(None, 10))
    store.commit(Progress(advances=(Advance(ONE, 10, 10),), clocks=(clock(),)))
    with pytest.raises(Fenced):
        store.commit(Progress(advances=(Advance(ONE, 9, 9),), clocks=(clock(max_event_ms=None),)))
    assert store.partition_clocks([ONE]) == (clock(),)


def test_the_log_end_is_kept_until_another_is_heard(store: Store) -> None:
    store.commit(Progress(advances=(Advance(ONE, None, 1, 100),)))
    store.commit(Progress(advances=(Advance(ONE, 1, 2, None),)))
    assert [row["log_end"] for row in store.progress_rows()] == [100]


def test_rows_for_a_closed_window_are_counted_late_there(store: Store) -> None:
    store.commit(read(None, 10, part(rows=10)))
    close(store, closed())
    told = store.commit(read(10, 15, part(rows=15, new_rows=5), part(hour=1, rows=3)))
    assert told == {MODEL: START + HOUR}
    assert [window.start_ms for window in store.open_windows([ONE])] == [START + HOUR]
    store.commit(
        Progress(late=(Late(MODEL, "", START, START + HOUR, 2), Late(MODEL, "", START, START + HOUR, 1)))
    )
    assert [row["late"] for row in store.view("window_history")] == [8]


def test_late_rows_wait_for_their_window_to_close(store: Store) -> None:
    late = Late(MODEL, "", START, START + HOUR, 2)
    store.commit(Progress(late=(late, late)))
    store.commit(Progress(late=(late,)))
    assert store.view("window_history") == []
    with store.lock(MODEL) as lock:
        assert lock is not None
        assert lock.late_rows(START) == 6
        assert lock.late_rows(START + HOUR) == 0
        lock.close(closed(late=lock.late_rows(START)))
    with store.lock(MODEL) as lock:
        assert lock is not None
        assert lock.late_rows(START) == 0
    assert [row["late"] for row in store.view("window_history")] == [6]


def test_late_rows_of_a_window_that_was_passed_over_empty_are_shown(store: Store) -> None:
    close(store, closed(hour=1))
    store.commit(Progress(late=(Late(MODEL, "", START, START + HOUR, 4),)))
    shown = [(row["rows"], row["late"], row["closed_at"]) for row in store.view("window_history")]
    assert shown == [(20, 0, AT), (0, 4, None)]


def test_a_reject_is_noted_once_with_the_beginning_of_its_message(store: Store) -> None:
    reject = Reject(ONE, 5, MODEL, "json", "at byte 3", b"x" * 5000, AT)
    store.commit(Progress(rejects=(reject, replace(reject, detail="again"))))
    store.commit(Progress(rejects=(replace(reject, detail="once more"), replace(reject, model="other"))))
    rows = store.view("rejects", where={"model": MODEL})
    assert [(row["detail"], len(row["sample"]), row["at"]) for row in rows] == [("at byte 3", 1024, AT)]
    assert len(store.view("rejects")) == 2


def test_text_that_databases_refuse_is_stored_with_a_mark(store: Store) -> None:
    odd = Reject(ONE, 5, MODEL, "a\x00b", "\ud800 and \U0001f600", b"\x00", AT)
    store.commit(Progress(rejects=(odd,)))
    (row,) = store.view("rejects")
    assert (row["reason"], row["detail"], row["sample"]) == ("a\ufffdb", "\ufffd and \U0001f600", b"\x00")


def test_gaps_are_noted_once(store: Store) -> None:
    gap = Gap(ONE, 10, 20, AT)
    store.commit(Progress(gaps=(gap,)))
    store.commit(Progress(gaps=(replace(gap, at=later(hours=1)),)))
    (row,) = store.view("gaps")
    assert (row["topic"], row["partition"], row["first_lost"], row["next_available"]) == (*ONE, 10, 20)
    assert row["at"] == AT


def test_a_model_that_was_not_registered_is_our_mistake(store: Store) -> None:
    with pytest.raises(ValueError, match="register_models"):
        store.commit(read(None, 1, part(model="nobody")))
    assert store.cursors([ONE]) == {}


def test_progress_is_told_per_partition_and_model(store: Store) -> None:
    store.commit(Progress(advances=(Advance(ONE, None, 5, 9), Advance(OTHER, None, 7)), clocks=(clock(),)))
    first, second = store.progress_rows()
    assert (first["model"], first["next_offset"], first["log_end"]) == (MODEL, 5, 9)
    assert (first["event_time"], first["active_at"]) == (AT.replace(hour=0), AT)
    assert (second["partition"], second["model"], second["event_time"]) == (1, None, None)
