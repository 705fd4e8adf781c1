from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.source.base import TopicPartition
from monitor.store.base import PartitionClock
from monitor.windows import NEVER_MS, Span, place, spans_ending, watermark_ms

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
IDLE = timedelta(minutes=2)


def clock(
    event_ms: int | None, *, silent_s: float = 0.0, caught_up: bool = True, unseen_s: float = 0.0
) -> PartitionClock:
    active_at = NOW - timedelta(seconds=silent_s)
    checked_at = NOW - timedelta(seconds=unseen_s)
    return PartitionClock("m", TopicPartition("t", 0), event_ms, active_at, caught_up, checked_at)


@given(st.lists(st.integers(-50, 200), max_size=40), st.integers(0, 40), st.integers(-20, 100))
def test_lateness_does_not_depend_on_batches(times: list[int], cut: int, closed_until: int) -> None:
    whole = place(np.array(times, np.int64), NEVER_MS, 10, 3, closed_until)
    first = place(np.array(times[:cut], np.int64), NEVER_MS, 10, 3, closed_until)
    second = place(np.array(times[cut:], np.int64), first.max_ms, 10, 3, closed_until)
    assert whole.late.tolist() == first.late.tolist() + second.late.tolist()
    assert whole.max_ms == second.max_ms


def test_a_row_is_late_once_event_time_has_passed_its_window_and_the_lateness() -> None:
    placed = place(np.array([5, 12, 9, 13, 9], np.int64), NEVER_MS, 10, 3, NEVER_MS)
    assert placed.late.tolist() == [False, False, False, False, True]
    assert placed.starts_ms.tolist() == [0, 10, 0, 10, 0]


def test_the_slowest_partition_sets_the_watermark() -> None:
    assert watermark_ms([clock(1_000), clock(5_000)], NOW, IDLE, 100) == 900
    assert watermark_ms([], NOW, IDLE, 100) is None


def test_a_partition_without_rows_holds_everything_back_until_it_is_idle() -> None:
    assert watermark_ms([clock(None), clock(5_000)], NOW, IDLE, 0) == NEVER_MS
    assert watermark_ms([clock(None, silent_s=121), clock(5_000)], NOW, IDLE, 0) == 5_000


def test_a_silent_partition_with_unread_messages_is_not_idle() -> None:
    assert watermark_ms([clock(1_000, silent_s=900, caught_up=False)], NOW, IDLE, 0) == 1_000


def test_when_all_are_idle_wall_time_closes_windows() -> None:
    assert watermark_ms([clock(1_000, silent_s=900)], NOW, IDLE, 100) == NOW_MS - 100


def test_an_idle_partition_is_at_the_time_at_which_its_owner_last_looked() -> None:
    assert watermark_ms([clock(1_000, silent_s=900, unseen_s=60)], NOW, IDLE, 100) == NOW_MS - 60_100
    assert watermark_ms([clock(1_000, silent_s=900, unseen_s=800)], NOW, IDLE, 100) == 900


def test_a_partition_that_nobody_has_looked_at_for_a_day_holds_nothing_back() -> None:
    gone = clock(1_000, silent_s=100_000, unseen_s=90_000)
    assert watermark_ms([gone, clock(5_000)], NOW, IDLE, 0) == 5_000


def test_longer_windows_end_with_their_last_base_window() -> None:
    assert spans_ending(0, 10, (1, 2, 4), 10) == (Span(0, 20, 2),)
    assert spans_ending(20, 30, (1, 2, 4), 10) == (Span(20, 40, 2), Span(0, 40, 4))
    assert spans_ending(None, 20, (1, 2, 4), 10) == ()


def test_longer_windows_that_ended_in_silence_are_judged_with_the_next_window() -> None:
    assert spans_ending(0, 50, (1, 2, 4), 10) == (Span(0, 20, 2), Span(40, 60, 2), Span(0, 40, 4))


@given(st.lists(st.integers(0, 60), min_size=1, unique=True))
def test_every_longer_window_with_rows_is_judged_at_most_once(starts: list[int]) -> None:
    judged: list[Span] = []
    before = None
    for start in sorted(starts):
        judged += spans_ending(before, start * 10, (1, 2, 4, 8), 10)
        before = start * 10
    assert len(judged) == len(set(judged))
    last = max(starts) * 10 + 10
    ended = {
        Span(start, start + 10 * m, m)
        for m in (2, 4, 8)
        for s in starts
        if (start := s * 10 - s * 10 % (10 * m)) + 10 * m <= last
    }
    assert set(judged) == ended
