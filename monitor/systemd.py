"""What systemd is told: that the service is ready, turns, reloads and stops, and what it waits for."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from monitor.clock import Clock

_PINGS = 4
"""So many pings within the time after which systemd ends a silent service."""
_SEND_S = 5.0
_MORE_START_US = 120_000_000
"""While it waits for what is away, a start may go on so long after each word."""


class Systemd:
    """Speaks to the service manager over its socket; says nothing where there is none.

    `turned` pings the watchdog from the thread that calls it, never from one of its own: a loop that hangs
    is not spoken for. A word that cannot be said is left out; the service goes on.

    Reference: sd_notify(3).
    """

    def __init__(self, address: str, watchdog_s: float, clock: Clock) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._every_s = watchdog_s / _PINGS
        self._clock = clock
        self._pinged_s = float("-inf")
        self._status = ""
        self._is_ready = False

    @classmethod
    def of(cls, environ: Mapping[str, str], clock: Clock, pid: int) -> Systemd:
        """Take over what systemd has put into the environment of this process."""
        address = environ.get("NOTIFY_SOCKET", "")
        is_ours = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        limit_us = environ.get("WATCHDOG_USEC", "") if is_ours else ""
        watchdog_s = int(limit_us) / 1e6 if limit_us.isdecimal() else 0.0
        return cls(address if address.startswith(("/", "@")) else "", watchdog_s, clock)

    def turned(self, reasons: Mapping[str, str]) -> None:
        """Say that the loop turns, and what stands in the way of results."""
        words = []
        now_s = self._clock.monotonic()
        if self._every_s and now_s - self._pinged_s >= self._every_s:
            self._pinged_s = now_s
            words.append("WATCHDOG=1")
        if not self._is_ready:
            words.append(f"EXTEND_TIMEOUT_USEC={_MORE_START_US}")
        if (status := _status(reasons)) != self._status:
            self._status = status
            words.append(f"STATUS={status}")
        self._say(*words)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Say that the service has started, and at the end that it stops."""
        self._is_ready = True
        self._say("READY=1")
        try:
            yield
        finally:
            self._say("STOPPING=1", "STATUS=stopping")

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Say that the configuration is read again, and when that is over."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={int(self._clock.monotonic() * 1e6)}")
        try:
            yield
        finally:
            self._say("READY=1")

    def _say(self, *words: str) -> None:
        if not self._address or not words:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaking:
            speaking.settimeout(_SEND_S)
            speaking.sendto("\n".join(words).encode(), self._address)


def _status(reasons: Mapping[str, str]) -> str:
    """Name causes only: their texts are in the log, where secrets are masked."""
    if away := ", ".join(cause for cause in reasons if cause != "starting"):
        return f"waiting for {away}"
    return "starting" if reasons else "running"
