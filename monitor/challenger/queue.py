"""A bounded queue of rows between the service and the thread that feeds the challenger."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence

from monitor.challenger.rows import WireRow


class RowQueue:
    """At most so many rows; what does not fit is given back. Nobody waits who puts rows in."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: deque[WireRow] = deque()
        self._in_work = 0
        self._is_awake = False
        self._changed = threading.Condition()

    def put(self, rows: Iterable[WireRow]) -> list[WireRow]:
        """Append what fits, in order; give back the rest."""
        coming = list(rows)
        with self._changed:
            room = max(0, self._most - len(self._rows))
            self._rows.extend(coming[:room])
            self._changed.notify_all()
        return coming[room:]

    def take(self, at_most: int, timeout_s: float) -> Sequence[WireRow]:
        """Wait for rows and take some, none after the timeout or `wake`; in work until `finished`."""
        with self._changed:
            self._changed.wait_for(lambda: self._rows or self._is_awake, timeout_s)
            taken = [self._rows.popleft() for _ in range(min(at_most, len(self._rows)))]
            self._in_work = len(taken)
            return taken

    def finished(self) -> None:
        """Note that nothing is in work."""
        with self._changed:
            self._in_work = 0
            self._changed.notify_all()

    def wake(self) -> None:
        """Let `take` return at once, from now on."""
        with self._changed:
            self._is_awake = True
            self._changed.notify_all()

    def wait_empty(self, timeout_s: float) -> bool:
        """Wait until nothing is queued or in work."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._rows and not self._in_work, timeout_s)

    def drain(self) -> list[WireRow]:
        """Take everything that is left."""
        with self._changed:
            left = list(self._rows)
            self._rows.clear()
            return left
