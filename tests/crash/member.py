"""A process of a simulation, that may end at any moment: the service's own loop, engine, store and sender."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from random import Random

from prometheus_client import CollectorRegistry

from alerts.outcome import Outcome
from alerts.outgoing import Message
from monitor.breaker import Breaker
from monitor.clock import ManualClock
from monitor.config import Retention
from monitor.engine import Engine
from monitor.errors import StoreError
from monitor.gauges import Gauges
from monitor.housekeeping import Housekeeping
from monitor.join.joiner import Joiner
from monitor.join.keeper import JoinKeeper
from monitor.join.table import JoinTable
from monitor.metrics import Metrics
from monitor.outbox import Outbox
from monitor.plan import ModelPlan
from monitor.service import Loop, Pace
from monitor.source.base import Polled, Start, TopicPartition
from monitor.source.memory import MemoryBroker, MemorySource
from monitor.store.base import ModelLock, Store
from monitor.store.connect import Database
from monitor.store.sql import SqlStore
from monitor.telling import Speaking
from monitor.web.health import HealthState
from tests.crash.faults import Faults
from tests.crash.logs import MODEL, SERVICES

NO_LIMIT = 1 << 40
TABLE_BYTES = 1 << 24


class Source(MemorySource):
    """A member of the group in memory whose calls may go wrong; a poll that brings nothing takes its time."""

    def __init__(
        self,
        broker: MemoryBroker,
        topics: Collection[str],
        faults: Faults,
        clock: ManualClock,
        trespasses: list[str],
    ) -> None:
        self._faults = faults
        self._trespasses = trespasses
        self._clock = clock
        super().__init__(broker, topics)

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        call = super().poll
        polled = self._faults.around("source", lambda: call(timeout_s, max_records))
        if polled == Polled():
            self._clock.advance(timeout_s)
        return polled

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Comes after every commit to the database: nothing may have been written that was given up."""
        strange = positions.keys() - self._known
        self._trespasses += (f"trespass: wrote {at}, which was revoked" for at in sorted(strange))
        super().commit(positions)

    def first_offsets(
        self, partitions: frozenset[TopicPartition], start: Start
    ) -> Mapping[TopicPartition, int]:
        call = super().first_offsets
        return self._faults.around("source", lambda: call(partitions, start))

    def offsets_at(self, times_ms: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        call = super().offsets_at
        return self._faults.around("source", lambda: call(times_ms))


class Receiver:
    """Counts what has reached the people."""

    names = SERVICES

    def __init__(self, faults: Faults, got: list[tuple[str, Message]]) -> None:
        self._faults = faults
        self._got = got

    def pause_s(self, service: str) -> float:
        del service
        return 0.0

    def takes_pictures(self, service: str) -> bool:
        return service == "mail"

    def send(self, service: str, message: Message, now: datetime, picture: bytes | None = None) -> Outcome:
        del now, picture
        try:
            self._faults.around("send", lambda: self._got.append((service, message)))
        except OSError as error:
            return Outcome(False, False, str(error))
        return Outcome(True)


class Judging(SqlStore):
    """A store that tells when windows are judged."""

    def __init__(self, database: Database, faults: Faults) -> None:
        super().__init__(database)
        self._faults = faults

    @contextmanager
    def lock(self, model: str) -> Iterator[ModelLock | None]:
        with self._faults.judging(), super().lock(model) as lock:
            yield lock


class Member:
    """A running process."""

    def __init__(
        self, plan: ModelPlan, store: Store, source: Source, receiver: Receiver, clock: ManualClock,
        pace: Pace, start: Start, folder: Path | None,
    ) -> None:  # fmt: skip
        self.source = source
        self.is_in_group = True
        self.is_busy = False
        self._join = None if folder is None else JoinKeeper(Joiner(JoinTable(folder, TABLE_BYTES, "test")))
        speaking = Speaking(services=SERVICES)
        self.engine = Engine(source, store, {MODEL: plan}, clock, start, speaking, join=self._join)
        retention = Retention()
        self.loop = Loop(
            self.engine, clock, pace, Breaker(1.0, NO_LIMIT), HealthState(clock),
            Gauges(Metrics(CollectorRegistry(), "test"), clock, {}), Housekeeping(store, retention),
        )  # fmt: skip
        self.outbox = Outbox(SERVICES[0], store, receiver, clock, Random(1), None)
        self._stop = threading.Event()

    def turn(self) -> None:
        self.loop.turn(self._stop)

    def send(self) -> None:
        """Send what is due next, as the outbox's thread does."""
        with suppress(StoreError):  # the thread tries again later
            self.outbox.send_next()

    def stop(self) -> None:
        """Write what has been counted and leave in order."""
        self.loop.finish()
        if self._join is not None:
            self._join.close()

    def drop(self) -> None:
        """Leave everything as it is: the process is gone."""
        if self._join is not None:
            self._join.joiner.table.close()
