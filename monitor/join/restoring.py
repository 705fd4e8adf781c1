"""Reading messages again that were counted before, because the join's table lacks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.join.arrivals import Predictions
from monitor.join.joiner import Joiner
from monitor.join.table import Position
from monitor.readers import Readers
from monitor.rereading import only_arrivals
from monitor.source.base import Chunk


@dataclass(frozen=True, slots=True)
class Restoring:
    """A stretch of one partition, from ``next`` up to, not including, ``until``, that is read once more."""

    next: int
    until: int
    event_ms: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        return self.next >= self.until

    def skipped(self, available: int) -> Restoring:
        """Go on after messages that the broker no longer has; labels of their predictions stay unmatched."""
        return replace(self, next=max(self.next, available))

    def given(self, joiner: Joiner, readers: Readers, chunk: Chunk, now: datetime) -> Restoring:
        """Let the join remember what these messages say; nothing of it is counted."""
        records = [record for record in chunk.records if self.next <= record.offset < self.until]
        event_ms = self.event_ms
        if records:
            arrivals, event_ms = only_arrivals(readers, Chunk(chunk.partition, records), event_ms, now)
            for arrived in arrivals:
                if isinstance(arrived, Predictions):
                    joiner.predictions(arrived, counts=False)
                else:
                    joiner.labels(arrived, counts=False)
        reached = max(self.next, min(self.until, chunk.records[-1].offset + 1))
        joiner.committed({chunk.partition: Position(reached, dict(event_ms))}, {})
        return Restoring(reached, self.until, event_ms)
