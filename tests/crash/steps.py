"""Schedules: what happens to which process when, drawn from a seed. Pure values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from tests.crash.logs import BOTH_LOGS, LABELLED_LOGS, PAIRED_LOGS, PLAIN_LOGS

Where = Literal["begin", "statement", "commit", "judging", "judged", "source", "send"]

SLOTS = 3
"""Processes that may run at the same time."""
MOST: Mapping[Where, int] = {
    "begin": 8, "statement": 40, "commit": 3, "judging": 30, "judged": 1, "source": 4, "send": 1,
}  # fmt: skip
TROUBLED = 0.5
"""The share of turns in which something goes wrong, if they come to that point."""

How = Literal["crash before", "crash after", "fail before", "fail after", "meanwhile"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A process does one round of its loop."""

    slot: int
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """A process's sender drains the outbox once."""

    slot: int
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """A process starts and joins the group, with what its slot had on disk, or without."""

    slot: int
    batch_rows: int
    commit_interval_s: float
    keeps_disk: bool = True


@dataclass(frozen=True, slots=True)
class Kill:
    """A process is gone, between two rounds."""

    slot: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A process writes what it has and leaves."""

    slot: int


@dataclass(frozen=True, slots=True)
class Lose:
    """The group gives a process's partitions to the others, and it does not notice: a zombie."""

    slot: int


@dataclass(frozen=True, slots=True)
class Return:
    """A zombie joins the group again."""

    slot: int


@dataclass(frozen=True, slots=True)
class Move:
    """Partitions move: ``owners`` names, per partition number, the slot that gets it."""

    owners: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Away:
    """The broker or the store cannot be reached until `Back`."""

    what: Literal["broker", "store"]


@dataclass(frozen=True, slots=True)
class Back:
    """The broker or the store can be reached again."""

    what: Literal["broker", "store"]


@dataclass(frozen=True, slots=True)
class Wait:
    """Time passes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Grow:
    """The log goes on, and the topic gets a partition more."""


Step = Turn | Send | Start | Kill | Stop | Lose | Return | Move | Away | Back | Wait | Grow


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong within a step: at the ``nth`` of what ``where`` names, counted from 0.

    That is a transaction begun, a statement, a commit, a call of the source, or a message sent. ``judging``
    and ``judged`` are statements and commits of windows being judged, in this round or the next with some.
    ``before`` it took place, or ``after``, so that it did but the process does not learn of it. With
    ``lasts`` the store stays away. ``meanwhile`` another step is done at that point.
    """

    where: Where
    nth: int
    how: How
    lasts: bool = False
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that a run is decided by. ``ending`` befalls the first message sent after the last step."""

    seed: int
    log: int
    is_eager: bool
    steps: tuple[Step, ...]
    ending: Trouble | None = None

    def told(self) -> str:
        """List the steps, one a line."""
        head = f"log {self.log}, {'eager' if self.is_eager else 'incremental'} rebalances"
        return "\n  ".join((head, *map(str, self.steps), f"ending: {self.ending}"))


def schedule(seed: int) -> Schedule:
    """Draw a schedule."""
    rng = Random(seed)
    log = _log(rng)
    steps: list[Step] = [_start(rng, slot) for slot in range(rng.choice((1, 2, 2, 3)))]
    grows_at = rng.randrange(2, 24)
    length = rng.randrange(12, 26)
    steps += [Grow() if number == grows_at else _step(rng) for number in range(length)]
    is_eager = rng.random() < 0.4
    ending = _ending(rng) if rng.random() < TROUBLED else None
    return Schedule(seed, log, is_eager, tuple(steps), ending)


def _log(rng: Random) -> int:
    kind = rng.random()
    if kind < 0.1:
        return PLAIN_LOGS + rng.randrange(LABELLED_LOGS)
    if kind < 0.25:
        return PLAIN_LOGS + LABELLED_LOGS + rng.randrange(PAIRED_LOGS + BOTH_LOGS)
    return rng.randrange(PLAIN_LOGS)


def _ending(rng: Random) -> Trouble:
    hows: tuple[How, ...] = ("crash before", "crash after", "fail before", "fail after")
    places: tuple[tuple[Where, int], ...] = (("send", 0), ("commit", 1))
    where, nth = rng.choice(places)
    return Trouble(where, nth, rng.choice(hows))


def _step(rng: Random) -> Step:
    slot = rng.randrange(SLOTS)
    drawn: tuple[tuple[int, Callable[[], Step]], ...] = (
        (55, lambda: Turn(slot, _maybe_trouble(rng, slot, sends=False))),
        (5, lambda: Send(slot, _maybe_trouble(rng, slot, sends=True))),
        (9, lambda: _start(rng, slot)),
        (3, lambda: Kill(slot)),
        (2, lambda: Stop(slot)),
        (5, lambda: Lose(slot)),
        (4, lambda: Return(slot)),
        (6, lambda: _move(rng)),
        (3, lambda: Away(rng.choice(("broker", "store")))),
        (6, lambda: Back(rng.choice(("broker", "store")))),
        (3, lambda: Wait(rng.choice((30.0, 120.0, 3_600.0)))),
    )
    return rng.choices([make for _, make in drawn], [weight for weight, _ in drawn])[0]()


def _move(rng: Random) -> Move:
    return Move(tuple(rng.randrange(SLOTS) for _ in range(4)))


def _maybe_trouble(rng: Random, slot: int, *, sends: bool) -> Trouble | None:
    return _trouble(rng, slot, sends) if rng.random() < TROUBLED else None


def _start(rng: Random, slot: int) -> Start:
    return Start(slot, rng.choice((10, 25, 60)), rng.choice((0.0, 0.0, 20.0)), rng.random() < 0.8)


def _trouble(rng: Random, slot: int, sends: bool) -> Trouble:
    places: tuple[Where, ...] = (
        ("send", "commit")
        if sends
        else (
            "begin",
            "statement",
            "commit",
            "commit",
            "judging",
            "judging",
            "judged",
            "source",
        )
    )
    where = rng.choice(places)
    most = {"begin": 8, "statement": 40, "commit": 3, "judging": 30, "judged": 1, "source": 4, "send": 1}[
        where
    ]
    how: How = rng.choice(
        ("crash before", "crash after", "fail before", "fail after", "meanwhile", "meanwhile")
    )
    if where in {"begin", "source"} and how == "fail after":
        how = "fail before"  # a transaction has begun or not; a poll that fails has brought nothing
    if how != "meanwhile":
        return Trouble(where, rng.randrange(most), how, lasts=rng.random() < 0.3)
    other = (slot + rng.randrange(1, SLOTS)) % SLOTS
    steps: tuple[Step, ...] = (
        Turn(other),
        Turn(other),
        Turn(other),
        Send(other),
        Lose(slot),
        _move(rng),
    )
    return Trouble(where, rng.randrange(most), how, step=rng.choice(steps))
