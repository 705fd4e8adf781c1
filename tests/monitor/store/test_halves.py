"""Requests and responses that wait, in both databases: they move with the cursor, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.errors import Fenced
from monitor.store.base import Advance, HalfKey, Progress, Store, WaitingHalf
from tests.monitor.store.rows import MODEL, ONE, OTHER, START


def half(offset: int, partition: object = ONE, model: str = MODEL) -> WaitingHalf:
    key = HalfKey(model, partition, offset)  # type: ignore[arg-type]
    return WaitingHalf(key, START + offset, bytes(range(256)) * 40)


def test_halves_wait_in_the_order_of_their_offsets_until_they_have_met(store: Store) -> None:
    waiting = tuple(half(offset) for offset in (11, 2, 7))
    store.commit(Progress(advances=(Advance(ONE, None, 12),), halves=waiting))
    store.commit(Progress(advances=(Advance(OTHER, None, 4),), halves=(half(3, OTHER),)))
    assert store.halves([ONE]) == (half(2), half(7), half(11))
    assert store.halves([OTHER]) == (half(3, OTHER),)
    store.commit(Progress(advances=(Advance(ONE, 12, 20),), halves=(half(15),), met=(half(7).key,)))
    assert store.halves([ONE]) == (half(2), half(11), half(15))
    assert store.halves([]) == ()


def test_a_half_that_is_written_again_is_replaced(store: Store) -> None:
    store.commit(Progress(advances=(Advance(ONE, None, 12),), halves=(half(3),)))
    longer = replace(half(3), due_ms=START + 60_000)
    store.commit(Progress(advances=(Advance(ONE, 12, 13),), halves=(longer,)))
    assert store.halves([ONE]) == (longer,)


def test_a_process_that_lost_its_partition_changes_nothing_of_what_waits_there(store: Store) -> None:
    store.commit(Progress(advances=(Advance(ONE, None, 12),), halves=(half(3),)))
    for late in (
        Progress((Advance(ONE, 9, 13),), halves=(half(12),)),
        Progress((Advance(ONE, 9, 13),), met=(half(3).key,)),
    ):
        with pytest.raises(Fenced):
            store.commit(late)
    assert store.halves([ONE]) == (half(3),)
