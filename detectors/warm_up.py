"""Training rows for a model that learns online: features as its trees take them, labels as codes."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, Columns
from detectors.dictionary import Dictionary, Feature, Kind, Role, category_text
from detectors.outputs import Outputs, Task, label_values

VERSION = 1
LEARNED = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)
MAX_TEXT = 256  # characters of a category that are kept: one value cannot fill the memory

Value = float | str
Row = dict[str, Value]
"""A row as river takes it: numbers are float, categories are text (river splits on text as on
a nominal attribute), and what is absent or not finite has no key."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    names: tuple[str, ...]
    cells: tuple[tuple[Value | None, ...], ...]  # by feature
    labels: tuple[int, ...]


def learned_features(dictionary: Dictionary) -> tuple[Feature, ...]:
    """The features that a model can learn from, in the dictionary's order: no text, no times, no outputs."""
    return tuple(
        feature
        for feature in dictionary.features.values()
        if feature.role is Role.FEATURE and feature.kind in LEARNED
    )


def feature_cells(
    dictionary: Dictionary, columns: Columns, positions: NDArray[np.intp]
) -> dict[str, list[Value | None]]:
    """The cells of these rows, one list per feature; None where a value is absent or not finite.

    A column that the batch lacks is absent in every row.
    """
    size = len(positions)
    return {
        feature.name: _cells(feature, columns[feature.name].take(positions))
        if feature.name in columns
        else [None] * size
        for feature in learned_features(dictionary)
    }


def feature_rows(names: Sequence[str], cells: Sequence[Sequence[Value | None]]) -> list[Row]:
    """Turn cells by feature into rows without the absent ones."""
    return [
        {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for values in zip(*cells, strict=True)
    ]


def _cells(feature: Feature, column: Column) -> list[Value | None]:
    if feature.kind is not Kind.NUMERIC:
        return [_text(value) for value in column.values.tolist()]
    if column.values.dtype == object:
        return [None] * len(column)
    values = column.values.astype(np.float64)
    return [value if ok else None for value, ok in zip(values.tolist(), np.isfinite(values), strict=True)]


def _text(value: object) -> str | None:
    """A category's text, cut; half of a surrogate pair, which JSON may hold, becomes a question mark."""
    text = category_text(value)
    return None if text is None else text[:MAX_TEXT].encode("utf-8", "replace").decode()


def warm_up_rows(columns: Columns, dictionary: Dictionary, outputs: Outputs, at_most: int = 2_000) -> bytes:
    """Evenly spaced labelled rows for `rows_of`, compressed; the features only, the label as its code.

    Codes are those of `detectors.outputs.label_values`. Rows without a label are passed over. Empty
    for a regression, and where there is no label, no feature or no row.
    """
    names = [feature.name for feature in learned_features(dictionary)]
    if outputs.task is Task.REGRESSION or outputs.label not in columns or not names:
        return b""
    labels = label_values(outputs, columns[outputs.label])
    positions = evenly(np.flatnonzero(~np.isnan(labels)), at_most)
    if not len(positions):
        return b""
    cells = feature_cells(dictionary, columns, positions)
    stored = _Stored(
        tuple(names),
        tuple(tuple(cells[name]) for name in names),
        tuple(labels[positions].astype(int).tolist()),
    )
    return zlib.compress(msgspec.msgpack.encode((VERSION, stored)))


def evenly(items: NDArray[np.intp], at_most: int) -> NDArray[np.intp]:
    """At most so many of the items, evenly spaced from the first to the last, in their order."""
    if len(items) <= at_most:
        return items
    return items[np.linspace(0, len(items) - 1, max(0, at_most)).round().astype(np.intp)]


def rows_of(data: bytes) -> list[tuple[Row, int]]:
    """Read what `warm_up_rows` wrote: features and label of each row, in row order.

    Raises
    ------
    ValueError
        If it was written by another version, or is damaged.
    """
    if not data:
        return []
    try:
        version, body = msgspec.msgpack.decode(zlib.decompress(data), type=tuple[int, msgspec.Raw])
        if version != VERSION:
            raise ValueError(
                f"warm-up rows are stored in version {version}, this driftd reads version {VERSION}: "
                "build the reference again"
            )
        stored = msgspec.msgpack.decode(body, type=_Stored)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"stored warm-up rows of {len(data)} bytes are damaged: {error}") from error
    sizes = {len(stored.labels), *map(len, stored.cells)}
    if len(sizes) != 1 or len(stored.names) != len(stored.cells):
        raise ValueError(f"stored warm-up rows of {len(data)} bytes are damaged: columns of different length")
    return list(zip(feature_rows(stored.names, stored.cells), stored.labels, strict=True))
