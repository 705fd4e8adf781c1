"""Heartbeats: which process reads each partition, since when, and how far it has come lately. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.intake import PartitionState
from monitor.source.base import TopicPartition
from monitor.store.base import Beat, Sample

BEAT_EVERY = timedelta(seconds=10)
SAMPLES = 18
"""Three minutes of beats: what is said of lag is said of these."""


@dataclass(frozen=True, slots=True)
class Beats:
    """One process's latest beats. They are written with the cursors, so that a zombie's are not."""

    process: str = ""
    last: Mapping[TopicPartition, Beat] = field(default_factory=dict)
    due: tuple[Beat, ...] = ()

    def after(self, partitions: Mapping[TopicPartition, PartitionState], now: datetime) -> Beats:
        """Beat for partitions that are new, or for which the time has come; ``due`` is to be written."""
        last = {tp: beat for tp, beat in self.last.items() if tp in partitions}
        due = []
        for tp, part in partitions.items():
            before = last.get(tp)
            if before is not None and timedelta() <= now - before.at < BEAT_EVERY:
                continue
            sample = Sample(int(now.timestamp() * 1000), part.next, part.log_end)
            recent = () if before is None else before.recent
            since = now if before is None else before.since
            last[tp] = Beat(tp, self.process, since, now, (*recent, sample)[-SAMPLES:])
            due.append(last[tp])
        return Beats(self.process, last, tuple(due))
