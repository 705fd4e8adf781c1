"""Waiting for a condition, with a limit and with words for the failure."""

from __future__ import annotations

import threading
from collections.abc import Callable

from monitor.clock import SystemClock


def until(condition: Callable[[], bool], what: str, limit_s: float = 30.0, every_s: float = 0.05) -> None:
    """Return as soon as the condition holds; fail with its name when it never did."""
    clock = SystemClock()
    end = clock.monotonic() + limit_s
    pause = threading.Event()
    while not condition():
        assert clock.monotonic() < end, f"waited {limit_s:g} s in vain: {what}"
        pause.wait(every_s)
