"""Where a partition that was never read begins: the first contact with its topic decides, for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec
import pytest

from monitor.clock import ManualClock
from monitor.engine import Engine
from monitor.errors import Fenced
from monitor.source.base import TopicPartition
from monitor.source.memory import MemoryBroker, MemorySource
from monitor.store.base import Store
from tests.monitor.worlds import NOW, log, new_store, plan

ONE, OTHER, ADDED = (TopicPartition("predictions", number) for number in range(3))


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker()
    broker.create("predictions", 2)
    append(broker, [ONE, OTHER], 10)
    return broker


def append(broker: MemoryBroker, partitions: Iterable[TopicPartition], rows: int) -> None:
    for partition in partitions:
        for value in log(hours=1, per_hour=rows):
            broker.append(partition, value)


def engine(
    broker: MemoryBroker, store: Store, *held: TopicPartition, topics: Sequence[str] = ("predictions",)
) -> Engine:
    source = MemorySource(broker, topics)
    broker.assign(source, held)
    loans = plan()
    loans = replace(loans, settings=msgspec.structs.replace(loans.settings, topics=tuple(topics)))
    made = Engine(source, store, {"loans": loans}, ManualClock(NOW), "latest")
    made.assignment(source.poll(0, 1))
    return made


def read(one: Engine) -> dict[TopicPartition, int]:
    """Read on and commit; give how far each partition has been read."""
    polled = one.source.poll(0, 1000)
    one.take(polled.chunks)
    one.commit()
    return {at: part.next for at, part in one.state.partitions.items()}


def test_a_process_that_starts_beside_the_first_begins_at_the_same_moment(broker: MemoryBroker) -> None:
    store = new_store()
    first = engine(broker, store, ONE)
    first.claim()
    assert read(first) == {ONE: 10}
    append(broker, [ONE, OTHER], 5)
    second = engine(broker, store, OTHER)
    second.claim()
    assert second.state.partitions[OTHER].next == 10
    assert read(second) == {OTHER: 15}


def test_a_partition_that_is_added_begins_at_its_first_message_also_alone_in_its_process(
    broker: MemoryBroker,
) -> None:
    store = new_store()
    first = engine(broker, store, ONE, OTHER)
    first.claim()
    broker.create("predictions", 3)
    append(broker, [ADDED], 7)
    second = engine(broker, store, ADDED)
    second.claim()
    assert second.state.partitions[ADDED].next == 0
    assert read(second) == {ADDED: 7}


def test_what_comes_after_the_first_contact_is_read_also_when_the_process_dies_before_it_commits(
    broker: MemoryBroker,
) -> None:
    store = new_store()
    engine(broker, store, ONE, OTHER).claim()
    append(broker, [ONE, OTHER], 5)
    second = engine(broker, store, ONE, OTHER)
    second.claim()
    assert read(second) == {ONE: 15, OTHER: 15}
    assert sum(window.rows for window in store.open_windows([ONE, OTHER])) == 10


def test_of_two_that_meet_a_topic_at_once_one_is_told_to_look_again(
    broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store()
    first, second = engine(broker, store, ONE), engine(broker, store, OTHER)
    with monkeypatch.context() as patch:
        patch.setattr(store, "cursors", lambda _: {})  # what both saw before either had written
        patch.setattr(store, "watched", frozenset)
        first.claim()
        with pytest.raises(Fenced):
            second.claim()
    append(broker, [OTHER], 5)
    second.claim()
    assert read(second) == {OTHER: 15}


LISTED, MATCHED = TopicPartition("listed", 0), TopicPartition("predictions.eu", 0)
US = TopicPartition("predictions.us", 0)
LATER = ("listed", r"^predictions\..*")


def appear(broker: MemoryBroker, rows: int) -> None:
    for partition in (LISTED, MATCHED):
        broker.create(partition.topic)
        append(broker, [partition], rows)


def test_topics_that_appear_later_are_read_from_their_first_message_by_whoever_gets_them(
    broker: MemoryBroker,
) -> None:
    store = new_store()
    engine(broker, store, topics=LATER).claim()  # holds nothing: none of them is there
    appear(broker, 7)
    second = engine(broker, store, LISTED, MATCHED, topics=LATER)
    second.claim()
    assert read(second) == {LISTED: 7, MATCHED: 7}
    assert sum(window.rows for window in store.open_windows([LISTED, MATCHED])) == 14


def test_topics_that_are_there_when_they_are_looked_for_first_begin_at_their_ends(
    broker: MemoryBroker,
) -> None:
    store = new_store()
    first = engine(broker, store, ONE, OTHER)
    first.claim()
    appear(broker, 7)  # before anybody has looked for them
    second = engine(broker, store, topics=("predictions", *LATER))
    second.claim()  # holds nothing: it looks all the same
    append(broker, [LISTED, MATCHED], 5)
    third = engine(broker, store, LISTED, MATCHED, topics=("predictions", *LATER))
    third.claim()
    assert read(third) == {LISTED: 12, MATCHED: 12}
    assert sum(window.rows for window in store.open_windows([LISTED, MATCHED])) == 10


def test_of_two_that_look_for_the_first_time_at_once_one_is_told_to_look_again(
    broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store()
    first, second = (engine(broker, store, topics=LATER) for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr(store, "watched", frozenset)  # what both saw before either had written
        first.claim()
        with pytest.raises(Fenced, match="at this moment"):
            second.claim()
    appear(broker, 7)
    second.claim()
    assert store.watched() == set(LATER)


def test_a_topic_that_is_deleted_half_read_holds_windows_back_for_a_day_and_no_longer(
    broker: MemoryBroker,
) -> None:
    store = new_store()
    for name in ("predictions.eu", "predictions.us"):
        broker.create(name)
    first = engine(broker, store, MATCHED, US, topics=LATER)
    first.claim()
    append(broker, [MATCHED, US], 30)
    chunks = first.source.poll(0, 1_000).chunks
    first.take(
        [replace(each, records=each.records[:10]) if each.partition == US else each for each in chunks]
    )
    first.commit()
    del broker.logs[US]
    append(broker, [MATCHED], 1)
    second = engine(broker, store, MATCHED, topics=LATER)
    second.claim()
    read(second)
    assert isinstance(second.clock, ManualClock)
    for seconds, windows in ((3_600, 0), (86_400, 1)):
        second.clock.advance(seconds)
        read(second)
        assert sum(report.windows for report in second.close_windows()) == windows
