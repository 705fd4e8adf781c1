from __future__ import annotations

import threading

from monitor.challenger.queue import RowQueue
from monitor.challenger.rows import SeenRow


def rows(*times_ms: int) -> list[SeenRow]:
    return [SeenRow(time_ms, b"") for time_ms in times_ms]


def test_what_does_not_fit_comes_back_and_the_rest_in_order() -> None:
    queue = RowQueue(3)
    assert queue.put(rows(1, 2)) == []
    assert queue.put(rows(3, 4, 5)) == rows(4, 5)
    assert queue.take(2, 0) == rows(1, 2)
    assert queue.put(rows(6, 7, 8)) == rows(8)
    assert queue.take(9, 0) == rows(3, 6, 7)


def test_an_empty_queue_gives_nothing_after_the_timeout_or_when_woken() -> None:
    queue = RowQueue(3)
    assert queue.take(1, 0.01) == []
    queue.wake()
    assert queue.take(1, 1e6) == []


def test_rows_in_work_are_waited_for() -> None:
    queue = RowQueue(3)
    assert queue.wait_empty(0)
    queue.put(rows(1))
    assert not queue.wait_empty(0)
    queue.take(1, 0)
    assert not queue.wait_empty(0)
    threading.Timer(0.05, queue.finished).start()
    assert queue.wait_empty(30)


def test_whoever_waits_for_rows_gets_them() -> None:
    queue = RowQueue(3)
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.extend(queue.take(5, 30)))
    thread.start()
    queue.put(rows(1))
    thread.join(30)
    assert taken == rows(1)


def test_the_rest_can_be_taken_out() -> None:
    queue = RowQueue(3)
    queue.put(rows(1, 2))
    assert queue.drain() == rows(1, 2)
    assert queue.drain() == []
