"""Files of rows: what references are built from, and what is replayed."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from detectors.dictionary import Role
from monitor.config.fields import ResolvedFields
from monitor.config.paths import path_text
from monitor.decode.calls import rows_of_file
from monitor.decode.events import Event, Events
from monitor.decode.layout import Keys, Meta, Where
from monitor.decode.payload import Refused, read
from monitor.decode.shape import Written, number_of
from monitor.decode.times import UNREADABLE, milliseconds
from monitor.errors import DataError
from monitor.source.base import Message, Record

TABLES = (".parquet", ".pq", ".csv", ".csv.gz")
LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_MOST_BYTES, _MOST_ROWS = 1 << 30, 1_000_000
"""Of one line: files that a person names are trusted with more than a topic is."""


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """A file's rows, ready for a reference: one frame column per feature and output of the model.

    ``found`` says by the configuration's key which of the file's columns is the id, the timestamp and so on;
    None where the file has none. ``ignored`` are columns that were taken for nothing.
    """

    frame: pd.DataFrame
    roles: Mapping[str, Role]
    found: Mapping[str, str | None]
    ids: NDArray[np.object_] | None
    times_ms: NDArray[np.int64] | None
    ignored: tuple[str, ...]


def is_table(path: Path) -> bool:
    """Tell columns (True) from one message a line (False); raises DataError for neither."""
    name = path.name.lower()
    if name.endswith(TABLES):
        return True
    if name.endswith(LINES):
        return False
    known = ", ".join((*TABLES, *LINES))
    raise DataError(f"{path}: is of no known kind; its name has to end in one of {known}")


def training_rows(path: Path, fields: ResolvedFields, label: Where | None = None) -> TrainingRows:
    """Read a whole file; raises DataError that says what is wrong with it, and in which line.

    An id, timestamp or output that no row has is as if its column were not there. ``label`` is where labels'
    own messages have it: looked for first, before the place in ``fields``.
    """
    places = (*places_of(fields), label)
    frame = _read_table(path) if is_table(path) else _read_lines(path, fields, places)
    if frame.empty:
        raise DataError(f"{path}: has no rows")
    known = columns_of(frame, places)
    features = feature_columns(frame, fields, set(known.values()))
    filled = {where: column for where, column in known.items() if frame[column].notna().any()}
    if label in filled:
        fields = replace(fields, label=label)
    used = {*features, *(known[where] for where in places_of(fields) if where in known)}
    kept, roles = _outputs_beside(path, frame, features, filled, fields)
    ids = filled.get(fields.id) if fields.id is not None else None
    stamps = filled.get(fields.timestamp)
    return TrainingRows(
        frame=kept,
        roles=roles,
        found=_found(filled, fields),
        ids=None if ids is None else frame[ids].astype(str).to_numpy(dtype=object),
        times_ms=None if stamps is None else _times(path, frame[stamps], fields),
        ignored=tuple(str(column) for column in frame.columns if column not in used),
    )


def sample_frame(
    messages: Iterable[Message],
    fields: ResolvedFields,
    label: Where | None = None,
    read_value: Callable[[Record], Any] | None = None,
) -> tuple[pd.DataFrame, dict[str, Role]]:
    """Give the features and outputs of the messages among these that can be read; raises DataError."""
    places = (*places_of(fields), label)
    rows = []
    halves: dict[str, Event] = {}
    for message in messages:
        with suppress(Refused):
            found = _objects(message, fields, halves, read_value)
            rows += [_flattened(row, fields, places) for row in found]
    if not rows:
        raise DataError("no message of the sample can be read, so it tells nothing about types")
    frame = pd.DataFrame(rows)
    known = columns_of(frame, places)
    features = feature_columns(frame, fields, set(known.values()))
    if label in known:
        fields = replace(fields, label=label)
    return _outputs_beside(Path("the sample"), frame, features, known, fields)


def _outputs_beside(
    path: Path,
    frame: pd.DataFrame,
    features: Mapping[str, str],
    known: Mapping[Where, str],
    fields: ResolvedFields,
) -> tuple[pd.DataFrame, dict[str, Role]]:
    """Give the features' columns with those of the outputs beside them, and the roles of the latter."""
    _check_scores(path, known, fields)
    kept = frame[list(features)].rename(columns=dict(features))
    roles: dict[str, Role] = {}
    for name, role, where in outputs_of(fields):
        column = known.get(where)
        if column is not None:
            if name in kept.columns:
                raise DataError(f'{path}: "{name}" is a feature and also the {role}: rename one of them')
            kept[name] = frame[column]
            roles[name] = role
    return kept, roles


def _check_scores(path: Path, known: Mapping[Where, str], fields: ResolvedFields) -> None:
    """Refuse a file that has the scores of some classes only: what is left could not be compared."""
    lacking = [f'"{name}" ({path_text(keys)})' for name, keys in fields.scores.items() if keys not in known]
    if lacking and len(lacking) < len(fields.scores):
        raise DataError(
            f"{path}: has scores, but none of the classes {', '.join(lacking)}: add them, or leave all out"
        )


