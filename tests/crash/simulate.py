"""Playing a schedule and comparing what comes of it with a plain run over the same log."""

from __future__ import annotations

import gc
import logging
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from unittest.mock import patch

import structlog

from monitor import service
from monitor.store import sql
from tests.crash import steps
from tests.crash.disk import disk
from tests.crash.logs import Log, log_of
from tests.crash.mutants import mutated
from tests.crash.results import Rows, difference, rows_of, untold
from tests.crash.steps import Schedule
from tests.crash.world import World


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one schedule; without ``wrong`` all promises were kept."""

    schedule: Schedule
    wrong: str = ""
    met: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """Say what went wrong, and how to see it again."""
        again = f"make simulate SEED={self.schedule.seed}"
        return f"seed {self.schedule.seed} fails (again, step by step: {again}):\n{self.wrong}"


def kind_of(wrong: str) -> str:
    """Tell failures apart that are of different kinds: by the exception, or the view that differs."""
    return wrong.partition(":")[0]


def play(schedule: Schedule, mutant: str = "", *, says: bool = False) -> Outcome:
    """Play a schedule, mend everything, and compare; ``says`` prints each step and the service's log.

    A mutant breaks a promise while the schedule is played, never of the plain run that it is compared with.
    """
    log = log_of(schedule.log)
    expected = plain(schedule.log)
    with settings(logging.INFO if says else logging.CRITICAL), mutated(mutant):
        disk().put_back(_image(log))
        world = World(log, is_eager=schedule.is_eager)
        try:
            wrong = _wrong(world, schedule, expected, says=says)
            return Outcome(schedule, wrong, world.faults.met)
        finally:
            world.close()


def _wrong(world: World, schedule: Schedule, expected: Rows, *, says: bool) -> str:
    try:
        for step in schedule.steps:
            if says:
                print(f"-- {step}")
            world.do(step)
        world.settle(schedule.ending)
    except Exception as error:  # noqa: BLE001  # whatever a process dies of that is no crash of ours
        return f"{type(error).__name__}: {traceback.format_exc()}"
    found = (difference(expected, rows_of(world)), untold(world), "\n".join(world.trespasses))
    return "\n".join(filter(None, found))


@contextmanager
def settings(level: int = logging.CRITICAL) -> Iterator[None]:
    """Without waiting for locks, which nobody else will let go of, and with little of a log.

    No garbage is collected meanwhile: when that happens depends on what ran before, and it may close what a
    crash has left open.
    """
    quiet = structlog.make_filtering_bound_logger(level)
    before = structlog.get_config()
    gc.disable()
    with patch.object(sql, "SQLITE_LOCK_WAIT_S", 0.0), patch.object(service, "give_back", lambda: None):
        structlog.configure(wrapper_class=quiet)
        try:
            yield
        finally:
            structlog.configure(**before)
            gc.enable()


@cache
def plain(number: int) -> Rows:
    """The rows that a log comes to when nothing happens."""
    log = log_of(number)
    if log.begun:
        _begin(log)
    with settings():
        disk().put_back(_image(log))
        world = World(log, is_eager=False)
        world.do(steps.Grow())
        world.settle()
        world.close()
        assert not untold(world), untold(world)
        return rows_of(world)


def _image(log: Log) -> str:
    return f"log{log.number}" if log.begun else "new"


def _begin(log: Log) -> None:
    """Let an earlier life read the beginning of a log, and keep its database."""
    only = {at: found[: log.begun[at]] for at, found in log.first.items()}
    with settings():
        disk().put_back("new")
        world = World(Log(log.number, only, {}, is_paired=log.is_paired), is_eager=False)
        world.do(steps.Start(0, 60, 0.0))
        for _ in range(8):
            world.do(steps.Turn(0))
        world.close()
        disk().keep(_image(log))
