"""The join as the engine sees it: it follows the plans, restores its table, and gives what was joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from detectors.reference import Reference
from monitor.challenger.feeding import Challengers, warning_finding
from monitor.intake import PartitionState
from monitor.join.arrivals import Labels, Predictions
from monitor.join.joiner import Joiner
from monitor.join.restoring import Restoring, due_times
from monitor.join.shares import shares
from monitor.join.table import Position
from monitor.plan import ModelPlan
from monitor.readers import Readers
from monitor.source.base import Chunk, TopicPartition
from monitor.store.base import ModelLock, Progress, Store

OffsetsAt = Callable[[Mapping[TopicPartition, int]], Mapping[TopicPartition, int]]


class JoinKeeper:
    """One process's join. While something is restored, nothing new may be joined."""

    def __init__(self, joiner: Joiner, challengers: Challengers | None = None) -> None:
        self.joiner = joiner
        self._challengers = challengers
        self._plans: Mapping[str, ModelPlan] = {}
        self._restoring: dict[TopicPartition, Restoring] = {}

    def follow(self, plans: Mapping[str, ModelPlan]) -> None:
        """Join as these plans say."""
        self._plans = plans
        for plan in plans.values():
            if plan.labels is not None:
                self.joiner.follow(plan.labels.terms)
        if self._challengers is not None:
            self._challengers.follow(plans)

    @property
    def evicted(self) -> int:
        """Entries that went before their time, because the table was full."""
        return self.joiner.evicted

    @property
    def joined(self) -> Mapping[str, int]:
        """Labels that met their predictions in time, by model."""
        return self.joiner.joined

    # -- restoring --------------------------------------------------------------------------------------

    @property
    def restoring(self) -> int:
        """Messages that are still to be read again."""
        return sum(each.until - each.next for each in self._restoring.values())

    def is_restoring(self, partition: TopicPartition) -> bool:
        """Tell whether messages of this partition are read again."""
        return partition in self._restoring

    def begin(
        self, states: Mapping[TopicPartition, PartitionState], offsets_at: OffsetsAt, now_ms: int
    ) -> dict[TopicPartition, int]:
        """Find what the table lacks of these partitions; give the offsets to read it from.

        A partition of which the table knows nothing is read from the horizon on. A table that knows more than
        the database (put back to an earlier state, or a new one) is emptied.
        """
        topics = [plan.all_topics for plan in self._plans.values() if plan.labels]
        joined = {tp: part for tp, part in states.items() if any(tp.topic in each for each in topics)}
        positions = self.joiner.positions()
        if any(positions[tp].next > (part.committed or 0) for tp, part in joined.items() if tp in positions):
            self.joiner.clear()
            positions = {}
        known = {tp: part for tp, part in joined.items() if part.committed is not None}
        since_ms = {
            tp: self._horizon_ms(min([now_ms, *part.event_ms.values()]))
            for tp, part in known.items()
            if tp not in positions
        }
        first = offsets_at(since_ms) if since_ms else {}
        for tp, part in known.items():
            position = positions.get(tp) or Position(first.get(tp, part.next))
            if position.next < part.next:
                self._restoring[tp] = Restoring.of(position, part.next)
        return {tp: each.next for tp, each in self._restoring.items()}

    def _horizon_ms(self, event_ms: int) -> int:
        """Before this time no prediction waits for a label any more."""
        return event_ms - max(plan.labels.terms.horizon_ms for plan in self._plans.values() if plan.labels)

    def restore(self, chunks: Iterable[Chunk], readers: Readers, now: datetime) -> None:
        """Let the join remember messages that were counted before; later ones are to be read again."""
        for chunk in chunks:
            restoring = self._restoring.get(chunk.partition)
            if restoring is not None:
                self._restored(chunk.partition, restoring.given(self.joiner, readers, chunk, now))

    def skip(self, partition: TopicPartition, available: int) -> None:
        """Go on after messages that the broker no longer has."""
        self._restored(partition, self._restoring[partition].skipped(available))

    def _restored(self, partition: TopicPartition, after: Restoring) -> None:
        if after.is_done:
            del self._restoring[partition]
        else:
            self._restoring[partition] = after

    # -- joining ----------------------------------------------------------------------------------------

    def meet(self, arrivals: Iterable[Predictions | Labels]) -> None:
        """Let predictions and labels meet, in this order."""
        for arrived in arrivals:
            if isinstance(arrived, Predictions):
                sampled = {} if self._challengers is None else self._challengers.sampled(arrived)
                self.joiner.predictions(arrived, sampled)
            else:
                self.joiner.labels(arrived)

    def hold_challengers(self, store: Store) -> None:
        """Take or renew the challengers' leases when it is time; may raise `StoreError` or `JoinError`."""
        if self._challengers is not None:
            self._challengers.hold(store)

    def with_shares(
        self, counted: Progress, store: Store, find: Callable[[str], Reference | None]
    ) -> Progress:
        """Add what was joined to what is to be written; may raise `StoreError` or `JoinError`."""
        self.hold_challengers(store)
        found = [
            shares(self._plans[model], met, self.joiner.table.partition_of, store, find)
            for model, met in self.joiner.met.items()
            if model in self._plans
        ]
        return replace(
            counted,
            joined=tuple(share for each in found for share in each.joined),
            learned=tuple(share for each in found for share in each.learned),
            challenger=() if self._challengers is None else self._challengers.results(),
            holder="" if self._challengers is None else self._challengers.holder,
        )

    def committed(self, written: Progress, partitions: Mapping[TopicPartition, PartitionState]) -> None:
        """Note that the database has what was joined; may raise `JoinError`, and a later call writes it."""
        if self._challengers is not None:
            self._challengers.told(written.challenger)
            self._challengers.committed({model: met.learnable for model, met in self.joiner.met.items()})
        clocks: dict[str, int] = {}
        for tp, part in partitions.items():
            for model, event_ms in part.event_ms.items():
                if model in self._plans and tp.topic in self._plans[model].topics:
                    clocks[model] = min(event_ms, clocks.get(model, event_ms))
        positions = {
            tp: Position(part.next, dict(part.event_ms), due_times(part.waiting))
            for tp, part in partitions.items()
        }
        self.joiner.committed(positions, clocks)

    def abandon(self) -> None:
        """Forget what was not committed, and what was being restored."""
        self._restoring.clear()
        self.joiner.abandon()
        if self._challengers is not None:
            self._challengers.abandon()

    def write_warnings(self, lock: ModelLock, plan: ModelPlan, now: datetime) -> None:
        """Put a challenger's early warnings into the history; they may be written again after a crash."""
        warnings = () if self._challengers is None else self._challengers.warnings(plan.name)
        if warnings and self._challengers is not None:
            lock.findings(tuple(warning_finding(plan, one) for one in warnings), now, plan.config_hash)
            self._challengers.warned(warnings)

    @property
    def shed_rows(self) -> Mapping[str, int]:
        """Rows that challengers did not learn from because they were busy, by model."""
        return {} if self._challengers is None else self._challengers.shed_rows

    def close(self) -> None:
        """Put everything on the disk and let go of it."""
        if self._challengers is not None:
            self._challengers.stop()
        self.joiner.flush()
        self.joiner.table.close()