def _found(known: Mapping[Where, str], fields: ResolvedFields) -> dict[str, str | None]:
    given = {"id": fields.id, "timestamp": fields.timestamp, "prediction": fields.prediction}
    found = {key: None if where is None else known.get(where) for key, where in given.items()}
    if fields.scores:
        found["scores"] = ", ".join(known[keys] for keys in fields.scores.values() if keys in known) or None
    else:
        found["score"] = None if fields.score is None else known.get(fields.score)
    found["label"] = None if fields.label is None else known.get(fields.label)
    return found


def outputs_of(fields: ResolvedFields) -> list[tuple[str, Role, Where]]:
    """Give each output's column, role and place."""
    one = {Role.PREDICTION: fields.prediction, Role.SCORE: fields.score, Role.LABEL: fields.label}
    outputs = [(path_text(where), role, where) for role, where in one.items() if where is not None]
    return [*outputs, *((name, Role.SCORE, keys) for name, keys in fields.score_columns.items())]


def places_of(fields: ResolvedFields) -> tuple[Where | None, ...]:
    """Where everything is that is no feature."""
    beside = (fields.id, fields.timestamp, fields.model, fields.variant, fields.metric)
    return (*beside, *(where for _, _, where in outputs_of(fields)))


def columns_of(frame: pd.DataFrame, places: Iterable[Where | None]) -> dict[Where, str]:
    """Find which column holds what is no feature: named by its whole path, or by the last key of it."""
    found: dict[Where, str] = {}
    for where in places:
        if where is None or isinstance(where, Meta):
            continue
        for name in (path_text(where), where[-1]):
            if name in frame.columns:
                found[where] = name
                break
    return found


def feature_columns(frame: pd.DataFrame, fields: ResolvedFields, taken: set[str]) -> dict[str, str]:
    """Map the columns that are features to the features' names."""
    if fields.features is not None:
        named = {}
        for keys in fields.features:
            column = next((name for name in (path_text(keys), keys[-1]) if name in frame.columns), None)
            if column is not None:
                named[column] = path_text(keys)
        return named
    prefix = "".join(f"{key}." for key in fields.container)
    inside = [str(name) for name in frame.columns if prefix and str(name).startswith(prefix)]
    columns = inside or [str(name) for name in frame.columns]
    return {name: name.removeprefix(prefix) for name in columns if name not in taken}


def _times(path: Path, stamps: pd.Series[Any], fields: ResolvedFields) -> NDArray[np.int64]:
    if pd.api.types.is_datetime64_any_dtype(stamps.dtype):
        cells: Sequence[Any] = [stamp.isoformat() for stamp in stamps]
    else:
        cells = stamps.tolist()
    times_ms = milliseconds(cells, fields.timestamp_unit)
    bad = np.flatnonzero(times_ms == UNREADABLE)
    if len(bad):
        raise DataError(f"{path}: row {bad[0] + 1}: {cells[bad[0]]!r} is no timestamp")
    return times_ms


def _read_table(path: Path) -> pd.DataFrame:
    try:
        if path.name.lower().endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        return pd.read_csv(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _read_lines(path: Path, fields: ResolvedFields, places: Sequence[Where | None]) -> pd.DataFrame:
    rows = []
    halves: dict[str, Event] = {}
    for number, line in enumerate(lines_of(path), 1):
        try:
            rows += [_flattened(row, fields, places) for row in _objects(Message(0, line), fields, halves)]
        except Refused as refused:
            raise DataError(f"{path}: line {number}: {refused.detail}") from None
    return pd.DataFrame(rows)


def _objects(
    message: Message,
    fields: ResolvedFields,
    halves: dict[str, Event],
    read_value: Callable[[Record], Any] | None = None,
) -> list[dict[str, Any]]:
    """Give the objects of a message's rows; raises `Refused`. Files hold JSON, whatever topics do.

    ``halves`` are the requests and responses whose other half has not come so far, where rows are of both.
    """
    if fields.shape is None:
        return [read(message.value or b"")]
    events = Events(fields.shape, _MOST_BYTES, _MOST_ROWS, read_value)
    is_half = fields.shape.pairing is not None
    rows = rows_of_file(events, message, halves) if is_half else events.rows(message)
    return [each.row for each in rows or ()]


def _flattened(
    message: dict[str, Any], fields: ResolvedFields, places: Iterable[Where | None]
) -> dict[str, Any]:
    """One row of a message: features by their paths, everything else by its own."""
    row: dict[str, Any] = {}
    inner = _at(message, fields.container)
    if fields.features is not None:
        row = {path_text(keys): _at(message, keys) for keys in fields.features}
    elif isinstance(inner, dict):
        row = {
            key: _guessed(value)
            for key, value in inner.items()
            if not isinstance(value, dict | list) and key not in fields.others
        }
    for where in places:
        if where is not None and not isinstance(where, Meta):
            row[path_text(where)] = _guessed(_at(message, where))
    return row


def _guessed(value: Any) -> Any:
    """Give what has no type of its own as a number if it reads like one."""
    if not isinstance(value, Written):
        return value
    number = number_of(value)
    return str(value) if number is None else number


def _at(message: Any, keys: Keys) -> Any:
    for key in keys:
        message = message.get(key) if isinstance(message, dict) else None
    return message


def lines_of(path: Path) -> Iterator[bytes]:
    """Give the lines of a text that are not empty; raises DataError."""
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as file:
            for line in file:
                if line.strip():
                    yield line.rstrip(b"\r\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
