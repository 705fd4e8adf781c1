"""The service with one of its promises broken: schedules that find nothing wrong with these prove nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection

from monitor import claiming, engine, opened, room, writing
from monitor.engine import Engine
from monitor.intake import State
from monitor.outbox import Outbox
from monitor.source.base import Polled
from monitor.store import progress
from monitor.store.base import Advance, Alerting, ModelLock, Outbound, Progress
from monitor.store.closing import SqlModelLock
from monitor.store.halves import write_halves
from monitor.store.sql import SqlStore
from monitor.store.statements import upsert
from monitor.store.tables import cursor

Mutant = AbstractContextManager[Any]


def cursor_in_its_own_transaction() -> Mutant:
    """The position is committed before what was read up to there."""
    real = progress.advance

    def advance(connection: Connection, advances: Sequence[Advance]) -> None:
        real(connection, advances)
        connection.commit()

    return patch.object(progress, "advance", advance)


def no_compare_and_swap() -> Mutant:
    """The cursor is set, wherever it was."""

    def advance(connection: Connection, advances: Sequence[Advance]) -> None:
        rows = [
            {"topic": one.partition.topic, "partition": one.partition.partition,
             "next_offset": one.next, "log_end": one.log_end}
            for one in advances
        ]  # fmt: skip
        upsert(connection, cursor, rows)

    return patch.object(progress, "advance", advance)


def open_window_not_stored() -> Mutant:
    """Counts of open windows stay in memory."""
    return patch.object(progress, "write_windows", lambda *_: None)


def marked_before_sending() -> Mutant:
    """A notification is marked as sent, then sent."""
    real = Outbox._attempt

    def attempt(self: Outbox, outbound: Outbound) -> float:
        self._store.mark_sent(outbound.id, self._clock.now())
        return real(self, outbound)

    return patch.object(Outbox, "_attempt", attempt)


def closing_without_the_lock() -> Mutant:
    """Windows are judged while others commit and judge: each statement sees what is there at that moment."""

    @contextmanager
    def lock(self: SqlStore, model: str) -> Iterator[SqlModelLock]:
        engine_ = self._database.engine.execution_options(sqlite_begin="SELECT 1", sqlite_wait_s=0.0)
        with self._database.translated(), engine_.connect() as connection:
            yield SqlModelLock(connection, model)
            connection.commit()

    return patch.object(SqlStore, "lock", lock)


def revoked_rows_kept() -> Mutant:
    """What was counted of a partition that is another's now is written all the same."""

    def assignment(self: Engine, polled: Polled) -> None:
        self._unclaimed -= polled.revoked
        self._unclaimed |= polled.assigned

    return patch.object(Engine, "assignment", assignment)


def kept_after_fencing() -> Mutant:
    """Late rows and rejects that could not be written are written with what is read again."""
    real = Engine.abandon

    def abandon(self: Engine) -> None:
        late, rejects = self.state.late, self.state.rejects
        real(self)
        self.state = replace(self.state, late=late, rejects=rejects)

    return patch.object(Engine, "abandon", abandon)


def late_rows_counted_twice() -> Mutant:
    """Late rows that were written stay to be written."""
    real = writing.committed

    def committed(state: State, *more: Any) -> State:
        return replace(real(state, *more), late=state.late)

    return patch.object(engine, "committed", committed)


def alerts_outside_the_transaction() -> Mutant:
    """Alerts are written after the windows they come from."""

    @contextmanager
    def lock(self: SqlStore, model: str) -> Iterator[ModelLock | None]:
        later: list[Alerting] = []
        with (
            patch.object(SqlModelLock, "write", lambda _, alerting: later.append(alerting)),
            real(self, model) as held,
        ):
            yield held
        for alerting in later:
            with self._database.writing() as connection:
                write(SqlModelLock(connection, model), alerting)

    real, write = SqlStore.lock, SqlModelLock.write
    return patch.object(SqlStore, "lock", lock)


def stored_counts_forgotten() -> Mutant:
    """Who takes a partition over writes its own counts over those that were there."""
    real = opened.completed
    return patch.object(room, "completed", lambda windows, _, find: real(windows, (), find))


def others_partitions_unknown() -> Mutant:
    """Windows wait only for partitions that somebody has read already."""
    return patch.object(claiming, "_unread", lambda *_: ())


def waiting_halves_not_stored() -> Mutant:
    """Requests and responses wait in memory alone."""
    return patch.object(progress, "write_halves", lambda *_: None)


def met_halves_kept() -> Mutant:
    """Requests and responses that met go on waiting in the database."""
    return patch.object(progress, "delete_halves", lambda *_: None)


def halves_in_their_own_transaction() -> Mutant:
    """What waits is committed before the position."""
    whole = progress.commit

    def commit(connection: Connection, written: Progress) -> Mapping[str, int]:
        write_halves(connection, written.halves)
        connection.commit()
        return whole(connection, written)

    return patch.object(progress, "commit", commit)


def waiting_halves_left_behind() -> Mutant:
    """Who takes a partition over does not look for what waits there."""
    return patch.object(claiming, "_halves", lambda *_: {})


MUTANTS: Mapping[str, Callable[[], Mutant]] = {
    make.__name__: make
    for make in (
        cursor_in_its_own_transaction,
        no_compare_and_swap,
        open_window_not_stored,
        marked_before_sending,
        closing_without_the_lock,
        alerts_outside_the_transaction,
        revoked_rows_kept,
        kept_after_fencing,
        late_rows_counted_twice,
        stored_counts_forgotten,
        others_partitions_unknown,
        waiting_halves_not_stored,
        met_halves_kept,
        halves_in_their_own_transaction,
        waiting_halves_left_behind,
    )
}


def mutated(name: str) -> Mutant:
    """Break this promise for a while; the empty name breaks none."""
    return MUTANTS[name]() if name else nullcontext()
