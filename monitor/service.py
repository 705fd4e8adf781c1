"""The long-lived service: polls, commits, judges and tells, through outages, until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.breaker import Breaker
from monitor.clock import Clock
from monitor.config import Limits, Service
from monitor.engine import Engine
from monitor.errors import Fenced, JoinError, RegistryError, SourceError, StoreError
from monitor.gauges import Gauges
from monitor.heap import give_back
from monitor.housekeeping import Housekeeping
from monitor.log import logger
from monitor.reporting import tell
from monitor.source.base import Chunk, Polled, Record, TopicPartition, record_bytes
from monitor.together import tell_sharing
from monitor.web.health import HealthState

log = logger(__name__)

_POLL_S = 0.25
_CLOSE_EVERY_S = 5.0
"""Windows may end without a message, when a partition falls idle: look again this often."""
_CLOSE_AT_MOST_S = 15.0
"""Judging a backlog leaves time for polls: Kafka takes partitions from a process that does not poll."""
_SLOW_S = 5.0
_OUTAGE_FIRST_S = 0.5
_OUTAGE_LONGEST_S = 15.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is taken in at once, and how often it is written."""

    batch_rows: int
    batch_interval_s: float
    commit_interval_s: float
    max_poll_records: int
    batch_bytes: int = 1 << 26

    @classmethod
    def of(cls, limits: Limits, service: Service, max_poll_records: int) -> Pace:
        return cls(
            limits.batch_rows,
            limits.batch_interval.seconds,
            service.commit_interval.seconds,
            max_poll_records,
            limits.batch_bytes,
        )


