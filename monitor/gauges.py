"""What the loop tells Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from monitor.clock import Clock
from monitor.closing import ClosingReport
from monitor.intake import PartitionState, State
from monitor.metrics import Metrics
from monitor.room import held_bytes
from monitor.source.base import TopicPartition
from monitor.store.base import Gap
from monitor.windows import NEVER_MS


@dataclass(slots=True)
class Gauges:
    """Turns the engine's state into metrics; counts only what has been committed.

    ``sought`` is the offset to which the source was last told to go, by partition: where reading began in one
    that has no cursor in the database yet. It is a live view, never a copy.
    """

    metrics: Metrics
    clock: Clock
    sought: Mapping[TopicPartition, int]
    _pending: dict[TopicPartition, int] = field(default_factory=dict)
    _rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    _late: Counter[str] = field(default_factory=Counter)
    _tombstones: Mapping[str, int] = field(default_factory=dict)
    _filtered: Mapping[str, int] = field(default_factory=dict)
    _labels: int = 0
    _evicted: int = 0
    _reloaded: int = 0
    _joined: Counter[str] = field(default_factory=Counter)
    _shed: Counter[str] = field(default_factory=Counter)
    _partitions: frozenset[TopicPartition] = frozenset()
    _models: frozenset[str] = frozenset()
    _waiting: frozenset[str] = frozenset()

    def before_commit(self, state: State) -> None:
        """Note what the commit is about to write."""
        read = {tp: self._read(tp, part, state.gaps) for tp, part in state.partitions.items()}
        self._pending = {tp: messages for tp, messages in read.items() if messages > 0}
        self._rejected = Counter((reject.partition.topic, reject.reason) for reject in state.rejects)
        self._late = Counter()
        for (model, _), rows in state.late.items():
            self._late[model] += rows
        self._tombstones = dict(state.tombstones)
        self._filtered = dict(state.filtered)
        self._labels = state.labels

    def _read(self, tp: TopicPartition, part: PartitionState, gaps: Iterable[Gap]) -> int:
        """How many messages a commit adds: from the last one, or from where the partition was claimed."""
        if part.committed is None:  # a gap before the first commit was sought past
            return part.next - self.sought.get(tp, part.next)
        skipped = sum(gap.next_available - gap.first_lost for gap in gaps if gap.partition == tp)
        return part.next - part.committed - skipped

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Time a transaction."""
        start_s = self.clock.monotonic()
        yield
        self.metrics.write_seconds.observe(self.clock.monotonic() - start_s)

    def after_commit(self, state: State, reloaded: int = 0) -> int:
        """Count what the commit has written, and show how far the log goes on.

        ``reloaded`` is the total of windows that had no room; give how many of them are new.
        """
        now_s = self.clock.now().timestamp()
        for tp, messages in self._pending.items():
            self.metrics.consumed.labels(topic=tp.topic).inc(messages)
            self.metrics.last_processed.labels(topic=tp.topic).set(now_s)
        for (topic, reason), count in self._rejected.items():
            self.metrics.rejected.labels(topic=topic, reason=reason).inc(count)
        for model, rows in self._late.items():
            self.metrics.late.labels(model=model).inc(rows)
        for topic, count in self._tombstones.items():
            self.metrics.tombstones.labels(topic=topic).inc(count)
        for model, count in self._filtered.items():
            self.metrics.filtered.labels(model=model).inc(count)
        self.metrics.labels_read.inc(self._labels)
        self._labels = 0
        self._show(state)
        fresh, self._reloaded = _grown(self._reloaded, reloaded), reloaded
        self.metrics.windows_without_room.inc(fresh)
        return fresh

    def _show(self, state: State) -> None:
        open_windows: Counter[str] = Counter(dict.fromkeys(self._models, 0))
        for tp, part in state.partitions.items():
            if part.log_end is not None:
                lag = max(0, part.log_end - part.next)
                self.metrics.lag_records.labels(topic=tp.topic, partition=tp.partition).set(lag)
            open_windows.update(model for model, _ in part.open)
        halves: Counter[str] = Counter(dict.fromkeys(self._waiting, 0))
        for part in state.partitions.values():
            halves.update({model: len(waiting.halves) for model, waiting in part.waiting.items()})
        for model, count in halves.items():
            self.metrics.waiting_halves.labels(model=model).set(count)
        self._waiting = frozenset(halves)
        for model, count in open_windows.items():
            self.metrics.open_windows.labels(model=model).set(count)
        self.metrics.open_window_bytes.set(held_bytes(state))
        self._models = frozenset(open_windows)
        for gone in self._partitions - state.partitions.keys():  # their lag is another process's to tell
            self.metrics.lag_records.remove(gone.topic, gone.partition)
        self._partitions = frozenset(tp for tp, part in state.partitions.items() if part.log_end is not None)

    def joined(
        self, restoring: int, evicted: int, labels: Mapping[str, int], shed_rows: Mapping[str, int]
    ) -> int:
        """Show how the join is doing, from its totals; give how many were evicted since the last call."""
        self.metrics.join_restoring.set(restoring)
        fresh, self._evicted = _grown(self._evicted, evicted), evicted
        self.metrics.join_evicted.inc(fresh)
        for model, total in labels.items():
            self.metrics.labels_joined.labels(model=model).inc(_grown(self._joined[model], total))
            self._joined[model] = total
        for model, total in shed_rows.items():
            self.metrics.challenger_shed.labels(model=model).inc(_grown(self._shed[model], total))
            self._shed[model] = total
        return fresh

    def closed(self, report: ClosingReport) -> None:
        """Count judged windows, and show how far judging is behind."""
        if report.passed_ms is not None and report.passed_ms > NEVER_MS // 2:
            delay_s = self.clock.now().timestamp() - report.passed_ms / 1000
            self.metrics.watermark_delay.labels(model=report.model).set(delay_s)
        if report.published:
            self.metrics.windows_published.labels(model=report.model).inc(report.published)
        if report.windows:
            self.metrics.windows_closed.labels(model=report.model).inc(report.windows)
            self.metrics.evaluation_seconds.labels(model=report.model).observe(
                report.seconds / report.windows
            )
        states = Counter((str(alert.severity), str(alert.status)) for alert in report.standing)
        for severity in ("info", "warning", "critical"):
            for status in ("pending", "firing"):
                self.metrics.alerts.labels(model=report.model, severity=severity, state=status).set(
                    states[severity, status]
                )


def _grown(before: int, total: int) -> int:
    """How much a total has grown; one that is smaller than before has begun anew."""
    return total - before if total >= before else total
