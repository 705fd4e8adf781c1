"""One model's state, held by one process: what is done under the model's row lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Column, Connection, delete, or_, select, text, update
from sqlalchemy.exc import DBAPIError

from alerts.model import Alert
from alerts.mute import Silence
from alerts.outgoing import Group, Sent
from monitor.findings import ExperimentResult, Finding, PerformanceFinding, QualityFinding
from monitor.store import alerting, digests, experiments, history, labels, loading, outbox, sequential
from monitor.store.base import (
    Alerting,
    ChallengerResult,
    Closed,
    ClosedWindow,
    DetectorState,
    ExperimentSum,
    JoinedWindow,
    LearnedWindow,
    OpenWindow,
    PartitionClock,
    WindowFacts,
)
from monitor.store.failures import is_busy
from monitor.store.performance import write_performance
from monitor.store.tables import late_count, model, open_window, partition_clock


def take(connection: Connection, name: str, wait_s: float) -> bool:
    """Lock the model's row; False when another process judges, or when commits take too long."""
    try:
        return lock_row(connection, name, wait_s)
    except DBAPIError as error:
        if is_busy(error):
            return False
        raise


def lock_row(connection: Connection, name: str, wait_s: float) -> bool:
    """Take two steps: the first is refused by another judge only, the second waits for commits.

    Commits hold the row for some milliseconds each, but with many processes there may always be one.
    """
    row = select(model.c.name).where(model.c.name == name)
    if connection.execute(row.with_for_update(key_share=True, skip_locked=True)).first() is None:
        if connection.execute(row).first() is None:
            raise ValueError(f"model {name!r} is not registered: call register_models first")
        return False
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT set_config('lock_timeout', :ms, true)"), {"ms": f"{1000 * wait_s:.0f}"}
        )
    connection.execute(row.with_for_update()).close()  # in SQLite an open cursor would keep reading the past
    return True


