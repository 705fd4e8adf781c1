"""The results database in SQL: Postgres for any number of processes, SQLite for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DBAPIError

from alerts.mute import Silence
from alerts.outgoing import Notification
from monitor.errors import Fenced
from monitor.source.base import TopicPartition
from monitor.store import (
    alerting,
    configs,
    days,
    deployments,
    digests,
    doubt,
    halves,
    history,
    labels,
    loading,
    migrate,
    outbox,
    progress,
    references,
    retention,
    sequential,
)
from monitor.store.base import (
    Advance,
    ChallengerResult,
    ClosedWindow,
    ConfigRow,
    DayCounts,
    Deployment,
    DigestTurn,
    JoinedWindow,
    LearnedWindow,
    Lease,
    ModelLock,
    OpenWindow,
    Outbound,
    PartitionClock,
    Progress,
    ReferenceRow,
    Store,
    View,
    WaitingHalf,
)
from monitor.store.closing import SqlModelLock, take
from monitor.store.connect import Database, parse_url
from monitor.store.public import PUBLIC
from monitor.store.tables import reference
from monitor.store.views import read_view

COMMITS_WAIT_S = 2.0  # how long judging waits for commits of the same model
SQLITE_LOCK_WAIT_S = 0.05


def open_store(
    url: str,
    schema: str = "driftd",
    *,
    statement_timeout_s: float = 30.0,
    idle_timeout_s: float = 300.0,
) -> Store:
    """Open the results database; nothing is sent to it yet, and nothing is made in it.

    ``sqlite://`` is a database of its own that vanishes with the store. ``idle_timeout_s`` is how long a
    process that hangs inside a transaction may hold what it locked (Postgres).
    """
    parsed = parse_url(url)
    in_schema = schema if parsed.get_backend_name() == "postgresql" else None
    return SqlStore(Database(parsed, in_schema, statement_timeout_s, idle_timeout_s))


class SqlStore:
    """`Store` on one `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._in_doubt: tuple[Advance, ...] = ()

    def check_schema(self) -> None:
        with self._database.reading() as connection:
            migrate.check(connection, self._database)

    def upgrade_schema(self) -> None:
        migrate.upgrade(self._database)

    def beat(self, deployment: Deployment) -> tuple[Deployment, ...]:
        with self._database.writing() as connection:
            migrate.check(connection, self._database)
            deployments.beat(connection, deployment)
        with self._database.reading() as connection:  # after the commit: of two, one at least sees both
            return deployments.deployments(connection)

    def leave(self, deployment_id: str) -> None:
        with self._database.writing() as connection:
            deployments.leave(connection, deployment_id)

    def register_models(self, models: Iterable[str], at: datetime) -> None:
        with self._database.writing() as connection:
            references.register_models(connection, models, at)

    def register_config(self, config: ConfigRow) -> None:
        with self._database.writing() as connection:
            configs.register_config(connection, config)

    def add_reference(self, row: ReferenceRow) -> None:
        with self._database.writing() as connection:
            references.add_reference(connection, row)

    def activate_reference(self, model: str, reference_id: str) -> bool:
        with self._database.writing() as connection:
            return references.activate_reference(connection, model, reference_id)

    def describe_reference(self, reference_id: str, payload: bytes) -> None:
        with self._database.writing() as connection:
            references.describe_reference(connection, reference_id, payload)

    def references(self, model: str | None = None) -> tuple[ReferenceRow, ...]:
        with self._database.reading() as connection:
            return references.references(connection, model)

    def active_reference(self, model: str) -> ReferenceRow | None:
        with self._database.reading() as connection:
            return references.one_reference(connection, reference.c.model == model, reference.c.active)

    def reference(self, reference_id: str) -> ReferenceRow | None:
        with self._database.reading() as connection:
            return references.one_reference(connection, reference.c.id == reference_id)

    def cursors(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        with self._database.reading() as connection:
            return progress.cursors(connection, partitions)

    def watched(self) -> frozenset[str]:
        with self._database.reading() as connection:
            return progress.watched_entries(connection)

    def partition_clocks(self, partitions: Iterable[TopicPartition]) -> tuple[PartitionClock, ...]:
        with self._database.reading() as connection:
            return loading.partition_clocks(connection, partitions)

    def clocks_behind(self, models: Iterable[str]) -> tuple[PartitionClock, ...]:
        with self._database.reading() as connection:
            return loading.clocks_behind(connection, models)

    def open_windows(
        self, partitions: Iterable[TopicPartition], keys: Iterable[tuple[str, int]] | None = None
    ) -> tuple[OpenWindow, ...]:
        with self._database.reading() as connection:
            return loading.open_windows(connection, partitions, keys)

    def halves(self, partitions: Iterable[TopicPartition]) -> tuple[WaitingHalf, ...]:
        with self._database.reading() as connection:
            return halves.halves(connection, partitions)

    def joined_windows(
        self, model: str, partition: TopicPartition, starts_ms: Iterable[int]
    ) -> tuple[JoinedWindow, ...]:
        with self._database.reading() as connection:
            return labels.joined_windows(connection, model, partition, starts_ms)

    def learned_windows(
        self, model: str, partition: TopicPartition, starts_ms: Iterable[int]
    ) -> tuple[LearnedWindow, ...]:
        with self._database.reading() as connection:
            return labels.learned_windows(connection, model, partition, starts_ms)

    def challenger_results(self, model: str, since_ms: int) -> tuple[ChallengerResult, ...]:
        with self._database.reading() as connection:
            return sequential.challenger_since(connection, model, since_ms)

    def hold_challenger(self, lease: Lease, now: datetime) -> bool:
        with self._database.writing() as connection:
            return sequential.hold(connection, lease, now)

    def challenger_leases(self) -> tuple[Lease, ...]:
        with self._database.reading() as connection:
            return sequential.leases(connection)

    def closed_until(self) -> Mapping[str, int]:
        with self._database.reading() as connection:
            return loading.closed_until(connection)

    def closed_windows(self, model: str, from_ms: int, until_ms: int, limit: int) -> tuple[ClosedWindow, ...]:
        with self._database.reading() as connection:
            return history.closed_windows(connection, model, from_ms, until_ms, limit)

    def first_counts(self, model: str, from_ms: int | None, until_ms: int, before: datetime) -> int | None:
        with self._database.reading() as connection:
            return days.first_counts(connection, model, from_ms, until_ms, before)

    def roll_up(self, day: DayCounts, starts_ms: tuple[int, ...], rows: int) -> bool:
        with self._database.writing() as connection:
            is_done = days.roll_up(connection, day, starts_ms, rows)
            if not is_done:
                connection.rollback()
            return is_done

    def day_of(self, model: str, start_ms: int, reference_id: str) -> DayCounts | None:
        with self._database.reading() as connection:
            return days.day_of(connection, model, start_ms, reference_id)

    def commit(self, batch: Progress) -> Mapping[str, int]:
        is_again = bool(self._in_doubt) and doubt.same_moves(self._in_doubt, batch.advances)
        if is_again and self._took_place(batch.advances):
            return self._closed_until_of(batch)
        with self._database.translated(), self._database.for_writing().connect() as connection:
            closed_until = progress.commit(connection, batch)
            try:
                connection.commit()
            except DBAPIError:
                self._in_doubt = batch.advances
                with suppress(DBAPIError):
                    connection.rollback()  # SQLite keeps the transaction, and its lock, when COMMIT fails
                if not self._took_place(batch.advances):
                    raise
        self._in_doubt = ()
        return closed_until

    @contextmanager
    def lock(self, model: str) -> Iterator[ModelLock | None]:
        engine = self._database.for_writing(SQLITE_LOCK_WAIT_S)
        with self._database.translated(), engine.connect() as connection:
            if not take(connection, model, COMMITS_WAIT_S):
                yield None
                return
            yield SqlModelLock(connection, model)
            connection.commit()

    def models_to_flush(self, now: datetime, latest: datetime | None = None) -> tuple[str, ...]:
        with self._database.reading() as connection:
            return alerting.models_to_flush(connection, now, latest)

    @contextmanager
    def digest(self, service: str) -> Iterator[DigestTurn | None]:
        with self._database.writing() as connection:
            yield digests.take(connection, service)

    def enqueue(self, notification: Notification) -> None:
        with self._database.writing() as connection:
            outbox.write_notifications(connection, [notification])

    def claim(
        self, services: Iterable[str], now: datetime, lease_s: float, limit: int
    ) -> tuple[Outbound, ...]:
        with self._database.writing() as connection:
            return outbox.claim(connection, services, now, lease_s, limit)

    def mark_sent(self, outbound_id: int, at: datetime) -> None:
        with self._database.writing() as connection:
            outbox.mark_sent(connection, outbound_id, at)

    def mark_failed(self, outbound_id: int, error: str, retry_at: datetime | None) -> None:
        with self._database.writing() as connection:
            outbox.mark_failed(connection, outbound_id, error, retry_at)

    def view(
        self,
        name: View,
        *,
        model: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        where: Mapping[str, Any] | None = None,
        limit: int | None = None,
        newest_first: bool = True,
    ) -> list[dict[str, Any]]:
        equal = dict(where or {}) | ({} if model is None else {"model": model})
        with self._database.reading() as connection:
            return read_view(
                connection, PUBLIC[name], equal=equal, since=since, until=until, limit=limit,
                newest_first=newest_first,
            )  # fmt: skip

    def progress_rows(self) -> list[dict[str, Any]]:
        with self._database.reading() as connection:
            return loading.progress_rows(connection)

    def delete_older(
        self, results_before: datetime | None, counts_before: datetime | None, limit: int
    ) -> int:
        with self._database.writing() as connection:
            return retention.delete_older(connection, results_before, counts_before, limit)

    def add_silence(self, silence: Silence) -> int:
        with self._database.writing() as connection:
            return alerting.add_silence(connection, silence)

    def expire_silence(self, silence_id: int, at: datetime) -> bool:
        with self._database.writing() as connection:
            return alerting.expire_silence(connection, silence_id, at)

    def silences(self) -> tuple[Silence, ...]:
        with self._database.reading() as connection:
            return alerting.all_silences(connection)

    def close_connections(self) -> None:
        self._database.close()

    def _took_place(self, advances: tuple[Advance, ...]) -> bool:
        """Whether a commit whose answer was lost took place; raises `Fenced` when that cannot be told."""
        with self._database.writing() as connection:
            found = doubt.took_place(connection, advances)
            connection.rollback()
        if found is None:
            raise Fenced(f"the answer to a commit was lost and another process has read on: {advances}")
        self._in_doubt = ()
        return found

    def _closed_until_of(self, batch: Progress) -> Mapping[str, int]:
        names = progress.touched(batch)
        return {name: until for name, until in self.closed_until().items() if name in names}
