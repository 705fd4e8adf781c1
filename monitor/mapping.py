"""What becomes of one message: the rows that come out of it, each value with its origin, or why none do."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from detectors.columns import Column, Presence
from monitor.config.paths import path_text
from monitor.decode.decoder import Batch, Decoder
from monitor.decode.halves import NOTHING_WAITS
from monitor.decode.layout import Layout, Meta, Where
from monitor.decode.times import UNKNOWN_TIME
from monitor.source.base import Chunk, Message, TopicPartition
from monitor.windows import NEVER_MS

Outcome = Literal["row", "reject", "filtered", "half", "tombstone", "another_model"]


@dataclass(frozen=True, slots=True)
class Mapped:
    """One value of a row: where in the message it was looked for, and what was found.

    ``state`` is "present", "missing", "null" or "bad_type"; a value that is not present is None.
    """

    name: str
    value: Any
    origin: str
    state: str = "present"


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ``unknown`` are keys beside its features that the dictionary does not have."""

    values: tuple[Mapped, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fate:
    """What one message came to."""

    outcome: Outcome
    rows: tuple[Row, ...] = ()
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Mapper:
    """A model's decoder on one topic, asked message by message; ``origins`` says where columns are read."""

    decoder: Decoder
    layout: Layout
    topic: str
    origins: Mapping[str, str] = field(default_factory=dict)

    def fates(self, messages: Iterable[Message], now: datetime) -> list[Fate]:
        """Decode messages as the service would if they were all of one partition."""
        found, waiting, clock_ms = [], NOTHING_WAITS, NEVER_MS
        for message in messages:
            chunk = Chunk(TopicPartition(self.topic, 0), [message])
            batch = self.decoder.decode(chunk, now, None, waiting, clock_ms)
            if batch.paired is not None:
                waiting, clock_ms = batch.paired.waiting, batch.paired.clock_ms
            found.append(self._fate(message, batch))
        return found

    def _fate(self, message: Message, batch: Batch) -> Fate:
        if len(batch):
            rows = tuple(self._row(batch, index) for index in range(len(batch)))
            return Fate("row", rows)
        for reject in batch.rejects:
            if reject.offset == message.offset:
                return Fate("reject", reason=reject.reason, detail=reject.detail)
        if batch.filtered:
            return Fate("filtered")
        if batch.paired is not None and message.value is not None and not batch.others_at:
            return Fate("half")
        return Fate("tombstone" if batch.tombstones else "another_model")

    def _row(self, batch: Batch, index: int) -> Row:
        unknown = next((row.extra for row in batch.sampled if row.index == index), frozenset())
        found = [self._time(int(batch.times_ms[index]))]
        if batch.ids is not None and self.layout.id is not None:
            found.insert(0, _plain("id", batch.ids[index], self._origin("id", self.layout.id)))
        for leaf in self.layout.leaves:
            column = batch.columns[leaf.name]
            found.append(_mapped(leaf.name, column, index, self._origin(leaf.name, leaf.keys)))
        if batch.labels is not None and self.layout.label is not None:
            leaf = self.layout.label
            found.append(_mapped(leaf.name, batch.labels, index, self._origin(leaf.name, leaf.keys)))
        found += self._of_experiment(batch, index)
        return Row(tuple(found), tuple(sorted(unknown)))

    def _of_experiment(self, batch: Batch, index: int) -> Iterator[Mapped]:
        """Give the variant and the metric, where the configuration says where they are."""
        if batch.variants is not None and self.layout.variant is not None:
            yield _plain("variant", batch.variants[index], self._origin("variant", self.layout.variant))
        if batch.metric is not None and self.layout.metric is not None:
            value = float(batch.metric[index])
            known = None if math.isnan(value) else _number(value)
            yield _plain("metric", known, self._origin("metric", self.layout.metric))

    def _origin(self, name: str, where: Where) -> str:
        return self.origins.get(name) or path_text(where)

    def _time(self, time_ms: int) -> Mapped:
        origin = self._origin("timestamp", self.layout.timestamp)
        if self.layout.timestamp_fallback and not isinstance(self.layout.timestamp, Meta):
            origin = f"{origin}, else $timestamp"
        if time_ms == UNKNOWN_TIME:
            return _plain("timestamp", None, origin)
        return _plain("timestamp", datetime.fromtimestamp(time_ms / 1000, UTC), origin)


def _plain(name: str, value: object, origin: str) -> Mapped:
    return Mapped(name, value, origin, "missing" if value is None else "present")


def _mapped(name: str, column: Column, index: int, origin: str) -> Mapped:
    code = Presence.PRESENT if column.presence is None else Presence(int(column.presence[index]))
    if code is not Presence.PRESENT:
        return Mapped(name, None, origin, code.name.lower())
    value = column.values[index]
    return Mapped(name, _number(float(value)) if column.values.dtype.kind == "f" else str(value), origin)


def _number(value: float) -> float | int | str:
    if not math.isfinite(value):
        return str(value)
    return int(value) if value == int(value) and abs(value) < 1 << 53 else value
