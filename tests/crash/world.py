"""The world that schedules are played in: a broker, a database, a clock, and processes that come and go."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable
from functools import singledispatchmethod
from pathlib import Path

from alerts.outgoing import Message
from monitor.clock import ManualClock
from monitor.service import Pace
from monitor.source.base import TopicPartition
from monitor.source.memory import MemoryBroker
from tests.crash import steps
from tests.crash.disk import disk
from tests.crash.faults import Crash, Faults
from tests.crash.logs import Log, Messages, plan
from tests.crash.member import Judging, Member, Receiver, Source
from tests.monitor.worlds import NOW, START_MS

TURN_S = 1.0
QUIET_S = 3_600.0
"""Longer than partitions are idle, messages leased, and groups of alerts waited with."""
FOREVER = 90
"""Rounds after which a world that has not come to rest never will."""


class World:
    """Plays steps. Those that cannot be done now (a process that does not run) do nothing."""

    def __init__(self, log: Log, *, is_eager: bool) -> None:
        self.log = log
        self.broker = MemoryBroker(is_eager=is_eager)
        self.clock = ManualClock(NOW)
        self.faults = Faults(self.do)
        self.got: list[tuple[str, Message]] = []
        self.trespasses: list[str] = []
        self.members: dict[int, Member] = {}
        self.has_grown = False
        self._ending: steps.Trouble | None = None
        self.disk = disk()
        self.disk.faults = self.faults
        self._pour(log.first)
        for at, offset in log.kept.items():
            self.broker.trim(at, offset)

    def _pour(self, messages: Messages) -> None:
        for at, values in messages.items():
            if at not in self.broker.logs:
                self.broker.create(at.topic, at.partition + 1)
            for value in values:
                self.broker.append(at, value, timestamp=START_MS)

    # -- steps ------------------------------------------------------------------------------------------

    @singledispatchmethod
    def do(self, step: steps.Step) -> None:
        """Do one step."""
        raise TypeError(step)

    @do.register
    def _(self, step: steps.Turn) -> None:
        self.clock.advance(TURN_S)
        if step.slot in self.members:
            self._act(step.slot, step.trouble, self.members[step.slot].turn)

    @do.register
    def _(self, step: steps.Send) -> None:
        if step.slot in self.members:
            self._act(step.slot, step.trouble, self.members[step.slot].send)

    def _act(self, slot: int, trouble: steps.Trouble | None, action: Callable[[], None]) -> None:
        member = self.members[slot]
        if member.is_busy:
            return
        member.is_busy = True
        try:
            with self.faults.acting(trouble):
                action()
        except Crash as crash:
            traceback.clear_frames(crash.__traceback__)  # what a process held, an open cursor, goes with it
            self._gone(slot)
        finally:
            member.is_busy = False

    def _gone(self, slot: int) -> None:
        member = self.members.pop(slot)
        member.drop()
        self._leave(member)

    def _leave(self, member: Member) -> None:
        if member.is_in_group:
            member.is_in_group = False
            self.broker.leave(member.source)

    @do.register
    def _(self, step: steps.Start) -> None:
        if step.slot not in self.members and self.broker.is_up:
            self.members[step.slot] = self._started(step)

    def _started(self, step: steps.Start) -> Member:
        return Member(
            plan(is_labelled=self.log.is_labelled, is_paired=self.log.is_paired),
            Judging(self.disk.database, self.faults),
            Source(self.broker, self.log.topics, self.faults, self.clock, self.trespasses),
            Receiver(self.faults, self.got),
            self.clock,
            Pace(step.batch_rows, 0.25, step.commit_interval_s, step.batch_rows),
            "latest" if self.log.begun else "earliest",
            self._folder(step) if self.log.is_labelled else None,
        )

    def _folder(self, step: steps.Start) -> Path:
        folder = self.disk.root / f"state{step.slot}"
        if not step.keeps_disk:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        return folder

    @do.register
    def _(self, step: steps.Kill) -> None:
        if step.slot in self.members and not self.members[step.slot].is_busy:
            self._gone(step.slot)

    @do.register
    def _(self, step: steps.Stop) -> None:
        member = self.members.get(step.slot)
        if member is None or member.is_busy:
            return
        self._act(step.slot, None, member.stop)
        del self.members[step.slot]
        self._leave(member)

    @do.register
    def _(self, step: steps.Lose) -> None:
        if step.slot in self.members:
            self._leave(self.members[step.slot])

    @do.register
    def _(self, step: steps.Return) -> None:
        member = self.members.get(step.slot)
        if member is not None and not member.is_in_group and self.broker.is_up:
            member.is_in_group = True
            self.broker.join(member.source)

    @do.register
    def _(self, step: steps.Move) -> None:
        group = {slot: member for slot, member in self.members.items() if member.is_in_group}
        if not group:
            return
        owned: dict[int, list[TopicPartition]] = {slot: [] for slot in group}
        for at in self.broker.logs:
            slot = step.owners[at.partition]
            owned[slot if slot in group else min(group)].append(at)
        for slot, partitions in owned.items():
            self.broker.assign(group[slot].source, partitions)

    @do.register
    def _(self, step: steps.Away) -> None:
        if step.what == "broker":
            self.broker.stop()
        else:
            self.faults.is_store_away = True

    @do.register
    def _(self, step: steps.Back) -> None:
        if step.what == "broker":
            self.broker.start()
        else:
            self.faults.is_store_away = False

    @do.register
    def _(self, step: steps.Wait) -> None:
        self.clock.advance(step.seconds)

    @do.register
    def _(self, _step: steps.Grow) -> None:
        if not self.has_grown:
            self.has_grown = True
            self._pour(self.log.later)

    # -- coming to rest ---------------------------------------------------------------------------------

    def settle(self, ending: steps.Trouble | None = None) -> None:
        """Mend everything, let all that runs go on until nothing is left to do; raises `UnsettledError`."""
        self._ending = ending
        for step in (steps.Back("broker"), steps.Back("store"), steps.Grow()):
            self.do(step)
        for _ in range(FOREVER):
            self._round()
            if self._is_read():
                break
        else:
            raise UnsettledError(f"not read to the end: {self.disk.cursors()}")
        quiet = 0
        for _ in range(FOREVER):
            self.do(steps.Wait(QUIET_S))
            self._round()
            self._round()
            quiet = quiet + 1 if self._is_told() else 0
            if quiet == 2:
                return
        raise UnsettledError(f"open windows {self.disk.open_windows()}, queued {self.disk.queued()}")

    def _round(self) -> None:
        self.do(steps.Back("store"))
        if not self.members:
            self.do(steps.Start(0, 60, 0.0))
        for slot in tuple(self.members):
            self.do(steps.Return(slot))
            self.do(steps.Wait(30.0))
            self.do(steps.Turn(slot))
            self.do(steps.Send(slot, self._trouble()))

    def _trouble(self) -> steps.Trouble | None:
        """Give what befalls the first message; nothing after it."""
        if self._ending is None or not self.disk.queued():
            return None
        ending, self._ending = self._ending, None
        return ending

    def _is_read(self) -> bool:
        ends = {at: log.end for at, log in self.broker.logs.items()}
        return self.disk.cursors() == ends

    def _is_told(self) -> bool:
        return not self.disk.open_windows() and not self.disk.queued()

    def close(self) -> None:
        """Let go of what processes hold."""
        for member in self.members.values():
            member.drop()
        self.members.clear()


class UnsettledError(AssertionError):
    """Something waits for ever."""
