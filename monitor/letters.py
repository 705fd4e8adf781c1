"""Messages that could not be used, from the moment they are met until they are on the dead-letter topic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from monitor.source.base import Chunk, Record, record_bytes
from monitor.store.base import Reject


class DeadLetterBox(Protocol):
    """Where messages that could not be used are put, whole."""

    def keep(self, letters: Sequence[tuple[Record, Reject]]) -> None:
        """Store them; raises `SourceError` when they cannot be."""


class PendingLetters:
    """What goes into the box before the next commit; without a box nothing is held."""

    def __init__(self, box: DeadLetterBox | None) -> None:
        self._box = box
        self._letters: list[tuple[Record, Reject]] = []
        self.size_bytes = 0

    def set_aside(self, chunk: Chunk, rejects: Sequence[Reject]) -> None:
        """Hold the messages of this chunk that were rejected."""
        if self._box is None or not rejects:
            return
        wanted = {(reject.partition, reject.offset): reject for reject in rejects}
        for record in chunk.records:
            reject = wanted.get((chunk.partition, record.offset))
            if reject is not None:
                self._letters.append((record, reject))
                self.size_bytes += record_bytes(record)

    def send(self) -> None:
        """Put them into the box; raises `SourceError` and still holds them when that fails."""
        if self._box is not None and self._letters:
            self._box.keep(self._letters)
            self.forget()

    def forget(self) -> None:
        """Hold nothing any more: the messages are read again, or have been kept."""
        self._letters.clear()
        self.size_bytes = 0
