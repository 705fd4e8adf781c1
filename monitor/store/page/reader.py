"""The page's own connections to the results database, which itself refuses to be written to by them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from alerts.mute import Silence
from monitor.store.alerting import all_silences
from monitor.store.connect import Database, parse_url
from monitor.store.page import alerts, experiment, feature, model, overview, performance
from monitor.store.page.rows import Row

TIMEOUT_S = 10.0
READ_ONLY = {True: "SET default_transaction_read_only = on", False: "PRAGMA query_only = ON"}
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"


class Look:
    """One moment of the database: all that is asked of one look fits together. Times are milliseconds."""

    def __init__(self, connection: Connection) -> None:
        self._on = connection

    def models(self) -> dict[str, int | None]:
        return overview.models(self._on)

    def latest_windows(self, names: Collection[str]) -> list[Row]:
        return overview.windows(self._on, names)

    def worst(self, starts: Mapping[str, int]) -> list[Row]:
        return overview.worst(self._on, starts) if starts else []

    def effects(self, of: Sequence[tuple[str, str, int]]) -> list[Row]:
        return overview.effects(self._on, of) if of else []

    def progress(self) -> list[Row]:
        return overview.progress(self._on)

    def alert_counts(self) -> list[Row]:
        return overview.open_alerts(self._on)

    def latest_start(self, of: str, before_ms: int) -> int | None:
        return model.latest_start(self._on, of, before_ms)

    def features(self, of: str, start_ms: int) -> list[str]:
        return model.features(self._on, of, start_ms)

    def heat(self, of: str, names: Collection[str], multiple: int, start_ms: int, end_ms: int) -> list[Row]:
        return model.heat(self._on, of, names, multiple, start_ms, end_ms)

    def segments(
        self, of: str, names: Collection[str], multiple: int, start_ms: int, end_ms: int
    ) -> list[Row]:
        return model.segments(self._on, of, names, multiple, start_ms, end_ms)

    def pairs(self, of: str, multiple: int, start_ms: int, end_ms: int) -> list[Row]:
        return model.pairs(self._on, of, multiple, start_ms, end_ms)

    def within(self, of: str, name: str, multiple: int, start_ms: int, end_ms: int) -> list[Row]:
        return feature.within(self._on, of, name, multiple, start_ms, end_ms)

    def windows(self, of: str, start_ms: int, end_ms: int, limit: int) -> list[Row]:
        return model.windows(self._on, of, start_ms, end_ms, limit)

    def broken(self, of: str, start_ms: int) -> list[Row]:
        return model.broken(self._on, of, start_ms)

    def tests(self, of: str, name: str, multiple: int, start_ms: int, end_ms: int) -> list[Row]:
        return feature.tests(self._on, of, name, multiple, start_ms, end_ms)

    def counts(self, of: str, name: str, starts_ms: Collection[int]) -> list[tuple[int, bytes]]:
        return feature.counts(self._on, of, name, starts_ms)

    def days(
        self, of: str, name: str, reference_id: str, start_ms: int, end_ms: int
    ) -> list[tuple[int, bytes]]:
        return feature.days(self._on, of, name, reference_id, start_ms, end_ms)

    def reference(self, reference_id: str) -> bytes | None:
        return feature.payload(self._on, reference_id)

    def metrics(self, of: str, multiple: int, start_ms: int, end_ms: int) -> list[Row]:
        return performance.metrics(self._on, of, multiple, start_ms, end_ms)

    def labels(self, of: str, start_ms: int, end_ms: int) -> list[Row]:
        return performance.labels(self._on, of, start_ms, end_ms)

    def challenger(self, of: str, start_ms: int, end_ms: int) -> list[Row]:
        return performance.challenger(self._on, of, start_ms, end_ms)

    def experiment(self, of: str, start_ms: int, end_ms: int) -> list[Row]:
        return experiment.results(self._on, of, start_ms, end_ms)

    def open_alerts(self, of: str | None = None) -> list[Row]:
        return alerts.open_alerts(self._on, of)

    def past_alerts(self, of: str | None, limit: int) -> list[Row]:
        return alerts.past_alerts(self._on, of, limit)

    def alerts_during(self, of: str, start_ms: int, end_ms: int) -> list[Row]:
        return alerts.during(self._on, of, start_ms, end_ms)

    def silences(self) -> tuple[Silence, ...]:
        return all_silences(self._on)


class PageReader:
    """Reads what the page shows, from any thread. Failures that may pass by themselves are `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        event.listen(database.engine, "connect", _forbid_writing(database))

    @contextmanager
    def look(self) -> Iterator[Look]:
        """Look at the database as it is at this moment."""
        with self._database.reading() as connection:
            if self._database.is_postgres:
                connection.exec_driver_sql(SNAPSHOT)
            yield Look(connection)

    def close(self) -> None:
        self._database.close()


def open_reader(url: str, schema: str = "driftd") -> PageReader:
    """Open the results database for reading; nothing is sent to it yet."""
    parsed = parse_url(url)
    in_schema = schema if parsed.get_backend_name() == "postgresql" else None
    return PageReader(Database(parsed, in_schema, TIMEOUT_S, TIMEOUT_S))


def _forbid_writing(database: Database) -> Any:
    def forbid(connection: Any, _: Any) -> None:
        connection.execute(READ_ONLY[database.is_postgres])
        if database.is_postgres:
            connection.commit()

    return forbid
