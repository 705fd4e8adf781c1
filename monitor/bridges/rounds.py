"""Rounds of work with a tool that may be away."""

from __future__ import annotations

import threading
from collections.abc import Callable

from monitor.clock import Clock
from monitor.errors import Recoverable


def rounds(
    one: Callable[[], bool],
    clock: Clock,
    stop: threading.Event,
    pause_s: float | None,
    say: Callable[[str], None],
) -> None:
    """Do rounds until one says that nothing is left; with a pause wait after each such one, and go on.

    What is away is then said, and tried again after the pause; without a pause it is raised.
    """
    while not stop.is_set():
        try:
            if not one():
                continue
        except Recoverable as error:
            if pause_s is None:
                raise
            say(f"{error}; tried again in {pause_s:g} s")
        if pause_s is None:
            return
        clock.wait(stop, pause_s)
