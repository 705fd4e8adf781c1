"""The engine: messages in, rows in the results database out. Kafka, files and tests all feed this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.model import Alert
from detectors.reference import Reference
from monitor.beats import Beats
from monitor.claiming import claimed
from monitor.clock import Clock
from monitor.closer import Closer, passed
from monitor.closing import ClosingReport
from monitor.config.pair import Pair
from monitor.digesting import Digests
from monitor.intake import State, shifted, take_in, with_gap, with_log_ends
from monitor.join.joiner import Terms
from monitor.join.keeper import JoinKeeper
from monitor.known import KnownReferences
from monitor.letters import DeadLetterBox, PendingLetters
from monitor.parting import parted
from monitor.plan import ModelPlan
from monitor.readers import Readers
from monitor.room import Room, fitting, lightened, put_together
from monitor.source.base import Chunk, Polled, Source, Start, TopicPartition
from monitor.steps import Steps
from monitor.store.base import Gap, Store
from monitor.telling import Speaking, flush_due
from monitor.writing import committed, progress, standing_still


class Engine:
    """One process's share of the work.

    Holds the `State` between commits. Every method that touches the database may raise `StoreError`; the
    state is then as before and the same call can be made again. `Fenced` from `commit` means that another
    process owns a partition: `abandon` forgets everything that was not committed.
    """

    def __init__(
        self,
        source: Source,
        store: Store,
        plans: Mapping[str, ModelPlan],
        clock: Clock,
        start: Start,
        speaking: Speaking | None = None,
        dead_letters: DeadLetterBox | None = None,
        join: JoinKeeper | None = None,
        room: Room | None = None,
        process: str = "",
    ) -> None:
        self.source = source
        self.store = store
        self._speaking = speaking or Speaking()
        self.plans = self._speaking.plans(plans)
        self.clock = clock
        self.state = State()
        self._start = start
        self._has_met = start == "earliest"  # else topics that there are at first are told from later ones
        self._letters = PendingLetters(dead_letters)
        self._room = room or Room()
        self._waiting: list[Chunk] = []
        self.reloaded = 0
        self._unclaimed: set[TopicPartition] = set()
        self._closer = Closer(clock)
        self._steps = Steps(clock)
        self._references = KnownReferences(store, (plan.reference for plan in plans.values()))
        self.join = join
        self._beats = Beats(process)
        self._digests = Digests()
        self._follow()

    def _follow(self) -> None:
        """Read and join as the plans say."""
        self._readers = Readers.of(self.plans.values())
        if self.join is not None:
            self.join.follow(self.plans)

    def replace_plans(self, plans: Mapping[str, ModelPlan], speaking: Speaking) -> None:
        """Go on with other plans; windows that are open keep the counts of the reference they began with.

        A window during which the reference changes is judged inconclusive.
        """
        means_otherwise = any(
            name in self.plans and _terms(plan) != _terms(self.plans[name]) for name, plan in plans.items()
        )
        self._speaking = speaking
        self.plans = speaking.plans(plans)
        if means_otherwise:
            self.abandon()  # what waits means something else now: it is read again
        self._references.follow(plan.reference for plan in plans.values())
        self._follow()

    # -- partitions -------------------------------------------------------------------------------------

    def assignment(self, polled: Polled) -> None:
        """Note what the group decided: forget what went, remember what is to be claimed."""
        if polled.revoked or (polled.assigned and self.join is not None):
            self.abandon()  # what was not committed may belong to messages that are another's now
        self._unclaimed -= polled.revoked
        self._unclaimed |= polled.assigned
        for lost in polled.lost:
            self._skip(lost.partition, lost.wanted, lost.available)

    def _skip(self, partition: TopicPartition, wanted: int, available: int) -> None:
        """Record that the broker no longer holds some offsets, and go on after them."""
        if self._waiting:
            self.abandon()  # what waits comes before the loss: read it again, and be told of the loss again
            return
        if partition not in self.state.partitions:
            return
        if self.join is not None and self.join.is_restoring(partition):
            self.source.seek({partition: available})
            self.join.skip(partition, available)
            self._read_on_when_restored()
            return
        self.state = with_gap(self.state, Gap(partition, wanted, available, self.clock.now()))
        self.source.seek({partition: available})

    def claim(self) -> None:
        """Load the cursors of newly assigned partitions and begin to read them.

        What the database has of their open windows is put together with new counts when these are committed.
        """
        new = frozenset(self._unclaimed)
        if not new and self._has_met:
            return
        states, begun = claimed(
            new, self.source, self.store, self.plans.values(), self._start, self.clock.now()
        )
        self._has_met = True
        closed_until = {**self.state.closed_until, **self.store.closed_until()}
        positions: Mapping[TopicPartition, int] = {}
        if self.join is not None:
            now_ms = int(self.clock.now().timestamp() * 1000)
            positions = self.join.begin(states, self.source.offsets_at, now_ms)
            self.join.hold_challengers(self.store)  # before the first rows are sampled
        states |= {tp: replace(states[tp], committed=states[tp].next) for tp in begun}
        partitions = {**self.state.partitions, **states}
        self.state = replace(self.state, partitions=partitions, closed_until=closed_until)
        self.source.seek(positions)
        self._read_on_when_restored()
        self._unclaimed -= new

    def _read_on_when_restored(self) -> None:
        if not self.restoring:
            self._waiting.clear()  # comes again
            self.source.seek({tp: part.next for tp, part in self.state.partitions.items()})

    @property
    def restoring(self) -> int:
        """Messages to be read again, because the join's table lacks them, before reading goes on."""
        return 0 if self.join is None else self.join.restoring

    def find(self, reference_id: str) -> Reference | None:
        """Give a reference by its id, from memory or the database."""
        return self._references.find(reference_id)

    def abandon(self) -> None:
        """Forget everything since the last commit; all partitions are to be claimed again."""
        self._unclaimed |= self.state.partitions.keys()
        self.state = State(closed_until=self.state.closed_until)
        self._letters.forget()
        self._waiting.clear()
        if self.join is not None:
            self.join.abandon()

    def _now(self) -> datetime:
        """Give the time. When the clock was set, partitions stay idle for as long as they have been."""
        now, by = self._steps.look()
        if by:
            self.state = shifted(self.state, by)
        return now

    # -- messages ---------------------------------------------------------------------------------------

    def take(self, chunks: Sequence[Chunk]) -> int:
        """Count the rows of these chunks, after those that wait; give how many messages were taken in.

        Those of partitions that are not ours are dropped. Once the engine `is_full` the rest waits: commit,
        then call this again without chunks.
        """
        self._waiting += (chunk for chunk in chunks if chunk.partition in self.state.partitions)
        if self.join is not None and self.restoring:
            self.join.restore(self._waiting, self._readers, self.clock.now())
            self._waiting.clear()
            self._read_on_when_restored()
            return 0
        taken = 0
        while self._waiting and (count := self._take_first()):
            taken += count
        return taken

    def _take_first(self) -> int:
        """Take in as much as there is room for of the chunk that has waited longest; give how much."""
        chunk, now = self._waiting[0], self._now()
        fits = None if self._is_laden else fitting(self.state, self._readers, chunk, now, self._room)
        if fits is None:
            return 0
        before = len(self.state.rejects)
        self.state = take_in(self.state, fits, now)
        count = len(fits.chunk.records)
        rest = chunk.records[count:]
        self._waiting[:1] = [Chunk(chunk.partition, rest)] if rest else []
        if self.join is not None:
            self.join.meet(self.state.arrivals)
            self.state = replace(self.state, arrivals=())
        self._letters.set_aside(fits.letters, self.state.rejects[before:])
        return count

    def end_input(self) -> None:
        """Set aside what waits for its other half: nothing more comes."""
        self.state = parted(self.state, self.plans, self.clock.now())

    @property
    def _is_laden(self) -> bool:
        return (
            len(self.state.rejects) >= self._room.rejects
            or self._letters.size_bytes >= self._room.letter_bytes
        )

    @property
    def is_full(self) -> bool:
        """Whether to commit before anything more is taken in."""
        return bool(self._waiting) or self._is_laden

    # -- results ----------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Write everything that has been counted, with the cursors, in one transaction."""
        self._now()
        if self.restoring:
            beats = self._beats.after(self.state.partitions, self.clock.now())
            self.store.commit(standing_still(progress(self.state, self.plans, self.clock.now(), beats.due)))
            self._beats = beats
            return
        ends = self.source.end_offsets(frozenset(self.state.partitions))
        self.state = with_log_ends(self.state, ends)
        self._letters.send()
        self.state = put_together(self.state, self.store, self.find)
        beats = self._beats.after(self.state.partitions, self.clock.now())
        counted = progress(self.state, self.plans, self.clock.now(), beats.due)
        if self.join is not None:
            counted = self.join.with_shares(counted, self.store, self.find)
        closed_until = self.store.commit(counted)
        self._beats = beats
        self.state, let_go = lightened(
            committed(self.state, self.plans, closed_until), self._room.window_bytes // 2
        )
        self.reloaded += let_go
        if self.join is not None:
            self.join.committed(counted, self.state.partitions)
        self.source.commit({tp: part.next for tp, part in self.state.partitions.items()})

    def may_close(self) -> bool:
        """Tell whether event time, in all partitions read here, has passed a window's end lately."""
        return self._closer.may_close(passed(self.state.partitions, self.plans))

    def close_windows(
        self, *, everything: bool = False, is_stopping: Callable[[], bool] = lambda: False
    ) -> tuple[ClosingReport, ...]:
        """Judge every window that has ended in all partitions, and what labels have settled, one at a time.

        ``everything`` is for inputs that have an end: windows that no partition has passed are judged too.
        ``is_stopping`` ends a long backlog early; the next process goes on with it.
        """
        if self.restoring:
            return ()  # rows that belong into open windows are still to be read
        reached = passed(self.state.partitions, self.plans)
        return self._closer.close(
            self.store,
            self.plans,
            reached,
            self.find,
            self.join,
            everything=everything,
            is_stopping=is_stopping,
        )

    def send_digests(self) -> None:
        """Put the digests whose time has come into the outbox."""
        to = self._speaking
        self._digests.run(self.store, to.digests, to.routes, to.services, self.clock.now())

    def flush_alerts(self) -> tuple[Alert, ...]:
        """Put the messages of groups whose time has come into the outbox; return the alerts told about."""
        return flush_due(self.store, self.plans, self._speaking, self.clock.now())


def _terms(plan: ModelPlan) -> tuple[Terms | None, Pair | None]:
    return None if plan.labels is None else plan.labels.terms, plan.settings.fields.pair