class SqlModelLock:
    """`ModelLock` within one transaction."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._model = name

    def closed_until_ms(self) -> int | None:
        return self._until(model.c.closed_until)

    def clocks(self) -> tuple[PartitionClock, ...]:
        return loading.clocks_of(self._connection, partition_clock.c.model == self._model)

    def open_starts(self) -> tuple[int, ...]:
        start = open_window.c.window_start
        query = select(start).distinct().where(open_window.c.model == self._model).order_by(start)
        return tuple(self._connection.execute(query).scalars())

    def open_parts(self, start_ms: int) -> tuple[OpenWindow, ...]:
        of_model = open_window.c.model == self._model
        return loading.windows_of(self._connection, of_model & (open_window.c.window_start == start_ms))

    def closed_windows(self, from_ms: int, until_ms: int, limit: int) -> tuple[ClosedWindow, ...]:
        return history.closed_windows(self._connection, self._model, from_ms, until_ms, limit)

    def window_facts(self, from_ms: int, until_ms: int, limit: int) -> tuple[WindowFacts, ...]:
        return labels.window_facts(self._connection, self._model, from_ms, until_ms, limit)

    def late_rows(self, start_ms: int, segment: str = "") -> int:
        query = select(late_count.c.rows).where(
            late_count.c.model == self._model,
            late_count.c.window_start == start_ms,
            late_count.c.segment == segment,
        )
        return self._connection.execute(query).scalar_one_or_none() or 0

    def alerts(self) -> tuple[Alert, ...]:
        return alerting.current_alerts(self._connection, self._model)

    def groups(self) -> tuple[Group, ...]:
        return alerting.groups_of(self._connection, self._model)

    def sent(self, group_key: str) -> Mapping[str, Sent]:
        return outbox.sent(self._connection, group_key)

    def silences(self) -> tuple[Silence, ...]:
        return alerting.all_silences(self._connection)

    def close(self, closed: Closed) -> None:
        window = closed.window
        history.write_window(self._connection, window)
        self._write(closed)
        for table in (open_window, late_count):
            self._connection.execute(
                delete(table).where(
                    table.c.model == self._model,
                    table.c.window_start == window.start_ms,
                    table.c.segment == window.segment,
                )
            )
        self._move(model.c.closed_until, window.end_ms)

    def _write(self, closed: Closed) -> None:
        """Write what was found; longer windows that ended before this one have its configuration by name."""
        at, end_ms = closed.evaluated_at, closed.window.end_ms
        history.write_quality(self._connection, closed.quality, at, None)
        for ends_here, config_hash in ((True, None), (False, closed.window.config_hash)):
            findings = [one for one in closed.findings if (one.end_ms == end_ms) is ends_here]
            performance = [one for one in closed.performance if (one.end_ms == end_ms) is ends_here]
            history.write_findings(self._connection, findings, at, config_hash)
            write_performance(self._connection, performance, at, config_hash)

    def quality(
        self, findings: tuple[QualityFinding, ...], evaluated_at: datetime, config_hash: str | None = None
    ) -> None:
        history.write_quality(self._connection, findings, evaluated_at, config_hash)

    def findings(
        self, findings: tuple[Finding, ...], evaluated_at: datetime, config_hash: str | None = None
    ) -> None:
        history.write_findings(self._connection, findings, evaluated_at, config_hash)

    def performance(
        self, findings: tuple[PerformanceFinding, ...], evaluated_at: datetime, config_hash: str | None = None
    ) -> None:
        write_performance(self._connection, findings, evaluated_at, config_hash)

    def labelled(self, start_ms: int, rows: int, segment: str = "") -> None:
        labels.set_labelled(self._connection, self._model, start_ms, segment, rows)

    def joined_changed(self, before_ms: int, limit: int) -> tuple[int, ...]:
        return labels.joined_changed(self._connection, self._model, before_ms, limit)

    def joined_parts(self, start_ms: int) -> tuple[JoinedWindow, ...]:
        return labels.joined_parts(self._connection, self._model, start_ms)

    def joined_done(self, start_ms: int) -> None:
        labels.joined_done(self._connection, self._model, start_ms)

    def delete_joined_before(self, until_ms: int) -> int:
        return labels.delete_joined_before(self._connection, self._model, until_ms)

    def published_until_ms(self) -> int | None:
        return self._until(model.c.published_until)

    def publish_until(self, until_ms: int) -> None:
        self._move(model.c.published_until, until_ms)

    def learned_until_ms(self) -> int | None:
        return self._until(model.c.learned_until)

    def learned_starts(self) -> tuple[int, ...]:
        return labels.learned_starts(self._connection, self._model)

    def learned_parts(self, start_ms: int) -> tuple[LearnedWindow, ...]:
        return labels.learned_parts(self._connection, self._model, start_ms)

    def close_learned(self, starts_ms: Iterable[int], until_ms: int) -> None:
        labels.delete_learned(self._connection, self._model, starts_ms)
        self._move(model.c.learned_until, until_ms)

    def detector_states(self) -> tuple[DetectorState, ...]:
        return sequential.states_of(self._connection, self._model)

    def write_detector_states(self, states: Iterable[DetectorState]) -> None:
        sequential.write_states(self._connection, states)

    def experiment_sums(self, sums: tuple[ExperimentSum, ...]) -> None:
        experiments.write_sums(self._connection, sums)

    def experiment_totals(self, experiment: str, from_ms: int, until_ms: int) -> tuple[ExperimentSum, ...]:
        return experiments.totals(self._connection, self._model, experiment, from_ms, until_ms)

    def experiment_results(
        self, results: tuple[ExperimentResult, ...], evaluated_at: datetime, config_hash: str | None = None
    ) -> None:
        experiments.write_results(self._connection, results, evaluated_at, config_hash)

    def latest_challenger(self, limit: int) -> tuple[ChallengerResult, ...]:
        return sequential.latest_challenger(self._connection, self._model, limit)

    def write(self, alerting_: Alerting) -> None:
        alerting.write_alerts(self._connection, self._model, alerting_.alerts)
        alerting.forget_alerts(self._connection, alerting_.forgotten)
        alerting.write_groups(self._connection, alerting_.groups)
        outbox.write_notifications(self._connection, alerting_.notifications)
        digests.note(self._connection, alerting_.noted)

    def _until(self, column: Column[int]) -> int | None:
        query = select(column).where(model.c.name == self._model)
        until: int | None = self._connection.execute(query).scalar_one()
        return until

    def _move(self, column: Column[int], until_ms: int) -> None:
        """Move such a time on, never back."""
        change = update(model).where(model.c.name == self._model, or_(column.is_(None), column < until_ms))
        self._connection.execute(change.values({column: until_ms}))
