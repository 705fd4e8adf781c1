"""Waiting for something to become true, with a limit."""

from __future__ import annotations

import threading
from collections.abc import Callable

from monitor.clock import Clock
from monitor.errors import DriftdError

_PAUSE_S = 0.2


class DemoError(DriftdError):
    """The demo did not show what it is there to show: the text says what is missing."""


def wait_until(is_so: Callable[[], bool], what: Callable[[], str], limit_s: float, clock: Clock) -> None:
    """Return as soon as it is so; raises `DemoError` with ``what`` is missing when time is up."""
    never = threading.Event()
    end_s = clock.monotonic() + limit_s
    while not is_so():
        if clock.monotonic() > end_s:
            raise DemoError(f"{what()}, after {limit_s:.0f} s")
        clock.wait(never, _PAUSE_S)
