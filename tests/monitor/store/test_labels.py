"""Labels in the store: what the join commits, and what is done with it under the model's lock."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from monitor.errors import Fenced
from monitor.source.base import TopicPartition
from monitor.store.base import Advance, Progress, Store, WindowFacts
from tests.monitor.store.rows import (
    AT,
    HOUR,
    MODEL,
    ONE,
    OTHER,
    START,
    challenger,
    close,
    closed,
    held,
    joined,
    learned,
    read,
)

EVER = (-(2**62), 2**62)


def commit(store: Store, *advances: Advance, **what: Any) -> None:
    store.commit(Progress(advances=advances, **what))


def changed(store: Store, before_ms: int = START + 99 * HOUR, limit: int = 99) -> tuple[int, ...]:
    with store.lock(MODEL) as lock:
        return held(lock).joined_changed(before_ms, limit)


def test_joined_windows_of_one_partition_come_back_as_they_were_committed(store: Store) -> None:
    store.register_models(["other"], AT)
    mine = (joined(0, sums=bytes(range(256)) * 300), joined(2, reference_id="", sums=b""))
    strangers = (joined(0, OTHER), joined(0, TopicPartition("more", 0)), joined(0, model="other"), joined(1))
    commit(store, joined=(*mine, *strangers))
    assert store.joined_windows(MODEL, ONE, [START + 2 * HOUR, START, START]) == mine
    assert store.joined_windows(MODEL, ONE, [START + 9 * HOUR]) == ()
    assert store.joined_windows(MODEL, ONE, []) == ()


def test_learned_windows_of_one_partition_come_back_as_they_were_committed(store: Store) -> None:
    mine = (learned(0), learned(2))
    commit(store, learned=(*mine[::-1], learned(0, OTHER), learned(1)))
    assert store.learned_windows(MODEL, ONE, [START, START + 2 * HOUR]) == mine
    assert store.learned_windows(MODEL, OTHER, []) == ()


def test_more_windows_can_be_asked_for_than_a_statement_has_parameters(store: Store) -> None:
    commit(store, joined=(joined(0), joined(60_000)), learned=(learned(60_000),))
    starts = range(START, START + 70_000 * HOUR, HOUR)
    assert store.joined_windows(MODEL, ONE, starts) == (joined(0), joined(60_000))
    with store.lock(MODEL) as lock:
        held(lock).close_learned(starts, START)
        assert held(lock).learned_starts() == ()


def test_parts_are_replaced_whole(store: Store) -> None:
    commit(store, joined=(joined(),), learned=(learned(),))
    more = joined(labelled=9, unusable=0, corrected=1, too_late=7, unmatched=0, duplicates=6, sums=b"more")
    commit(store, joined=(more,), learned=(learned(reference_id="", sums=b""),))
    assert store.joined_windows(MODEL, ONE, [START]) == (more,)
    assert store.learned_windows(MODEL, ONE, [START]) == (learned(reference_id="", sums=b""),)


def test_a_fenced_commit_writes_no_labels(store: Store) -> None:
    store.commit(read(None, 10))
    with pytest.raises(Fenced):
        commit(
            store,
            Advance(ONE, 4, 20),
            joined=(joined(),),
            learned=(learned(),),
            challenger=(challenger(),),
        )
    assert store.joined_windows(MODEL, ONE, [START]) == ()
    assert store.learned_windows(MODEL, ONE, [START]) == ()
    assert store.challenger_results(MODEL, START) == ()
    assert store.cursors([ONE]) == {ONE: 10}


@pytest.mark.parametrize(
    "progress",
    [
        Progress(joined=(joined(model="nobody"),)),
        Progress(learned=(learned(model="nobody"),)),
        Progress(challenger=(challenger(model="nobody"),)),
    ],
)
def test_labels_of_a_model_that_was_not_registered_are_our_mistake(store: Store, progress: Progress) -> None:
    with pytest.raises(ValueError, match="register_models"):
        store.commit(replace(progress, advances=(Advance(ONE, None, 1),)))
    assert store.cursors([ONE]) == {}


@pytest.mark.parametrize("what", [{"joined": (joined(),)}, {"learned": (learned(),)}])
def test_a_commit_of_labels_tells_how_far_their_model_is_judged(store: Store, what: dict[str, Any]) -> None:
    close(store, closed())
    assert store.commit(Progress(**what)) == {MODEL: START + HOUR}


def test_parts_of_one_window_are_seen_together_under_the_lock(store: Store) -> None:
    parts = (joined(0, ONE), joined(0, OTHER), joined(0, ONE, segment="fr"))
    losses = (learned(0, TopicPartition("a", 5)), learned(0, ONE), learned(0, ONE, segment="fr"))
    commit(store, joined=(*parts[::-1], joined(1)), learned=(*losses[::-1], learned(1)))
    with store.lock(MODEL) as lock:
        assert held(lock).joined_parts(START) == parts
        assert held(lock).joined_parts(START + 9 * HOUR) == ()
        assert held(lock).learned_parts(START) == losses
        assert held(lock).learned_starts() == (START, START + HOUR)


def test_windows_are_changed_until_they_are_done_and_again_when_more_labels_come(store: Store) -> None:
    commit(store, joined=(joined(0), joined(0, OTHER), joined(1), joined(2)))
    assert changed(store) == (START, START + HOUR, START + 2 * HOUR)
    assert changed(store, limit=2) == (START, START + HOUR)
    assert changed(store, START + HOUR) == (START,)
    with store.lock(MODEL) as lock:
        held(lock).joined_done(START)
        held(lock).joined_done(START + 2 * HOUR)
        held(lock).joined_done(START + 9 * HOUR)
    assert changed(store) == (START + HOUR,)
    commit(store, joined=(joined(0, OTHER),))
    assert changed(store) == (START, START + HOUR)


def test_labels_of_old_windows_are_forgotten(store: Store) -> None:
    store.register_models(["other"], AT)
    others = joined(0, model="other")
    commit(store, joined=(joined(0), joined(0, OTHER), joined(1), joined(2), others))
    with store.lock(MODEL) as lock:
        assert held(lock).delete_joined_before(START + 2 * HOUR) == 3
        assert held(lock).delete_joined_before(START + 3 * HOUR - 1) == 0
    assert store.joined_windows(MODEL, ONE, [START, START + HOUR, START + 2 * HOUR]) == (joined(2),)
    assert store.joined_windows("other", ONE, [START]) == (others,)


def test_learned_windows_are_deleted_and_learned_until_never_goes_back(store: Store) -> None:
    commit(store, learned=(learned(0), learned(0, OTHER), learned(1), learned(2)))
    with store.lock(MODEL) as lock:
        assert held(lock).learned_until_ms() is None
        held(lock).close_learned([START, START + HOUR], START + 2 * HOUR)
        assert held(lock).learned_until_ms() == START + 2 * HOUR
        assert held(lock).learned_starts() == (START + 2 * HOUR,)
        held(lock).close_learned([], START + HOUR)
        assert held(lock).learned_until_ms() == START + 2 * HOUR


def test_losses_that_come_after_their_window_was_learned_are_left_out(store: Store) -> None:
    store.register_models(["other"], AT)
    with store.lock(MODEL) as lock:
        held(lock).close_learned([], START + 2 * HOUR)
    commit(store, learned=(learned(0), learned(1), learned(2), learned(1, model="other")))
    asked = [START, START + HOUR, START + 2 * HOUR]
    assert store.learned_windows(MODEL, ONE, asked) == (learned(2),)
    assert store.learned_windows("other", ONE, asked) == (learned(1, model="other"),)


def test_joined_windows_are_taken_in_however_late(store: Store) -> None:
    close(store, closed(5))
    with store.lock(MODEL) as lock:
        held(lock).close_learned([], START + 6 * HOUR)
        held(lock).publish_until(START + 6 * HOUR)
    commit(store, joined=(joined(0),))
    assert changed(store) == (START,)


def test_published_until_never_goes_back_and_is_its_own(store: Store) -> None:
    close(store, closed(9))
    with store.lock(MODEL) as lock:
        assert held(lock).published_until_ms() is None
        held(lock).publish_until(START + 3 * HOUR)
        held(lock).publish_until(START + HOUR)
    with store.lock(MODEL) as lock:
        assert held(lock).published_until_ms() == START + 3 * HOUR
        assert held(lock).learned_until_ms() is None
        assert held(lock).closed_until_ms() == START + 10 * HOUR


def test_facts_of_judged_windows_come_with_the_labels_of_now(store: Store) -> None:
    close(store, *(closed(hour, rows=100 + hour, late=hour) for hour in range(4)))
    commit(store, joined=(joined(1, labelled=30), joined(1, OTHER, labelled=12), joined(9)))
    with store.lock(MODEL) as lock:
        facts = held(lock).window_facts(START, START + 2 * HOUR, 10)
        assert facts == (
            WindowFacts(START, START + HOUR, 100, 0, "ref", 0),
            WindowFacts(START + HOUR, START + 2 * HOUR, 101, 1, "ref", 42),
        )
        assert type(facts[1].labelled) is int
        assert [one.start_ms for one in held(lock).window_facts(START, START + 9 * HOUR, 3)] == [
            START, START + HOUR, START + 2 * HOUR
        ]  # fmt: skip
        assert held(lock).window_facts(START + HOUR + 1, START + 2 * HOUR, 3) == ()


def test_facts_of_segments_are_apart(store: Store) -> None:
    close(store, closed(segment="fr", rows=5), closed(segment="it", rows=7))
    commit(store, joined=(joined(segment="it", labelled=6),))
    with store.lock(MODEL) as lock:
        facts = held(lock).window_facts(START, START + HOUR, 9)
        held(lock).labelled(START, 4, "it")
    assert [(one.segment, one.rows, one.labelled) for one in facts] == [("fr", 5, 0), ("it", 7, 6)]
    shown = [(row["segment"], row["labelled"]) for row in store.view("window_history")]
    assert shown == [("fr", 0), ("it", 4)]


@pytest.mark.parametrize("bounds", [EVER, (-sys.maxsize, sys.maxsize)])
def test_searches_may_be_without_bounds(store: Store, bounds: tuple[int, int]) -> None:
    close(store, closed())
    commit(store, joined=(joined(),), challenger=(challenger(),))
    with store.lock(MODEL) as lock:
        assert len(held(lock).window_facts(*bounds, 9)) == 1
        assert held(lock).joined_changed(bounds[1], 9) == (START,)
        assert held(lock).delete_joined_before(bounds[0]) == 0
        assert held(lock).delete_joined_before(bounds[1]) == 1
    assert len(store.challenger_results(MODEL, bounds[0])) == 1


def test_the_labelled_rows_of_a_judged_window_are_set(store: Store) -> None:
    close(store, closed(0), closed(1))
    with store.lock(MODEL) as lock:
        held(lock).labelled(START, 17)
        held(lock).labelled(START + 9 * HOUR, 5)
    assert [row["labelled"] for row in store.view("window_history")] == [0, 17]


def test_an_exception_under_the_lock_undoes_what_was_done_with_labels(store: Store) -> None:
    commit(store, joined=(joined(),), learned=(learned(),))

    def settle_and_fail() -> None:
        with store.lock(MODEL) as lock:
            held(lock).joined_done(START)
            held(lock).close_learned([START], START + HOUR)
            held(lock).publish_until(START + HOUR)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        settle_and_fail()
    with store.lock(MODEL) as lock:
        assert held(lock).joined_changed(START + HOUR, 9) == (START,)
        assert held(lock).learned_starts() == (START,)
        assert (held(lock).learned_until_ms(), held(lock).published_until_ms()) == (None, None)
