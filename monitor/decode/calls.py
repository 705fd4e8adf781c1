"""Rows of calls whose requests and responses are messages of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from monitor.decode.events import Event, EventRow, Events
from monitor.decode.halves import Half, Meeting, Waiting
from monitor.decode.outcome import Outcome, why
from monitor.decode.payload import Reason, Refused
from monitor.decode.times import UNREADABLE, milliseconds
from monitor.source.base import Record

_AT_ONCE = 128
"""Messages whose values are held as objects at the same time."""


@dataclass(frozen=True, slots=True)
class Paired:
    """What a batch says beside its rows when these are made of two messages each.

    ``clocks_ms`` is the partition's event time before the later message of each row, ``clock_ms`` after the
    last message, ``rejected_at_ms`` where it stood at each reject, by offset. ``waiting`` are the halves that
    wait afterwards; ``parted`` are records of earlier chunks that are among the rejects.
    """

    clocks_ms: NDArray[np.int64]
    clock_ms: int
    rejected_at_ms: Mapping[int, int]
    waiting: Waiting
    parted: tuple[Record, ...] = ()

    def take(self, rows: NDArray[np.bool_]) -> Paired:
        """Give the same for some of the rows."""
        return replace(self, clocks_ms=self.clocks_ms[rows])


def rows_of_file(events: Events, record: Record, halves: dict[str, Event]) -> Sequence[EventRow]:
    """Give a call's rows at its later message, however far apart the two are; ``halves`` are those that wait.

    Raises `Refused`.
    """
    event = events.opened(record)
    call = None if event is None else events.call_of(event)
    is_request = None if event is None else events.is_request(event)
    if event is None or call is None or is_request is None:
        return ()
    other = halves.pop(call, None)
    if other is None or events.is_request(other) == is_request:
        halves[call] = event
        return ()
    return events.rows_of(*((event, other) if is_request else (other, event)), record)


@dataclass(slots=True)
class Calls:
    """Reads one chunk's requests and responses, and makes the rows of those that meet.

    ``model_name`` is what a message that names a model has to name; ``latest_ms`` the time after which it
    lies too far ahead of the clock.
    """

    events: Events
    meeting: Meeting
    outcome: Outcome
    model_name: str
    latest_ms: float
    clocks_ms: list[int] = field(default_factory=list)
    _rejected_at_ms: dict[int, int] = field(default_factory=dict)
    _parted: list[Record] = field(default_factory=list)
    _read: dict[str, Event] = field(default_factory=dict)

    def rows(self, records: Sequence[Record]) -> Iterator[tuple[Record, Sequence[EventRow]]]:
        """Give each message's rows: none for one that waits, or whose outcome was noted."""
        for first in range(0, len(records), _AT_ONCE):
            self._read.clear()  # a half that waits longer is read again
            opened = [self._opened(record) for record in records[first : first + _AT_ONCE]]
            stamps = [self.events.time_of(each) if isinstance(each, Event) else None for _, each in opened]
            times_ms = milliseconds(stamps, self.events.shape.timestamp_unit).tolist()
            for (record, event), stamp, time_ms in zip(opened, stamps, times_ms, strict=True):
                before_ms = self.meeting.clock_ms
                self._rejected_at_ms[record.offset] = before_ms
                made: Sequence[EventRow] = ()
                if isinstance(event, Event):
                    made = self._made(record, event, stamp, time_ms)
                elif isinstance(event, Refused):
                    self.outcome.reject(record, event.reason, event.detail)
                else:
                    self.outcome.filtered += 1
                self.clocks_ms += [before_ms] * len(made)
                yield record, made

    def _opened(self, record: Record) -> tuple[Record, Event | Refused | None]:
        try:
            return record, self.events.opened(record)
        except Refused as refused:
            return record, refused

    def _made(self, record: Record, event: Event, stamp: object, time_ms: int) -> Sequence[EventRow]:
        is_request, call = self.events.is_request(event), self.events.call_of(event)
        model = self.events.model_of(event)
        if is_request is None:
            self.outcome.filtered += 1
        elif model is not None and str(model) != self.model_name:
            self.outcome.others_at.append(record.offset)
            self.meeting.forget(call or "", not is_request)
        elif call is None:
            self.outcome.reject(record, Reason.NO_ID, "the message has no id that its other half could have")
        elif time_ms == UNREADABLE or time_ms > self.latest_ms:
            self.outcome.reject(record, *why(stamp, time_ms))
        else:
            other = self.meeting.meet(call, is_request, time_ms, record)
            self._note_unpaired()
            if other is not None:
                return self._rows(record, event, other)
            if (waiting := self.meeting.halves.get(call)) is not None and waiting.record is record:
                self._read[call] = event
        return ()

    def _note_unpaired(self) -> None:
        for each in self.meeting.unpaired:
            half = each.half
            self.outcome.reject(half.record, Reason.UNPAIRED, each.detail)
            if half.offset not in self._rejected_at_ms:
                self._parted.append(half.record)
            self._rejected_at_ms[half.offset] = each.clock_ms
        self.meeting.unpaired.clear()

    def _rows(self, record: Record, event: Event, other: Half) -> Sequence[EventRow]:
        try:
            first = self._read.pop(other.call, None) or self.events.opened(other.record)
            if first is None:  # by what fields.when says now
                self.outcome.filtered += 1
                return ()
            request, answer = (first, event) if other.is_request else (event, first)
            return self.events.rows_of(request, answer, record)
        except Refused as refused:
            self.outcome.reject(record, refused.reason, refused.detail)
            return ()

    def paired(self, stored: frozenset[int]) -> Paired:
        """Say what the batch has to say of pairs; ``stored`` are the offsets that the database has."""
        return Paired(
            np.array(self.clocks_ms, np.int64),
            self.meeting.clock_ms,
            {each.offset: self._rejected_at_ms[each.offset] for each in self.outcome.rejects},
            Waiting(dict(self.meeting.halves), stored),
            tuple(self._parted),
        )
