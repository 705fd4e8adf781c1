"""The engine: messages in, rows in the results database out. Kafka, files and tests all feed this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from alerts.flush import flush
from alerts.grouping import plan as due
from alerts.model import Alert
from alerts.notice import Context
from alerts.routes import Route
from alerts.timetable import Timetable
from detectors.reference import Reference
from detectors.reference_wire import decode as decode_reference
from monitor.beats import Beats
from monitor.claiming import claimed
from monitor.clock import CLOCKS_DIFFER, Clock
from monitor.closing import ClosingReport, close_ended
from monitor.digesting import Digests
from monitor.intake import (
    State,
    committed,
    progress,
    shifted,
    standing_still,
    take_in,
)
from monitor.join.joiner import Terms
from monitor.join.keeper import JoinKeeper
from monitor.opened import MIXED, completed
from monitor.performance.holds import performance_holds
from monitor.performance.settle import settle
from monitor.plan import ModelPlan
from monitor.readers import Readers
from monitor.room import Room, fitting, lightened
from monitor.source.base import Chunk, Polled, Record, Source, Start, TopicPartition, record_bytes
from monitor.steps import Steps
from monitor.store.base import Alerting, Gap, Reject, Store
from monitor.windows import NEVER_MS

_WINDOWS_A_LOCK = 16
"""Windows judged in one transaction, at most: a long backlog is written in steps."""
_QUICK_S, _LONG_S = 1.0, 5.0
"""A transaction that takes less may hold more windows, one that takes more has to hold fewer."""


class DeadLetterBox(Protocol):
    """Where messages that could not be used are put, whole."""

    def keep(self, letters: Sequence[tuple[Record, Reject]]) -> None:
        """Store them; raises `SourceError` when they cannot be."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """To whom alerts are told; no services: to nobody."""

    services: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    schema: str = ""
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    digests: Mapping[str, Timetable] = field(default_factory=dict)


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
        self.plans = dict(plans)
        self.clock = clock
        self.state = State()
        self._start = start
        self._speaking = speaking or Speaking()
        self._dead_letters = dead_letters
        self._dead: list[tuple[Record, Reject]] = []
        self._dead_bytes = 0
        self._room = room or Room()
        self._waiting: list[Chunk] = []
        self.reloaded = 0
        self._unclaimed: set[TopicPartition] = set()
        self._at_once = _WINDOWS_A_LOCK // 4
        self._steps = Steps(clock)
        self._references = {plan.reference.id: plan.reference for plan in plans.values()}
        self._join = join
        self._looked: dict[str, int] = {}
        self._beats = Beats(process)
        self._digests = Digests()
        self._follow()

    def _follow(self) -> None:
        """Read and join as the plans say."""
        self._readers = Readers.of(self.plans.values())
        if self._join is not None:
            self._join.follow(self.plans)

    def replace_plans(self, plans: Mapping[str, ModelPlan], speaking: Speaking) -> None:
        """Go on with other plans; windows that are open keep the counts of the reference they began with.

        A window during which the reference changes is judged inconclusive.
        """
        means_otherwise = any(
            name in self.plans and _terms(plan) != _terms(self.plans[name]) for name, plan in plans.items()
        )
        self.plans = dict(plans)
        self._speaking = speaking
        if means_otherwise:
            self.abandon()  # what waits for labels means something else now: it is read again
        self._references = {plan.reference.id: plan.reference for plan in plans.values()}
        self._follow()

    # -- partitions -------------------------------------------------------------------------------------

    def assignment(self, polled: Polled) -> None:
        """Note what the group decided: forget what went, remember what is to be claimed."""
        if polled.revoked or (polled.assigned and self._join is not None):
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
        now = self.clock.now()
        part = self.state.partitions.get(partition)
        if part is None:
            return
        if self._join is not None and self._join.is_restoring(partition):
            self.source.seek({partition: available})
            self._join.skip(partition, available)
            self._read_on_when_restored()
            return
        gap = Gap(partition, wanted, available, now)
        self.state = replace(
            self.state,
            partitions={**self.state.partitions, partition: replace(part, next=available)},
            gaps=(*self.state.gaps, gap),
        )
        self.source.seek({partition: available})

    def claim(self) -> None:
        """Load the cursors of newly assigned partitions and begin to read them.

        What the database has of their open windows is put together with new counts when these are committed.
        """
        new = frozenset(self._unclaimed)
        if not new:
            return
        states, begun = claimed(
            new, self.source, self.store, self.plans.values(), self._start, self.clock.now()
        )
        closed_until = {**self.state.closed_until, **self.store.closed_until()}
        positions: Mapping[TopicPartition, int] = {}
        if self._join is not None:
            now_ms = int(self.clock.now().timestamp() * 1000)
            positions = self._join.begin(states, self.source.offsets_at, now_ms)
            self._join.hold_challengers(self.store)  # before the first rows are sampled
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
        return 0 if self._join is None else self._join.restoring

    @property
    def shed_rows(self) -> Mapping[str, int]:
        """Rows that challengers did not learn from because they were busy, by model."""
        return {} if self._join is None else self._join.shed_rows

    @property
    def labels_joined(self) -> Mapping[str, int]:
        """Labels that met their predictions in time, by model."""
        return {} if self._join is None else self._join.joined

    @property
    def evicted(self) -> int:
        """Predictions that were forgotten before their labels came, because the join's table was full."""
        return 0 if self._join is None else self._join.evicted

    def find(self, reference_id: str) -> Reference | None:
        """Give a reference by its id, from memory or the database."""
        if reference_id not in self._references and reference_id != MIXED:
            row = self.store.reference(reference_id)
            if row is not None:
                self._references[reference_id] = decode_reference(row.payload)
        return self._references.get(reference_id)

    def abandon(self) -> None:
        """Forget everything since the last commit; all partitions are to be claimed again."""
        self._unclaimed |= self.state.partitions.keys()
        self.state = State(closed_until=self.state.closed_until)
        self._forget_dead()
        self._waiting.clear()
        if self._join is not None:
            self._join.abandon()

    def _forget_dead(self) -> None:
        self._dead.clear()
        self._dead_bytes = 0

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
        if self._join is not None and self.restoring:
            self._join.restore(self._waiting, self._readers, self.clock.now())
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
        if self._join is not None:
            self._join.meet(self.state.arrivals)
            self.state = replace(self.state, arrivals=())
        if self._dead_letters is not None and len(self.state.rejects) > before:
            self._set_aside([fits.chunk], self.state.rejects[before:])
        return count

    @property
    def _is_laden(self) -> bool:
        return len(self.state.rejects) >= self._room.rejects or self._dead_bytes >= self._room.letter_bytes

    @property
    def is_full(self) -> bool:
        """Whether to commit before anything more is taken in."""
        return bool(self._waiting) or self._is_laden

    def _set_aside(self, chunks: Iterable[Chunk], rejects: Iterable[Reject]) -> None:
        wanted = {(reject.partition, reject.offset): reject for reject in rejects}
        for chunk in chunks:
            for record in chunk.records:
                reject = wanted.get((chunk.partition, record.offset))
                if reject is not None:
                    self._dead.append((record, reject))
                    self._dead_bytes += record_bytes(record)

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
        self.state = replace(
            self.state,
            partitions={
                tp: replace(part, log_end=ends.get(tp, part.log_end))
                for tp, part in self.state.partitions.items()
            },
        )
        if self._dead_letters is not None and self._dead:
            self._dead_letters.keep(self._dead)
            self._forget_dead()
        self._complete()
        beats = self._beats.after(self.state.partitions, self.clock.now())
        counted = progress(self.state, self.plans, self.clock.now(), beats.due)
        if self._join is not None:
            counted = self._join.with_shares(counted, self.store, self.find)
        closed_until = self.store.commit(counted)
        self._beats = beats
        self.state, let_go = lightened(
            committed(self.state, self.plans, closed_until), self._room.window_bytes // 2
        )
        self.reloaded += let_go
        if self._join is not None:
            self._join.committed(counted, self.state.partitions)
        self.source.commit({tp: part.next for tp, part in self.state.partitions.items()})

    def _complete(self) -> None:
        """Put what the database has of windows to what was counted of them since."""
        partitions = dict(self.state.partitions)
        for tp, part in partitions.items():
            keys = [key for key, opened in part.open.items() if not opened.is_whole]
            if keys:
                stored = self.store.open_windows([tp], keys)
                partitions[tp] = replace(part, open=completed(part.open, stored, self.find))
        self.state = replace(self.state, partitions=partitions)

    def may_close(self) -> bool:
        """Tell whether event time, in all partitions read here, has passed a window's end lately."""
        return any(passed > self._looked.get(model, NEVER_MS) for model, passed in self._passed().items())

    def _passed(self) -> dict[str, int]:
        """Give, per model, the latest window whose end event time has passed in all partitions read here."""
        reached: dict[str, int] = {}
        for tp, part in self.state.partitions.items():
            for model, event_ms in part.event_ms.items():
                if model in self.plans and tp.topic in self.plans[model].settings.topics:
                    reached[model] = min(event_ms, reached.get(model, event_ms))  # labels' time closes none
        return {
            model: (event_ms - self.plans[model].lateness_ms) // self.plans[model].window_ms
            for model, event_ms in reached.items()
        }

    def close_windows(
        self, *, everything: bool = False, is_stopping: Callable[[], bool] = lambda: False
    ) -> tuple[ClosingReport, ...]:
        """Judge every window that has ended in all partitions, and what labels have settled, one at a time.

        ``everything`` is for inputs that have an end: windows that no partition has passed are judged too.
        ``is_stopping`` ends a long backlog early; the next process goes on with it.
        """
        reports: list[ClosingReport] = []
        if self.restoring:
            return ()  # rows that belong into open windows are still to be read
        passed = self._passed()
        for plan in self.plans.values():
            while not is_stopping():
                with self.store.lock(plan.name) as lock:
                    if lock is None:
                        break
                    self._looked[plan.name] = passed.get(plan.name, NEVER_MS)
                    begun_s, at_once = self.clock.monotonic(), self._at_once
                    report = close_ended(
                        lock, plan, self.find, self.clock.now(), at_once, everything=everything
                    )
                    settled = settle(lock, plan, self.find, self.clock.now(), at_once, everything=everything)
                    if self._join is not None:
                        self._join.write_warnings(lock, plan, self.clock.now())
                    report.add(settled)
                    report.seconds = self.clock.monotonic() - begun_s
                reports.append(report)
                self._pace(report.seconds)
                if max(report.windows, settled.published, settled.stepped) < at_once:
                    break
        return tuple(reports)

    def _pace(self, seconds: float) -> None:
        """Keep transactions short, however slow the database is."""
        if seconds < _QUICK_S:
            self._at_once = min(_WINDOWS_A_LOCK, 2 * self._at_once)
        elif seconds > _LONG_S:
            self._at_once = max(1, self._at_once // 2)

    def send_digests(self) -> None:
        """Put the digests whose time has come into the outbox."""
        to = self._speaking
        self._digests.run(self.store, to.digests, to.routes, to.services, self.clock.now())

    def flush_alerts(self) -> tuple[Alert, ...]:
        """Put the messages of groups whose time has come into the outbox; return the alerts told about."""
        now = self.clock.now()
        told: list[Alert] = []
        waits = [max(plan.alerting.group_wait, plan.alerting.group_interval) for plan in self.plans.values()]
        latest = now + max(waits, default=timedelta(0)) + CLOCKS_DIFFER
        for model in self.store.models_to_flush(now, latest):
            plan = self.plans.get(model)
            if plan is None:
                continue
            with self.store.lock(model) as lock:
                if lock is None:
                    continue
                alerts, silences = lock.alerts(), lock.silences()
                for group in due(lock.groups(), now, latest):
                    speaking = self._speaking
                    context = Context(
                        model_version=plan.settings.version,
                        links=speaking.links.get(model, {}),
                        budget=plan.settings.false_alarms,
                        schema=speaking.schema,
                        performance_holds=performance_holds(self.store, model),
                    )
                    after, notifications = flush(
                        group,
                        alerts,
                        silences,
                        speaking.routes,
                        speaking.services,
                        lock.sent(group.key),
                        plan.alerting,
                        now,
                        context,
                    )
                    lock.write(Alerting(groups=(after,), notifications=notifications))
                    told.extend(alerts if notifications else ())
        return tuple(told)


def _terms(plan: ModelPlan) -> Terms | None:
    return None if plan.labels is None else plan.labels.terms
