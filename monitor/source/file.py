"""Files as a source: partitions that have an end."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from monitor.config.fields import ResolvedFields
from monitor.config.labels import ResolvedLabels
from monitor.rowmessages import label_messages, messages
from monitor.source.base import Chunk, Message, Polled, Start, TopicPartition

F = TypeVar("F")
_POLL_BYTES = 1 << 26


def topic_of(paths: Sequence[Path], kind: Literal["replay", "labels"] = "replay") -> str:
    """Name the pseudo-topic of these files: the same content in the same order has the same name."""
    digest = hashlib.blake2b(digest_size=6)
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", paths[0].name)[:100]
    return f"{kind}.{digest.hexdigest()}.{name}"


class FileSource:
    """Delivers the rows of files, in the order given, as one partition, then those of label files as another.

    The offset of a row is its place in the whole of its partition. Seeking back reads that partition's files
    from the start again. Labels' topic has a name of its own, also when they are in the predictions' files.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        fields: ResolvedFields,
        progress: Callable[[int], None] | None = None,
        labels: Sequence[Path] = (),
        labels_fields: ResolvedLabels | None = None,
    ) -> None:
        self.partition = TopicPartition(topic_of(paths), 0)
        self.labels_partition: TopicPartition | None = None
        self._streams = {self.partition: _Stream(lambda: _rows(paths, fields, messages))}
        if labels and labels_fields is not None:
            self.labels_partition = TopicPartition(topic_of(labels, "labels"), 0)
            self._streams[self.labels_partition] = _Stream(
                lambda: _rows(labels, labels_fields, label_messages)
            )
        self._progress = progress or (lambda _: None)
        self._assigned = False

    @property
    def is_exhausted(self) -> bool:
        """Whether every row of every partition has been delivered."""
        return all(stream.is_exhausted for stream in self._streams.values())

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        """Give the next rows; files are never waited for."""
        del timeout_s
        if not self._assigned:
            self._assigned = True
            return Polled(assigned=frozenset(self._streams))
        for partition, stream in self._streams.items():
            batch = stream.read(max_records)
            if batch:
                self._progress(len(batch))
                return Polled([Chunk(partition, batch)])
        return Polled()

    def seek(self, positions: Mapping[TopicPartition, int]) -> None:
        for partition, offset in positions.items():
            self._streams[partition].seek(offset)

    def partitions(self) -> frozenset[TopicPartition]:
        return frozenset(self._streams)

    def first_offsets(
        self, partitions: Iterable[TopicPartition], start: Start
    ) -> Mapping[TopicPartition, int]:
        """Files begin at their first row, whatever ``start`` says."""
        del start
        return dict.fromkeys(partitions, 0)

    def offsets_at(self, times_ms: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Give the first row, whatever the times: rows of files have no time before they are decoded."""
        return dict.fromkeys(times_ms, 0)

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Give the number of rows of each partition of which it is known."""
        known = {partition: self._streams[partition] for partition in partitions}
        return {
            partition: stream.next
            for partition, stream in known.items()
            if stream.is_exhausted and stream.next is not None
        }

    def pause(self) -> None:
        """Do nothing: rows come only when polled for."""

    def resume(self) -> None:
        """Do nothing: there is nothing to undo."""

    def commit(self, positions: Mapping[TopicPartition, int]) -> None:
        """Do nothing: nobody watches a file's lag."""

    def close(self) -> None:
        """Do nothing: files are closed as they end."""


class _Stream:
    """The rows of one partition; nothing is read before the first `seek`."""

    def __init__(self, rows: Callable[[], Iterator[bytes]]) -> None:
        self.next: int | None = None
        self.is_exhausted = False
        self._open = rows
        self._rows: Iterator[bytes] = iter(())

    def seek(self, offset: int) -> None:
        self.next = offset
        self.is_exhausted = False
        self._rows = self._open()
        for _ in range(offset):
            if next(self._rows, None) is None:
                break

    def read(self, max_records: int) -> list[Message]:
        """Give at most so many rows, and fewer of very long ones."""
        if self.next is None or self.is_exhausted:
            return []
        first = self.next
        batch: list[Message] = []
        length = 0
        for row in islice(self._rows, max_records):
            batch.append(Message(first + len(batch), row))
            length += len(row)
            if length >= _POLL_BYTES:
                break
        else:
            self.is_exhausted = len(batch) < max_records
        self.next = first + len(batch)
        return batch


def _rows(paths: Sequence[Path], fields: F, read: Callable[[Path, F], Iterator[bytes]]) -> Iterator[bytes]:
    return (row for path in paths for row in read(path, fields))
