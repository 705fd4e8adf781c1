from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.beats import BEAT_EVERY, SAMPLES, Beats
from monitor.clock import ManualClock
from monitor.errors import Fenced
from monitor.intake import PartitionState
from monitor.source.base import Lost, Polled, TopicPartition
from monitor.store.base import Sample
from tests.monitor.worlds import NOW, ListSource, chunk, log, new_engine, new_store

P0, P1 = TopicPartition("predictions", 0), TopicPartition("predictions", 1)
LOG = log(hours=2)


def at(offset: int) -> PartitionState:
    return PartitionState(0, offset, NOW, log_end=100)


def test_a_partition_beats_when_it_is_new_and_every_ten_seconds() -> None:
    beats = Beats("host/1").after({P0: at(1)}, NOW)
    assert [(beat.partition, beat.since, beat.at) for beat in beats.due] == [(P0, NOW, NOW)]
    soon = NOW + BEAT_EVERY - timedelta(seconds=1)
    beats = beats.after({P0: at(2), P1: at(7)}, soon)
    assert [beat.partition for beat in beats.due] == [P1]
    later = NOW + BEAT_EVERY
    beats = beats.after({P0: at(3), P1: at(8)}, later)
    (beat,) = beats.due
    assert (beat.process, beat.partition, beat.since, beat.at) == ("host/1", P0, NOW, later)
    assert [(sample.next, sample.lag) for sample in beat.recent] == [(1, 99), (3, 97)]


def test_what_is_kept_is_bounded_and_a_partition_that_went_away_begins_anew() -> None:
    beats, now = Beats("host/1"), NOW
    for offset in range(3 * SAMPLES):
        beats, now = beats.after({P0: at(offset), P1: at(offset)}, now), now + BEAT_EVERY
    assert [sample.next for sample in beats.last[P0].recent] == list(range(2 * SAMPLES, 3 * SAMPLES))
    beats = beats.after({P1: at(9)}, now)
    beats = beats.after({P0: at(9), P1: at(9)}, now)
    assert (beats.last[P0].since, len(beats.last[P0].recent)) == (now, 1)


def test_a_clock_that_was_put_back_does_not_silence_the_beats() -> None:
    beats = Beats("host/1").after({P0: at(1)}, NOW)
    assert beats.after({P0: at(2)}, NOW - timedelta(hours=1)).due


def test_beats_are_written_with_the_cursors_and_tell_of_a_position_that_went_back() -> None:
    store = new_store()
    engine = new_engine(store, [P0, P1])
    assert isinstance(engine.source, ListSource)
    assert isinstance(engine.clock, ManualClock)
    engine.source.ends = {P0: 100, P1: 0}
    engine.take([chunk(P0, LOG[:60])])
    engine.commit()
    engine.assignment(Polled(lost=(Lost(P0, 60, 5),)))  # the topic was made anew
    engine.clock.advance(11)
    engine.commit()
    rows = {row["partition"]: row for row in store.progress_rows()}
    assert [sample.next for sample in rows[0]["recent"]] == [60, 5]
    begun_ms = int(NOW.timestamp() * 1000)
    assert rows[1]["recent"] == (Sample(begun_ms, 0, 0), Sample(begun_ms + 11_000, 0, 0))
    seen = {row["partition"]: row for row in store.view("partitions")}
    assert (seen[0]["next_offset"], seen[0]["log_end"], seen[0]["lag"], seen[1]["lag"]) == (5, 100, 95, 0)
    assert seen[0]["beat_at"] - seen[0]["reads_since"] == timedelta(seconds=11)


def test_a_zombies_beat_is_not_written() -> None:
    store = new_store()
    zombie, owner = new_engine(store, [P0]), new_engine(store, [P0])
    owner.take([chunk(P0, LOG[:60])])
    owner.commit()
    before = store.progress_rows()
    zombie.take([chunk(P0, LOG[:30])])
    with pytest.raises(Fenced):
        zombie.commit()
    assert store.progress_rows() == before
