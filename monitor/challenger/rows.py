"""The sampled rows on their way to the challenger."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.columns import Columns
from detectors.dictionary import Dictionary
from detectors.warm_up import Row, feature_cells, feature_rows


class SeenRow(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """A row that production has just predicted; its label is not known yet. ``features`` are packed."""

    time_ms: int
    features: bytes


class LabelledRow(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A row whose label is known. Label and production's prediction are codes, as `OutputRows` has them.

    ``time_ms`` is the prediction's event time: it chooses the window.
    """

    time_ms: int
    features: bytes
    label: int
    prediction: int


WireRow = SeenRow | LabelledRow
_FEATURES = msgspec.msgpack.Decoder(Row)


def packed_features(dictionary: Dictionary, columns: Columns, positions: NDArray[np.intp]) -> list[bytes]:
    """Pack each of these rows' features; it costs per row, so ask for the sampled rows only."""
    cells = feature_cells(dictionary, columns, positions)
    if not cells:
        return [msgspec.msgpack.encode({})] * len(positions)
    encode = msgspec.msgpack.Encoder().encode
    return [encode(row) for row in feature_rows(list(cells), list(cells.values()))]


def features_of(data: bytes) -> Row:
    """Unpack a row's features; raises ValueError when they are damaged."""
    try:
        return _FEATURES.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"a row's features of {len(data)} bytes are damaged: {error}") from error
