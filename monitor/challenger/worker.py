"""The challenger's own process: `python -m monitor.challenger FD`, tied to the service by one socket.

It ends, having saved what it has learned, when the other end is closed, so also when the service is killed.
"""

from __future__ import annotations

import contextlib
import pickle
from collections import Counter
from pathlib import Path
from random import Random

from detectors.warm_up import Row, rows_of
from monitor.challenger.learner import Learner
from monitor.challenger.messages import Alive, Batch, Done, Hello, Level, Link, Ready, Refused, Said
from monitor.challenger.state import ChallengerState, read_state, set_aside, taken, write_state
from monitor.clock import Clock

_MOST_BYTES = 100_000_000
"""Of a saved ensemble, which takes several times as much memory: river's trees grow with every row."""
_WARM_UP_STEP = 20
"""Rows between two looks at whether anybody still waits."""


def serve(link: Link, clock: Clock) -> None:
    """Answer until the other end is closed; then save and say a last word."""
    hello = link.receive()
    if not isinstance(hello, Hello):
        return
    try:
        lock = taken(Path(hello.state_path))
    except OSError as error:
        _refuse(link, str(error))
        return
    if lock is None:
        _refuse(link, f"another process has {hello.state_path}")
        return
    with lock:
        worker = Worker(hello, link, clock)
        if worker.begin():
            worker.run()


def _refuse(link: Link, reason: str) -> None:
    with contextlib.suppress(OSError):  # nobody may be there to hear it
        link.send(Refused(reason))


class Worker:
    """One challenger at work, and when its state was saved."""

    def __init__(self, hello: Hello, link: Link, clock: Clock) -> None:
        self._hello = hello
        self._link = link
        self._clock = clock
        self._path = Path(hello.state_path)
        self._said: list[Said] = []
        self._saved_s = clock.monotonic()
        self._is_saved = True
        self._learner = Learner(hello.terms, hello.window_ms)

    # -- beginning --------------------------------------------------------------------------------------

    def begin(self) -> bool:
        """Go on from the saved state, or warm up; False when nobody waits any more."""
        state = self._loaded()
        if state is None and not self._warm_up():
            return False
        self._learner.windows.replace(self._hello.windows)
        self._learner.windows.changed()
        ready = Ready(self._learner.windows.all(), self._learner.learned_rows, self._words())
        return self._answered(ready)

    def _loaded(self) -> ChallengerState | None:
        try:
            state = read_state(self._path)
            if state is None:
                return None
            self._learner = Learner.restored(state, self._hello.terms, self._hello.window_ms)
        except ValueError as error:
            self._give_up_state(str(error))
            return None
        self._say("info", "challenger goes on from its saved state", learned_rows=state.learned_rows)
        return state

    def _give_up_state(self, reason: str) -> None:
        try:
            kept = str(set_aside(self._path))
        except OSError as error:
            kept = f"where it was: {error.strerror}"
        self._say(
            "warning",
            "challenger's saved state is of no use and was set aside; it begins anew",
            file=str(self._path),
            reason=reason,
            kept=kept,
        )

    def _warm_up(self) -> bool:
        rows = self._training_rows()
        for first in range(0, len(rows), _WARM_UP_STEP):
            self._learner.warm_up(rows[first : first + _WARM_UP_STEP])
            if self._link.is_readable(0) or not self._answered(Alive()):
                return False  # only the end of the stream can have come
        self._is_saved = False
        self._say("info", "challenger has warmed up", training_rows=len(rows))
        return True

    def _training_rows(self) -> list[tuple[Row, int]]:
        try:
            rows = rows_of(self._hello.warm_up)
        except ValueError as error:
            self._say("warning", "challenger begins without training rows", reason=str(error))
            rows = []
        # in no order: a training file may be sorted by anything, even by its label
        Random(self._hello.terms.seed).shuffle(rows)  # noqa: S311  # seeded on purpose
        return rows[: self._hello.warm_up_rows]

    # -- answering --------------------------------------------------------------------------------------

    def run(self) -> None:
        """Answer batches, save now and then, save at the end."""
        while (batch := self._next()) is not None:
            if not self._answered(self._done(batch)):
                break
            self._save_when_due()
        self._save()
        self._answered(self._done(Batch(())))

    def _next(self) -> Batch | None:
        while not self._link.is_readable(self._due_in_s()):
            self._save_when_due()
        try:
            message = self._link.receive()
        except OSError:
            return None
        return message if isinstance(message, Batch) else None

    def _due_in_s(self) -> float:
        left_s = self._saved_s + self._hello.save_every_s - self._clock.monotonic()
        return self._hello.save_every_s if self._is_saved else max(0.0, left_s)

    def _done(self, batch: Batch) -> Done:
        learner = self._learner
        rises = learner.take(batch.rows)
        for start_ms, count in batch.shed.items():
            sums = learner.windows.of_start(start_ms)
            if sums is not None:
                sums.shed_rows = count
        if batch.rows or batch.shed:
            self._is_saved = False
        for reason, count in Counter(learner.failures).items():
            self._say("error", "challenger could not take rows", rows=count, reason=reason)
        learner.failures.clear()
        return Done(learner.windows.changed(), rises, learner.learned_rows, self._words())

    def _answered(self, message: Alive | Ready | Done) -> bool:
        try:
            self._link.send(message)
        except OSError:
            return False
        return True

    # -- saving -----------------------------------------------------------------------------------------

    def _save_when_due(self) -> None:
        if not self._is_saved and self._due_in_s() <= 0:
            self._save()

    def _save(self) -> None:
        if self._is_saved:
            return
        self._saved_s = self._clock.monotonic()
        saved_ms = int(self._clock.now().timestamp() * 1_000)
        try:
            state = self._learner.state(saved_ms, self._hello.label, self._hello.dictionary)
            write_state(self._path, state)
        except (OSError, RecursionError, pickle.PicklingError) as error:
            self._say("warning", "challenger's state was not saved", file=str(self._path), reason=str(error))
        else:
            self._is_saved = True
            if len(state.ensemble) > _MOST_BYTES:
                self._begin_anew(len(state.ensemble))

    def _begin_anew(self, size: int) -> None:
        """Let go of trees that have grown without end; what was counted stays."""
        windows = self._learner.windows
        self._learner = Learner(self._hello.terms, self._hello.window_ms, windows)
        self._learner.warm_up(self._training_rows())
        self._is_saved = False
        self._say("warning", "challenger has grown too large and begins anew", saved_bytes=size)

    def _say(self, level: Level, event: str, **fields: object) -> None:
        self._said.append(Said(level, event, fields))

    def _words(self) -> tuple[Said, ...]:
        said = tuple(self._said)
        self._said.clear()
        return said
