"""Files as a source: one partition that has an end."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from monitor.config.fields import ResolvedFields
from monitor.files import messages
from monitor.source.base import Chunk, Message, Polled, Start, TopicPartition


def topic_of(paths: Sequence[Path]) -> str:
    """Name the pseudo-topic of these files: the same content in the same order has the same name."""
    digest = hashlib.blake2b(digest_size=6)
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", paths[0].name)[:100]
    return f"replay.{digest.hexdigest()}.{name}"


class FileSource:
    """Delivers the rows of files, in the order given, as one partition.

    The offset of a row is its place in the whole. Seeking back reads the files from the start again.
    """

    def __init__(
        self, paths: Sequence[Path], fields: ResolvedFields, progress: Callable[[int], None] | None = None
    ) -> None:
        self.partition = TopicPartition(topic_of(paths), 0)
        self.is_exhausted = False
        self._paths = tuple(paths)
        self._fields = fields
        self._progress = progress or (lambda _: None)
        self._assigned = False
        self._next: int | None = None
        self._rows: Iterator[bytes] = iter(())

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        """Give the next rows; files are never waited for."""
        del timeout_s
        if not self._assigned:
            self._assigned = True
            return Polled(assigned=frozenset({self.partition}))
        if self._next is None or self.is_exhausted:
            return Polled()
        batch: list[Message] = []
        for row in self._rows:
            batch.append(Message(self._next + len(batch), row))
            if len(batch) == max_records:
                break
        self.is_exhausted = len(batch) < max_records
        self._next += len(batch)
        self._progress(len(batch))
        return Polled([Chunk(self.partition, batch)] if batch else [])

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        self._next = positions[self.partition]
        self.is_exhausted = False
        self._rows = self._from(self._next)

    def _from(self, offset: int) -> Iterator[bytes]:
        rows = (row for path in self._paths for row in messages(path, self._fields))
        for _ in range(offset):
            if next(rows, None) is None:
                break
        return rows

    def first_offsets(
        self, partitions: Iterable[TopicPartition], start: Start
    ) -> Mapping[TopicPartition, int]:
        """Files begin at their first row, whatever ``start`` says."""
        del start
        return dict.fromkeys(partitions, 0)

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Give the number of rows once it is known."""
        known = self._next if self.is_exhausted else None
        return {} if known is None else dict.fromkeys(partitions, known)

    def pause(self) -> None:
        """Do nothing: rows come only when polled for."""

    def resume(self) -> None:
        """Do nothing: there is nothing to undo."""

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Do nothing: nobody watches a file's lag."""

    def close(self) -> None:
        """Do nothing: files are closed as they end."""
