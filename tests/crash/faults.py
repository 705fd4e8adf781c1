"""Where things go wrong: whatever a process asks of the world outside passes here and is counted."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Engine as SqlEngine

from monitor.errors import SourceError
from tests.crash.steps import Step, Trouble, Where

T = TypeVar("T")
JUDGING: Mapping[Where, Where] = {"statement": "judging", "commit": "judged"}


class Crash(BaseException):  # no error that anybody may catch: the process is gone
    """The process ends here."""


@dataclass(slots=True)
class _Acting:
    trouble: Trouble | None
    is_judging: bool = False
    passed: Counter[Where] = field(default_factory=Counter)

    def due(self, where: Where) -> Trouble | None:
        """The trouble, when this is its place."""
        self.passed[where] += 1
        found = self.trouble
        if found is None or found.where != where or self.passed[where] != found.nth + 1:
            return None
        self.trouble = None
        return found


class Faults:
    """What may fail of the process that acts now; outside `acting` nothing fails."""

    def __init__(self, do: Callable[[Step], None]) -> None:
        self.is_store_away = False
        self.met: Counter[str] = Counter()
        self._do = do
        self._stack: list[_Acting] = []
        self._waiting: Trouble | None = None

    @contextmanager
    def acting(self, trouble: Trouble | None) -> Iterator[None]:
        """Let this trouble befall what is done inside; one of judging waits until something is judged."""
        self._stack.append(_Acting(trouble or self._waiting))
        self._waiting = None if trouble is None else self._waiting
        try:
            yield
        finally:
            left = self._stack.pop().trouble
            if left is not None and left.where in JUDGING.values() and not self._stack:
                self._waiting = left

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Count what is done inside as part of judging windows."""
        acting = self._stack[-1] if self._stack else _Acting(None)
        acting.is_judging = True
        try:
            yield
        finally:
            acting.is_judging = False

    def around(self, where: Where, operation: Callable[[], T]) -> T:
        """Do the operation, unless it is its turn to go wrong."""
        if not self._stack:
            return operation()
        is_sql = where in {"begin", "statement", "commit"}
        if self._stack[-1].is_judging and where in JUDGING:
            where = JUDGING[where]
        trouble = self._stack[-1].due(where)
        if is_sql and self.is_store_away:
            raise failure(where)
        if trouble is None:
            return operation()
        self.met[f"{trouble.how} {where}"] += 1
        if trouble.how == "meanwhile":
            assert trouble.step is not None
            self._do(trouble.step)
            return operation()
        self.is_store_away = self.is_store_away or (is_sql and trouble.lasts)
        if trouble.how.endswith("after"):
            operation()
        raise Crash if trouble.how.startswith("crash") else failure(where)


Around = Callable[[Where, Callable[[], None]], None]


def watch(engine: SqlEngine, around: Around) -> None:
    """Have every statement and commit of this database pass there."""
    dialect: Any = engine.dialect
    execute, many, commit = dialect.do_execute, dialect.do_executemany, dialect.do_commit

    def do_execute(cursor: Any, statement: str, *more: Any) -> None:
        if statement.startswith("PRAGMA"):
            execute(cursor, statement, *more)
        else:
            where: Where = "begin" if statement.startswith("BEGIN") else "statement"
            around(where, lambda: execute(cursor, statement, *more))

    dialect.do_execute = do_execute
    dialect.do_executemany = lambda *all_: around("statement", lambda: many(*all_))
    dialect.do_commit = lambda connection: around("commit", lambda: commit(connection))


def failure(where: Where) -> Exception:
    """What the library raises when this is away."""
    if where == "source":
        return SourceError("the broker did not answer")
    if where == "send":
        return OSError("the service did not answer")
    error = sqlite3.OperationalError("the database is away")
    error.sqlite_errorname = "SQLITE_IOERR"
    return error
