"""What is shown again and again: drawn anew on a terminal, one after the other in a pipe."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from monitor.cli.context import err, out
from monitor.clock import Clock
from monitor.config import Duration
from monitor.errors import ConfigError, Recoverable

T = TypeVar("T")

_LEAST_S = 1.0


def pause_s(every: str) -> float:
    """Read how often; raises ConfigError."""
    try:
        seconds = Duration.parse(every).seconds
    except ValueError as error:
        raise ConfigError(f"--every: {error}") from None
    if seconds < _LEAST_S:
        raise ConfigError(f"--every {every} is too often: give 1s or more")
    return seconds


def watched(look: Callable[[], T], show: Callable[[T], None], seconds: float, clock: Clock) -> None:
    """Look and show, every so many seconds, until Ctrl-C; what is away meanwhile is asked for again."""
    never = threading.Event()
    with suppress(KeyboardInterrupt):
        while True:
            try:
                seen = look()
            except Recoverable as error:
                err().print(f"driftd: {error}; asking again", markup=False)
            else:
                out().clear()  # before what is new: a terminal is never empty while the database is asked
                show(seen)
                sys.stdout.flush()
            clock.wait(never, seconds)
