"""Making a failing schedule small: steps and troubles go while it still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.crash.steps import Schedule, Send, Step, Turn

Fails = Callable[[Schedule], bool]


def shrunk(schedule: Schedule, fails: Fails) -> Schedule:
    """Drop stretches of steps, then single troubles, as long as that makes a smaller schedule that fails."""
    length = len(schedule.steps) // 2
    while length:
        smaller = next(filter(fails, _without(schedule, length)), None)
        if smaller is None:
            length //= 2
        else:
            schedule = smaller
            length = min(length, len(schedule.steps) // 2)
    while (calmer := next(filter(fails, _calmed(schedule)), None)) is not None:
        schedule = calmer
    return schedule


def _without(schedule: Schedule, length: int) -> Iterator[Schedule]:
    steps = schedule.steps
    for begin in range(0, len(steps) - length + 1, length):
        yield replace(schedule, steps=(*steps[:begin], *steps[begin + length :]))


def _calmed(schedule: Schedule) -> Iterator[Schedule]:
    if schedule.ending is not None:
        yield replace(schedule, ending=None)
    steps: tuple[Step, ...] = schedule.steps
    for i, step in enumerate(steps):
        if isinstance(step, Turn | Send) and step.trouble is not None:
            yield replace(schedule, steps=(*steps[:i], replace(step, trouble=None), *steps[i + 1 :]))
