"""What rebalances gave and took, until a poll tells it."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from monitor.source.base import TopicPartition

Partitions = frozenset[TopicPartition]


class Changes:
    """Changes of an assignment in their order. They may be noted on another thread than they are taken on.

    ``known`` are the partitions that were told as assigned, and not as revoked since.
    """

    def __init__(self) -> None:
        self.known: Partitions = frozenset()
        self._lock = threading.Lock()
        self._notes: list[tuple[bool, Partitions]] = []

    def note(self, partitions: Iterable[TopicPartition], *, is_assigned: bool) -> None:
        """Remember that these were assigned, or revoked."""
        with self._lock:
            self._notes.append((is_assigned, frozenset(partitions)))

    def noted(self) -> Partitions:
        """Give the partitions of which something is still to be told."""
        with self._lock:
            return frozenset().union(*(partitions for _, partitions in self._notes))

    def take(self) -> tuple[Partitions, Partitions]:
        """Give what was assigned and revoked since the last call, as one step from what was told then."""
        with self._lock:
            notes, self._notes = self._notes, []
        assigned: set[TopicPartition] = set()
        revoked: set[TopicPartition] = set()
        for is_assigned, partitions in notes:
            if is_assigned:
                assigned |= partitions
            else:
                assigned -= partitions
                revoked |= partitions & self.known
        self.known = (self.known - revoked) | assigned
        return frozenset(assigned), frozenset(revoked)
