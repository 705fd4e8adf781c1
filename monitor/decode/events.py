"""Messages that are shaped into rows before they are read: several rows in one, text to be decoded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from monitor.decode.cloudevents import opened
from monitor.decode.codings import decode_inside
from monitor.decode.features import feast, named
from monitor.decode.layout import Condition, Keys, Meta, Scalar, Shape, TimestampUnit, Where
from monitor.decode.meta import meta_cells
from monitor.decode.outcome import Outcome
from monitor.decode.payload import Reason, Refused, read_any
from monitor.decode.tables import is_table, table
from monitor.source.base import Record

_ABSENT: Any = object()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_A_MS = {"s": 1e-3, "ms": 1.0, "us": 1e3, "ns": 1e6}
_MOST_NESTED = 4


@dataclass(frozen=True, slots=True)
class EventRow:
    """One row of a message: a record as the whole of it, with the object to be read."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """A message whose value has been read: attributes of a CloudEvent are among the record's headers."""

    record: Record
    payload: Any


@dataclass(frozen=True, slots=True)
class Events:
    """Makes rows of messages, as a shape says; ``read`` reads values that are no plain JSON."""

    shape: Shape
    max_bytes: int
    max_rows: int
    read: Callable[[Record], Any] | None = None

    def rows(self, record: Record) -> list[EventRow] | None:
        """Give a message's rows, at least one; None when a condition passes it over. Raises `Refused`."""
        event = self.opened(record)
        return None if event is None else self.rows_of(event)

    def opened(self, record: Record) -> Event | None:
        """Read a message's value; None when a condition passes it over. Raises `Refused`."""
        value = record.value or b""
        if len(value) > self.max_bytes:
            text = f"{len(value)} bytes or more, limits.max_message_bytes is {self.max_bytes}"
            raise Refused(Reason.TOO_LARGE, text)
        payload = read_any(value) if self.read is None else self.read(record)
        if self.shape.is_cloudevent:
            record, payload = opened(record, payload)
        if not isinstance(payload, dict) and self.shape.rows != ():
            text = f"the message is JSON, but a {type(payload).__name__}, not an object"
            raise Refused(Reason.NOT_AN_OBJECT, text)
        if not all(_holds(condition, record, payload) for condition in self.shape.when):
            return None
        for keys, coding in self.shape.decode:
            decode_inside(payload, keys, coding, self.max_rows)
        return Event(record, payload)

    def rows_of(self, event: Event, answer: Event | None = None, at: Record | None = None) -> list[EventRow]:
        """Give the rows of a message, or of a request and its answer; raises `Refused`.

        They stand at the record ``at``: of two messages the later one.
        """
        asked, last = event.record, event.record if at is None else at
        return [
            EventRow(last.offset, asked.timestamp, last.key, last.value, asked.headers, row)
            for row in self._made(event, event if answer is None else answer)
        ]

    def call_of(self, event: Event) -> str | None:
        """Give what names the call that a message is half of."""
        found = _first(self.shape.id, event.record, event.payload)
        return None if found is None or isinstance(found, dict | list | bool) else str(found)

    def model_of(self, event: Event) -> Any:
        """Give what a message names as its model; None when it names none."""
        return _first(self.shape.model, event.record, event.payload)

    def _variant_of(self, event: Event) -> Any:
        return _first(self.shape.variant, event.record, event.payload)

    def time_of(self, event: Event) -> Any:
        """Give the time of a message, as it is written."""
        return _time(self.shape, event.record, event.payload)

    def is_request(self, event: Event) -> bool | None:
        """Tell a request from a response (False); None for a message that is neither."""
        pairing = self.shape.pairing
        kind = None if pairing is None else _value(pairing.kind, event.record, event.payload)
        if pairing is None or not (_is(kind, pairing.request) or _is(kind, pairing.response)):
            return None
        return _is(kind, pairing.request)

    def _made(self, event: Event, answer: Event) -> list[dict[str, Any]]:
        record, payload = event.record, event.payload
        features = self._features(payload)
        n = len(features)
        columns = {name: self._column(answer.payload, keys, n) for name, keys in self.shape.outputs.items()}
        scores = {name: self._column(answer.payload, keys, n) for name, keys in self.shape.scores.items()}
        columns["id"] = self._ids(record, payload, n)
        columns["timestamp"] = [_time(self.shape, record, payload)] * n
        columns["model"] = [next(filter(None, map(self.model_of, (event, answer))), None)] * n
        columns["variant"] = [next(filter(None, map(self._variant_of, (event, answer))), None)] * n
        rows = []
        for i, feature_row in enumerate(features):
            row = {"features": feature_row}
            row |= _present(columns, i)
            if scores:
                row["scores"] = _present(scores, i)
            rows.append(row)
        return rows

    def _features(self, payload: Any) -> list[dict[str, Any]]:
        """Give each row's features by name."""
        shape = self.shape
        rows = [payload] if shape.rows is None else self._rows(payload, shape.rows)
        n = len(rows)
        if shape.features is None:
            top = payload if isinstance(payload, dict) else {}
            found = {name: cell for name, cell in top.items() if name not in shape.others}
            return [feast(found) if shape.form == "feast" else _scalars(found)] * n
        if isinstance(shape.features, tuple):
            is_here = shape.features == shape.rows
            cells = rows if is_here else self._column(payload, shape.features, n, is_single=False)
            return [named(cell if cell is not _ABSENT else None, shape.names) for cell in cells]
        columns = {name: self._column(payload, keys, n) for name, keys in shape.features.items()}
        return [_present(columns, i) for i in range(n)]

    def _rows(self, payload: Any, keys: Keys) -> Sequence[Any]:
        found = _at(payload, keys)
        if found is None:
            raise Refused(Reason.NO_ROWS, f"there is nothing at {_path(keys)}, where the rows should be")
        rows = table(found, self.max_rows)
        if not rows:
            raise Refused(Reason.NO_ROWS, f"{_path(keys)} has no rows")
        return rows

    def _column(self, payload: Any, keys: Keys, n: int, *, is_single: bool = True) -> Sequence[Any]:
        """Give a value for each row; what is not inside of rows belongs to all of them."""
        value = payload
        for depth, key in enumerate(keys):
            if self.shape.rows is not None and isinstance(value, list):
                return self._in_rows(value, keys, depth, n, is_single=is_single)
            if not isinstance(value, dict) or key not in value:
                return [_ABSENT] * n
            value = value[key]
        if self.shape.rows is not None and is_table(value):
            return self._in_rows(value, keys, len(keys), n, is_single=is_single)
        return [value] * n

    def _in_rows(self, value: Any, keys: Keys, depth: int, n: int, *, is_single: bool) -> Sequence[Any]:
        rows = table(value, self.max_rows)
        if len(rows) != n:
            text = f"{_path(keys[:depth])} has {len(rows)} rows, {_path(self.shape.rows or ())} has {n}"
            raise Refused(Reason.BAD_SHAPE, text)
        cells = [_below(row, keys[depth:]) for row in rows]
        return [_single(cell) for cell in cells] if is_single else cells

    def _ids(self, record: Record, payload: Any, n: int) -> Sequence[Any]:
        """Give ID#0, ID#1 ... of rows that share a message, or what rows themselves have."""
        found = _first(self.shape.id, record, payload)
        if self.shape.rows is None:
            return [found]
        if found is not None and not isinstance(found, dict | list | bool):
            return [f"{found}#{i}" for i in range(n)]
        for where in self.shape.id:
            if not isinstance(where, Meta) and (column := self._column(payload, where, n)) != [_ABSENT] * n:
                return column
        return [None] * n


