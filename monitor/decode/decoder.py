"""The decoder of one model's messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, Columns
from monitor.decode.calls import Calls, Paired
from monitor.decode.cells import amounts, column_of
from monitor.decode.events import EventRow, Events, one_by_one
from monitor.decode.extras import SampledRow, sampled_rows
from monitor.decode.halves import NOTHING_WAITS, Meeting, Waiting
from monitor.decode.labels import label_only, nameless
from monitor.decode.layout import MAX_ROWS, Cell, Keys, Layout, Leaf, Meta, Where
from monitor.decode.meta import categories, meta_cells, texts
from monitor.decode.outcome import Outcome, until, whole_messages, why
from monitor.decode.payload import Reason, Refused, read
from monitor.decode.shape import node_of
from monitor.decode.times import UNKNOWN_TIME, UNREADABLE, milliseconds
from monitor.source.base import Chunk, Record, TopicPartition
from monitor.store.base import Reject
from monitor.windows import NEVER_MS

_RECORDED = Meta("timestamp")
_SLICE = 128
"""Messages decoded at once: few enough that their objects stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One model's rows of one chunk, as columns.

    ``tombstones`` and ``others`` count the messages that are no row of this model, for being null or for
    naming another one; ``others_at`` are the offsets of the latter. Every message of the chunk is a row, a
    reject, a tombstone or another's.

    ``filtered`` counts the messages that a condition passes over. A message of several rows has its offset in
    each. ``messages`` were decoded, the chunk's first ones: fewer than all when they made too many rows.

    ``labels`` are the rows' labels: of a chunk of labels, and of predictions where the topic is for labels
    too. There ``label_only`` marks the rows that have an id and a label and nothing else of a prediction.

    Where rows are made of a request and a response, ``paired`` says what waits for its other half, and a row
    has the offset of the later one.

    ``variants`` and ``metric`` are each row's, where the layout has them: texts or None, numbers or NaN.
    """

    partition: TopicPartition
    offsets: NDArray[np.int64]
    times_ms: NDArray[np.int64]
    ids: NDArray[np.object_] | None
    columns: Columns
    sampled: tuple[SampledRow, ...]
    rejects: tuple[Reject, ...]
    tombstones: int
    others_at: tuple[int, ...]
    labels: Column | None = None
    label_only: NDArray[np.bool_] | None = None
    filtered: int = 0
    messages: int = 0
    paired: Paired | None = None
    variants: NDArray[np.object_] | None = None
    metric: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def reached_ms(self) -> NDArray[np.int64] | None:
        """Event time before each row and after the last, where rows alone do not tell it."""
        return None if self.paired is None else np.append(self.paired.clocks_ms, self.paired.clock_ms)

    def take(self, rows: NDArray[np.bool_]) -> Batch:
        """Give the batch with these of its rows alone; what is no row stays as it is."""
        if rows.all():
            return self
        places = np.cumsum(rows) - 1
        kept = [row for row in self.sampled if rows[row.index]]
        return replace(
            self,
            offsets=self.offsets[rows],
            times_ms=self.times_ms[rows],
            ids=None if self.ids is None else self.ids[rows],
            columns={name: column.take(rows) for name, column in self.columns.items()},
            sampled=tuple(replace(row, index=int(places[row.index])) for row in kept),
            labels=None if self.labels is None else self.labels.take(rows),
            label_only=None if self.label_only is None else self.label_only[rows],
            paired=None if self.paired is None else self.paired.take(rows),
            variants=None if self.variants is None else self.variants[rows],
            metric=None if self.metric is None else self.metric[rows],
        )


class Decoder:
    """Turns chunks of JSON messages into columns, as a layout says.

    Raises ValueError at construction when the layout's paths contradict each other.
    """

    def __init__(
        self,
        layout: Layout,
        model: str,
        max_message_bytes: int,
        max_future_ms: int,
        max_rows: int = MAX_ROWS,
        read: Callable[[Record], Any] | None = None,
    ) -> None:
        self._layout = layout
        self._events = (
            None if layout.shape is None else Events(layout.shape, max_message_bytes, max_rows, read)
        )
        self._model = model
        self._max_bytes = max_message_bytes
        self._max_future_ms = max_future_ms
        scalars = [
            (where, Cell.SCALAR)
            for where in (layout.id, layout.timestamp, layout.model, layout.variant)
            if where is not None and not isinstance(where, Meta)
        ]
        if layout.metric is not None:
            scalars.append((layout.metric, Cell.AMOUNT))
        leaves = layout.leaves if layout.label is None else (*layout.leaves, layout.label)
        self._node = node_of([*((leaf.keys, leaf.cell) for leaf in leaves), *scalars])
        self._decode = (
            msgspec.json.Decoder(self._node.struct).decode if self._node.is_typed() else self._carefully
        )

    def decode(
        self,
        chunk: Chunk,
        now: datetime,
        most_rows: int | None = None,
        waiting: Waiting = NOTHING_WAITS,
        clock_ms: int = NEVER_MS,
    ) -> Batch:
        """Decode every message of the chunk; nothing in a message can make this raise.

        What reads values may raise `RegistryError`: the same call can be made again.
        Where messages have many rows, stop after the one that brings this many. ``waiting`` are the halves of
        calls that came before, ``clock_ms`` is how far event time had come in the partition.
        """
        outcome = Outcome(chunk, self._model, now)
        calls = self._calls(outcome, waiting, clock_ms)
        records: Sequence[Record] = [record for record in chunk.records if record.value is not None]
        kept: list[Record] = []
        cells: dict[Keys, list[Any]] = {}
        for read_records, rows in self._read(records, outcome, most_rows, calls):
            kept.extend(read_records)
            if rows:
                for keys, values in self._node.transpose(rows):
                    cells.setdefault(keys, []).extend(values)
        columns = {leaf.name: column_of(cells.get(leaf.keys, ()), leaf) for leaf in self._layout.leaves}
        ids = None if self._layout.id is None else texts(self._cells(self._layout.id, kept, cells))
        label = self._label_in(chunk.partition.topic)
        labels = None if label is None else column_of(cells.get(label.keys, ()), label)
        alone = label_only(columns, labels)
        usable, times_ms = self._usable(kept, cells, ids, alone, outcome)
        offsets = np.array([record.offset for record in kept], dtype=np.int64)
        chunk, records = until(chunk, records, outcome.stopped_at)
        variant, metric = self._layout.variant, self._layout.metric
        batch = Batch(
            partition=chunk.partition,
            offsets=offsets,
            times_ms=times_ms,
            ids=ids,
            columns=columns,
            sampled=sampled_rows(self._layout, kept, offsets, usable if alone is None else usable & ~alone),
            rejects=tuple(outcome.rejects),
            tombstones=len(chunk.records) - len(records),
            others_at=tuple(outcome.others_at),
            labels=labels,
            label_only=alone,
            filtered=outcome.filtered,
            messages=len(chunk.records),
            paired=None if calls is None else calls.paired(waiting.stored),
            variants=None if variant is None else categories(self._cells(variant, kept, cells)),
            metric=None if metric is None else amounts(cells.get(metric, [])),
        )
        return batch.take(usable)

    def _label_in(self, topic: str) -> Leaf | None:
        topics = self._layout.label_topics
        return self._layout.label if topics is None or topic in topics else None

    def _calls(self, outcome: Outcome, waiting: Waiting, clock_ms: int) -> Calls | None:
        pairing = None if self._events is None else self._events.shape.pairing
        if self._events is None or pairing is None:
            return None
        meeting = Meeting.of(pairing, waiting, clock_ms)
        return Calls(self._events, meeting, outcome, self._layout.model_name, self._latest_ms(outcome.now))

    def _latest_ms(self, now: datetime) -> float:
        return now.timestamp() * 1000 + self._max_future_ms

    def _read(
        self, records: Sequence[Record], outcome: Outcome, most_rows: int | None, calls: Calls | None
    ) -> Iterator[tuple[Sequence[Record], Sequence[msgspec.Struct]]]:
        """Read the messages, some at once: their rows, and the record of each."""
        if self._events is not None:
            made = one_by_one(self._events, records, outcome) if calls is None else calls.rows(records)
            yield from self._shaped(made, outcome, most_rows)
            return
        for first in range(0, len(records), _SLICE):
            yield self._rows(records[first : first + _SLICE], outcome)

    def _shaped(
        self, found: Iterable[tuple[Record, Sequence[EventRow]]], outcome: Outcome, most_rows: int | None
    ) -> Iterator[tuple[Sequence[Record], Sequence[msgspec.Struct]]]:
        made, waiting = 0, list[EventRow]()
        for record, rows in found:
            waiting += rows
            made += len(rows)
            if len(waiting) >= _SLICE:
                yield waiting, [self._node.careful(each.row) for each in waiting]
                waiting = []
            if most_rows is not None and made >= most_rows:
                outcome.stopped_at = record.offset
                break
        yield waiting, [self._node.careful(each.row) for each in waiting]

    def _rows(
        self, records: Sequence[Record], outcome: Outcome
    ) -> tuple[Sequence[Record], Sequence[msgspec.Struct]]:
        values = [record.value or b"" for record in records]
        if max(map(len, values)) <= self._max_bytes:
            try:
                return records, list(map(self._decode, values))
            except (Refused, msgspec.MsgspecError, ValueError, RecursionError):
                pass  # some message is odd: find out which
        kept: list[Record] = []
        rows = []
        for record in records:
            try:
                rows.append(self._row(record.value or b""))
                kept.append(record)
            except Refused as refused:
                outcome.reject(record, refused.reason, refused.detail)
        return kept, rows

    def _row(self, value: bytes) -> msgspec.Struct:
        if len(value) > self._max_bytes:
            raise Refused(
                Reason.TOO_LARGE, f"{len(value)} bytes or more, limits.max_message_bytes is {self._max_bytes}"
            )
        try:
            return self._decode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return self._carefully(value)

    def _carefully(self, value: bytes) -> msgspec.Struct:
        return self._node.careful(read(value))

    def _cells(self, where: Where, records: Sequence[Record], cells: dict[Keys, list[Any]]) -> Sequence[Any]:
        """Give the cells of one thing for these records, all that were decoded."""
        return meta_cells(where, records) if isinstance(where, Meta) else cells.get(where, [])

    def _usable(
        self,
        records: Sequence[Record],
        cells: dict[Keys, list[Any]],
        ids: NDArray[np.object_] | None,
        alone: NDArray[np.bool_] | None,
        outcome: Outcome,
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which rows count, and their times; the others are noted in the outcome."""
        stamps = self._cells(self._layout.timestamp, records, cells)
        times_ms = milliseconds(stamps, self._layout.timestamp_unit)
        usable = np.ones(len(records), dtype=np.bool_)
        if self._layout.model is not None:
            names = texts(self._cells(self._layout.model, records, cells))
            usable = names == self._layout.model_name
            others_at = dict.fromkeys(records[i].offset for i in np.flatnonzero(~usable).tolist())
            outcome.others_at.extend(others_at)
        are_labels = np.ones(len(records), np.bool_) if self._layout.id_required else alone
        if are_labels is not None:
            for i in np.flatnonzero(nameless(ids, usable & are_labels)).tolist():
                usable[i] = False
                outcome.reject(records[i], Reason.NO_ID, "the label has no id")
            if self._events is not None:
                usable = whole_messages(records, usable)
        if self._layout.timestamp_fallback or alone is not None:
            self._complete(times_ms, stamps, records, alone)
        latest_ms = self._latest_ms(outcome.now)
        for i in np.flatnonzero(usable & ((times_ms == UNREADABLE) | (times_ms > latest_ms))).tolist():
            usable[i] = False
            outcome.reject(records[i], *why(stamps[i], int(times_ms[i])))
        return usable, times_ms

    def _complete(
        self,
        times_ms: NDArray[np.int64],
        stamps: Sequence[Any],
        records: Sequence[Record],
        alone: NDArray[np.bool_] | None,
    ) -> None:
        """Give labels without a time that of their record, or else `UNKNOWN_TIME` where that is allowed."""
        lacking = times_ms == UNREADABLE if alone is None else alone & (times_ms == UNREADABLE)
        rows = [i for i in np.flatnonzero(lacking).tolist() if stamps[i] is None]
        if not rows:
            return
        recorded_ms = milliseconds(meta_cells(_RECORDED, [records[i] for i in rows]), "ms")
        if self._layout.timestamp_optional or alone is not None:
            recorded_ms = np.where(recorded_ms == UNREADABLE, UNKNOWN_TIME, recorded_ms)
        times_ms[rows] = recorded_ms
