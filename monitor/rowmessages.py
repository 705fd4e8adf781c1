"""Rows of files as the messages they would have been on the topic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from monitor.config.fields import ResolvedFields
from monitor.config.labels import ResolvedLabels
from monitor.config.paths import path_text
from monitor.decode.layout import Keys, Meta, Where
from monitor.errors import DataError
from monitor.files import columns_of, feature_columns, is_table, lines_of, outputs_of, places_of

_ROWS_AT_ONCE = 10_000
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


def messages(path: Path, fields: ResolvedFields) -> Iterator[bytes]:
    """Give a file's rows as the messages they would have been on the topic."""
    return _messages(path, lambda columns: _prediction_places(columns, fields))


def label_messages(path: Path, labels: ResolvedLabels) -> Iterator[bytes]:
    """Give a file's rows as the messages they would have been on a topic of labels, without other columns."""
    places = (labels.id, labels.label, labels.timestamp, labels.model, labels.metric)
    return _messages(path, lambda columns: _in_value(columns_of(pd.DataFrame(columns=columns), places)))


def _messages(path: Path, find: Callable[[list[str]], list[tuple[str, Keys]]]) -> Iterator[bytes]:
    try:
        if not is_table(path):
            yield from lines_of(path)
            return
        for columns, rows in _tables(path):
            places = find(columns)
            for row in rows:
                yield _ENCODE(_message(row, places))
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _tables(path: Path) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    if path.name.lower().endswith((".parquet", ".pq")):
        with pa.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                yield batch.schema.names, batch.to_pylist()
        return
    with pa.csv.open_csv(path) as reader:
        for batch in reader:
            yield batch.schema.names, batch.to_pylist()


@dataclass(frozen=True, slots=True)
class TableColumns:
    """The columns of a table that are read: features and outputs with their names, id and timestamp."""

    named: Mapping[str, str]
    id: str | None
    timestamp: str | None


def table_columns(columns: list[str], fields: ResolvedFields) -> TableColumns:
    """Find what `messages` would read from a table with these columns."""
    frame = pd.DataFrame(columns=columns)
    known = columns_of(frame, places_of(fields))
    features = feature_columns(frame, fields, set(known.values()))
    outputs = {known[where]: name for name, _, where in outputs_of(fields) if where in known}
    id_column = None if fields.id is None else known.get(fields.id)
    return TableColumns({**features, **outputs}, id_column, known.get(fields.timestamp))


def _prediction_places(columns: list[str], fields: ResolvedFields) -> list[tuple[str, Keys]]:
    """Give each column of a table that is read, and where in the message the configuration looks for it."""
    frame = pd.DataFrame(columns=columns)
    known = columns_of(frame, places_of(fields))
    features = feature_columns(frame, fields, set(known.values()))
    listed = {path_text(keys): keys for keys in fields.features or ()}
    inside = [(column, listed.get(name, (*fields.container, name))) for column, name in features.items()]
    return [*_in_value(known), *inside]


def _in_value(known: Mapping[Where, str]) -> list[tuple[str, Keys]]:
    return [(column, where) for where, column in known.items() if not isinstance(where, Meta)]


def _message(row: Mapping[str, Any], places: Iterable[tuple[str, Keys]]) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    for column, keys in places:
        inner = payload
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = row[column]
    return payload
