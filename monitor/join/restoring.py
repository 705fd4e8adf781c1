"""Reading messages again that were counted before, because the join's table lacks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.decode.halves import Waiting
from monitor.join.arrivals import Predictions
from monitor.join.joiner import Joiner
from monitor.join.table import Position
from monitor.readers import Before, Readers
from monitor.rereading import only_arrivals
from monitor.source.base import Chunk, Record


@dataclass(frozen=True, slots=True)
class Restoring:
    """A stretch of one partition, from ``next`` up to, not including, ``until``, that is read once more.

    The table lacks what comes from ``known`` on. Messages before it are only looked through for the halves of
    calls that waited there: ``due_ms`` names them, by model and offset, and until when they wait.
    """

    next: int
    until: int
    known: int
    before: Before = field(default_factory=Before)
    due_ms: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, position: Position, until: int) -> Restoring:
        """Begin where the table's knowledge ends, or at the first half that waits there."""
        first = min(
            (offset for due_ms in position.waiting.values() for offset in due_ms), default=position.next
        )
        before = Before(event_ms=position.event_ms)
        return cls(min(first, position.next), until, position.next, before, position.waiting)

    @property
    def is_done(self) -> bool:
        return self.next >= self.until

    def skipped(self, available: int) -> Restoring:
        """Go on after messages that the broker no longer has; labels of their predictions stay unmatched."""
        return self.gone_on(max(self.next, available))

    def given(self, joiner: Joiner, readers: Readers, chunk: Chunk, now: datetime) -> Restoring:
        """Let the join remember what these messages say; nothing of it is counted."""
        records = [record for record in chunk.records if self.next <= record.offset < self.until]
        looked_through = [record for record in records if record.offset < self.known]
        lacking = records[len(looked_through) :]
        after = self
        if looked_through:
            _, before = only_arrivals(readers, Chunk(chunk.partition, looked_through), self.before, now)
            after = replace(self, before=Before(before.waiting, self.before.event_ms))
        reached = max(self.next, min(self.until, chunk.records[-1].offset + 1))
        after = after.gone_on(min(reached, self.known)).remembered(joiner, readers, chunk, lacking, now)
        after = after.gone_on(reached)
        if reached >= self.known:
            joiner.committed({chunk.partition: after.position}, {})
        return after

    def remembered(
        self, joiner: Joiner, readers: Readers, chunk: Chunk, records: Sequence[Record], now: datetime
    ) -> Restoring:
        """Let the join remember what messages from the known one on say."""
        if not records:
            return self
        arrivals, before = only_arrivals(readers, Chunk(chunk.partition, records), self.before, now)
        for arrived in arrivals:
            if isinstance(arrived, Predictions):
                joiner.predictions(arrived, counts=False)
            else:
                joiner.labels(arrived, counts=False)
        return replace(self, before=before)

    def gone_on(self, offset: int) -> Restoring:
        """Stand at an offset; at the known one those halves wait that waited there the first time."""
        after = replace(self, next=max(self.next, offset))
        if not self.next < self.known <= offset:
            return after
        waiting = {
            model: Waiting(
                {
                    call: replace(half, due_ms=due_ms[half.offset])
                    for call, half in self.before.of(model)[0].halves.items()
                    if half.offset in due_ms
                }
            )
            for model, due_ms in self.due_ms.items()
        }
        return replace(after, before=Before(waiting, self.before.event_ms))

    @property
    def position(self) -> Position:
        """How far the table knows the partition by now."""
        return Position(self.next, dict(self.before.event_ms), due_times(self.before.waiting))


def due_times(waiting: Mapping[str, Waiting]) -> dict[str, dict[int, int]]:
    """Say which halves wait, and until when, by model and offset."""
    return {
        model: {half.offset: half.due_ms for half in each.halves.values()}
        for model, each in waiting.items()
        if each.halves
    }