class Loop:
    """The service's one loop. Only this thread touches the engine and the source."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        pace: Pace,
        breaker: Breaker,
        health: HealthState,
        gauges: Gauges,
        housekeeping: Housekeeping,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._pace = pace
        self._breaker = breaker
        self._health = health
        self._gauges = gauges
        self._housekeeping = housekeeping
        self._committed_s = clock.monotonic()
        self._looked_s = clock.monotonic()
        self._outage_s = 0.0
        self._outages = 0
        self._was_restoring = False
        self._is_crowded = False

    def run(self, stop: threading.Event) -> None:
        """Turn until told to stop, then write what has been counted.

        Raises `TooManyRejects` when the stream cannot be read, having written nothing of the bad stretch.
        """
        while not stop.is_set():
            self.turn(stop)
        self.finish()

    def turn(self, stop: threading.Event) -> None:
        """Do one round; an outage of Kafka or the database is waited out here, never raised."""
        try:
            self._work(stop)
        except StoreError as error:
            self._wait(stop, "database", error)
        except SourceError as error:
            self._wait(stop, "kafka", error)
        except RegistryError as error:
            if self._engine.join is not None and self._engine.join.restoring:
                self._engine.abandon()  # what was read again and what was not cannot be told apart
            self._wait(stop, "registry", error)
        except JoinError as error:
            self._engine.abandon()  # what the table took and what it did not cannot be told apart
            self._wait(stop, "state_dir", error)
        except Fenced as error:
            log.warning("another process has taken over; reading on from its position", detail=str(error))
            self._engine.abandon()
        else:
            self._recovered()
        self._health.tick()

    def finish(self) -> None:
        """Write what has been counted; what cannot be written now is read again after the next start."""
        try:
            if self._engine.state.partitions:
                self._engine.commit()
        except (StoreError, SourceError, JoinError, Fenced) as error:
            log.warning(
                "stopped without a last commit; the next start reads on from the cursor", error=str(error)
            )

    def _work(self, stop: threading.Event) -> None:
        self._engine.claim()
        self._tell_of_join()
        chunks, change = self._gather()
        self._take(chunks)
        if change is not None:
            self._reassign(change)
        self._take_rest(stop)
        self._write(stop)

    def _tell_of_join(self) -> None:
        """Say when messages are read again for the join, and when predictions had to be forgotten."""
        if (join := self._engine.join) is None:
            return
        restoring = join.restoring
        if restoring and not self._was_restoring:
            log.info("reading messages again that the join's table lacks", messages=restoring)
        elif self._was_restoring and not restoring and self._engine.state.partitions:
            log.info("the join's table is complete")
        self._was_restoring = bool(restoring)
        if evicted := self._gauges.joined(restoring, join.evicted, join.joined, join.shed_rows):
            log.warning(
                "predictions were forgotten before their labels came: raise limits.join_bytes",
                predictions=evicted,
            )

    def _reassign(self, change: Polled) -> None:
        if change.assigned or change.revoked:
            assigned, revoked = (sorted(map(str, each)) for each in (change.assigned, change.revoked))
            log.info("partitions changed", assigned=assigned, revoked=revoked)
        for lost in change.lost:
            log.error(
                "messages lost before they were read: the broker no longer holds them",
                partition=str(lost.partition),
                wanted_offset=lost.wanted,
                available_offset=lost.available,
            )
        self._engine.assignment(change)
        self._take(change.chunks)  # first: to claim is to go back to where counting stands
        self._engine.claim()
        tell_sharing(self._engine)

    def _gather(self) -> tuple[list[Chunk], Polled | None]:
        """Poll until there is a batch's worth, the assignment changes, or the broker goes away.

        What was polled before that is taken in: the source does not bring it again.
        """
        pace, clock = self._pace, self._clock
        records: dict[TopicPartition, list[Record]] = {}
        rows = length = 0
        end_s = clock.monotonic() + pace.batch_interval_s
        while (
            rows < pace.batch_rows and length < pace.batch_bytes and (left_s := end_s - clock.monotonic()) > 0
        ):
            try:
                polled = self._engine.source.poll(min(left_s, _POLL_S), pace.max_poll_records)
            except SourceError:
                if not records:
                    raise
                break  # it is raised again by the next poll, if it lasts
            if polled.assigned or polled.revoked or polled.lost:
                return _joined(records), polled
            for chunk in polled.chunks:
                records.setdefault(chunk.partition, []).extend(chunk.records)
                rows += len(chunk.records)
                length += sum(map(record_bytes, chunk.records))
        return _joined(records), None

    def _take(self, chunks: Sequence[Chunk]) -> None:
        """Count messages, as many as there is room for."""
        before = len(self._engine.state.rejects)
        taken = self._engine.take(chunks)
        if taken:
            self._breaker.saw(taken, self._engine.state.rejects[before:])

    def _take_rest(self, stop: threading.Event) -> None:
        """Make room by committing until everything has been counted; what is not is read again."""
        while self._engine.is_full and not stop.is_set():
            self._commit()
            self._take(())
            self._health.tick()

    def _commit(self) -> None:
        self._gauges.before_commit(self._engine.state)
        begun_s = self._clock.monotonic()
        with self._gauges.writing():
            self._engine.commit()
        self._committed_s = self._clock.monotonic()
        if self._committed_s - begun_s > _SLOW_S:
            log.warning("the database is slow", commit_s=round(self._committed_s - begun_s, 1))
        reloaded = self._gauges.after_commit(self._engine.state, self._engine.reloaded)
        if reloaded and not self._is_crowded:
            log.warning(
                "open windows have no room: their counts are read back from the database, which takes time; "
                "raise limits.window_bytes",
                windows=reloaded,
            )
        self._is_crowded = bool(reloaded)

    def _write(self, stop: threading.Event) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._committed_s < self._pace.commit_interval_s:
            return
        self._commit()
        if self._engine.may_close() or now_s - self._looked_s >= _CLOSE_EVERY_S:
            self._looked_s = now_s
            self._close(stop)
            self._engine.flush_alerts()
            self._engine.send_digests()
            self._housekeeping.run(self._clock.now())
            give_back()

    def _close(self, stop: threading.Event) -> None:
        """Judge what has ended; what takes longer is gone on with in the next turn."""
        end_s = self._clock.monotonic() + _CLOSE_AT_MOST_S

        def is_enough() -> bool:
            self._health.tick()
            return stop.is_set() or self._clock.monotonic() >= end_s

        reports = self._engine.close_windows(is_stopping=is_enough)
        for report in reports:
            self._gauges.closed(report)
            tell(report)
        if is_enough():
            self._looked_s = float("-inf")

    def _wait(self, stop: threading.Event, what: str, error: Exception) -> None:
        """Stay in the group, read nothing, and try again after a growing pause."""
        self._outages += not self._outage_s
        self._outage_s = min(_OUTAGE_LONGEST_S, max(_OUTAGE_FIRST_S, self._outage_s * 2))
        self._health.not_ready(what, str(error))
        log.warning(
            "waiting for what is away",
            what=what,
            error=str(error),
            wait_s=self._outage_s,
            outage=self._outages,
        )
        self._engine.source.pause()
        begun_s = self._clock.monotonic()
        end_s = begun_s + self._outage_s
        while not stop.is_set() and (left_s := end_s - self._clock.monotonic()) > 0:
            if what == "kafka":
                self._clock.wait(stop, min(left_s, _POLL_S))
                continue
            try:
                self._engine.assignment(self._engine.source.poll(min(left_s, _POLL_S), 1))
            except SourceError:
                self._clock.wait(stop, min(left_s, _POLL_S))
            self._health.tick()
        self._gauges.metrics.paused_seconds.labels(cause=what).inc(self._clock.monotonic() - begun_s)
        self._committed_s = float("-inf")  # write as soon as it is possible again

    def _recovered(self) -> None:
        if self._outage_s:
            self._outage_s = 0.0
            self._engine.source.resume()
            log.info("back after an outage")
        for cause in ("starting", "database", "kafka", "registry", "state_dir"):
            self._health.ready(cause)


def _joined(records: dict[TopicPartition, list[Record]]) -> list[Chunk]:
    return [Chunk(partition, found) for partition, found in records.items()]