def one_by_one(
    events: Events, records: Iterable[Record], outcome: Outcome
) -> Iterator[tuple[Record, Sequence[EventRow]]]:
    """Give the rows of each message; why there are none is noted in the outcome."""
    for record in records:
        try:
            rows = events.rows(record)
        except Refused as refused:
            outcome.reject(record, refused.reason, refused.detail)
            continue
        outcome.filtered += rows is None
        yield record, rows or ()


def _present(columns: Mapping[str, Sequence[Any]], i: int) -> dict[str, Any]:
    return {name: column[i] for name, column in columns.items() if column[i] is not _ABSENT}


def _at(payload: Any, keys: Keys) -> Any:
    for key in keys:
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload


def _below(row: Any, keys: Keys) -> Any:
    """Give the value inside of a row: by key in an object, by position in a list."""
    for key in keys:
        if isinstance(row, dict):
            row = row.get(key, _ABSENT)
        elif isinstance(row, list) and key.isascii() and key.isdigit() and int(key[:9]) < len(row):
            row = row[int(key[:9])]
        else:
            return _ABSENT
    return row


def _single(cell: Any) -> Any:
    """Give the one value that a list or object of one has."""
    for _ in range(_MOST_NESTED):
        if isinstance(cell, list) and len(cell) == 1:
            (cell,) = cell
        elif isinstance(cell, dict) and len(cell) == 1:
            (cell,) = cell.values()
    return cell


def _scalars(found: dict[str, Any]) -> dict[str, Any]:
    return {name: cell for name, cell in found.items() if not isinstance(cell, dict | list)}


def _value(where: Where, record: Record, payload: Any) -> Any:
    return meta_cells(where, [record])[0] if isinstance(where, Meta) else _at(payload, where)


def _first(places: Sequence[Where], record: Record, payload: Any) -> Any:
    return next((found for where in places if (found := _value(where, record, payload)) is not None), None)


def _time(shape: Shape, record: Record, payload: Any) -> Any:
    """Give the time as it is written; that of the record in the unit that is asked for."""
    for where in shape.timestamp:
        found = _value(where, record, payload)
        if found is not None:
            is_recorded = isinstance(where, Meta) and where.name == "timestamp"
            return _in_unit(found, shape.timestamp_unit) if is_recorded else found
    return None


def _in_unit(recorded_ms: int, unit: TimestampUnit) -> Any:
    if unit in _A_MS:
        return recorded_ms * _A_MS[unit]
    try:
        return (_EPOCH + timedelta(milliseconds=recorded_ms)).isoformat()
    except OverflowError:
        return None


def _holds(condition: Condition, record: Record, payload: Any) -> bool:
    found = _value(condition.where, record, payload)
    return any(_is(found, wanted) for wanted in condition.wanted)


def _is(found: Any, wanted: Scalar) -> bool:
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(wanted, str):
        return isinstance(found, str) and fnmatchcase(found, wanted.replace("[", "[[]"))
    return isinstance(found, int | float | str) and found in (wanted, str(wanted))  # headers are texts


def _path(keys: Keys) -> str:
    return ".".join(keys)[:100] or "the value"
