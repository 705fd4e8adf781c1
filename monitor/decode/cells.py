"""Cells as the Structs hold them, made into columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Column, Presence
from detectors.dictionary import category_text
from monitor.decode.layout import Cell, Leaf
from monitor.decode.shape import BAD_NUMBER, BAD_TEXT, MISSING_NUMBER, MISSING_TEXT

_MOST_BITS = 1_000
_MARKS = {None, MISSING_TEXT, BAD_TEXT}


def column_of(cells: Sequence[Any], leaf: Leaf) -> Column:
    """The column of one leaf's cells."""
    if leaf.cell in (Cell.NUMBER, Cell.WHOLE):
        return _numbers(cells, leaf)
    return _texts(cells, leaf)


def amounts(cells: Sequence[Any]) -> NDArray[np.float64]:
    """Numbers, true and false as 1 and 0, NaN for all else."""
    values = [float(cell) if isinstance(cell, int | float) else math.nan for cell in map(_within, cells)]
    return np.array(values, np.float64)


def _within(cell: Any) -> Any:
    """Give nothing in the place of a whole number that is beyond all others."""
    return None if isinstance(cell, int) and cell.bit_length() > _MOST_BITS else cell


def _number_code(cell: object) -> int:
    if cell is None:
        return Presence.NULL
    if cell is MISSING_NUMBER:
        return Presence.MISSING
    return Presence.BAD_TYPE if cell is BAD_NUMBER else Presence.PRESENT


def _numbers(cells: Sequence[Any], leaf: Leaf) -> Column:
    values = np.array(cells, dtype=np.float64)  # None becomes NaN
    presence: NDArray[np.uint8] | None = None
    suspects = np.flatnonzero(np.isnan(values))
    if len(suspects):
        presence = np.zeros(len(values), np.uint8)
        presence[suspects] = [_number_code(cells[i]) for i in suspects.tolist()]
    if leaf.cell is Cell.WHOLE:
        presence = _mark(
            values, presence, (values != np.trunc(values)) & np.isfinite(values), Presence.BAD_TYPE
        )
    if leaf.missing_values:
        nulls = np.isin(values, [value for value in leaf.missing_values if not isinstance(value, str)])
        presence = _mark(values, presence, nulls, Presence.NULL)
    if presence is not None and not presence.any():
        presence = None
    return Column(values, presence)


def _mark(
    values: NDArray[np.float64], presence: NDArray[np.uint8] | None, rows: NDArray[np.bool_], code: Presence
) -> NDArray[np.uint8] | None:
    if not rows.any():
        return presence
    presence = np.zeros(len(values), np.uint8) if presence is None else presence
    presence[rows] = code
    values[rows] = np.nan
    return presence


def _text_code(cell: object, missing_values: tuple[float | str, ...]) -> int:
    if cell is None:
        return Presence.NULL
    if cell is MISSING_TEXT:
        return Presence.MISSING
    if cell is BAD_TEXT:
        return Presence.BAD_TYPE
    return Presence.NULL if cell in missing_values else Presence.PRESENT


def _texts(cells: Sequence[Any], leaf: Leaf) -> Column:
    marks = _MARKS | set(leaf.missing_values)
    marked = not marks.isdisjoint(set(cells))
    presence: NDArray[np.uint8] | None = None
    if marked:
        presence = np.fromiter(
            (_text_code(cell, leaf.missing_values) for cell in cells), np.uint8, len(cells)
        )
    if leaf.cell is Cell.NUMBER_TEXT:
        names = {cell: category_text(cell) for cell in set(cells)}
        cells = [names[cell] for cell in cells]
    elif leaf.cell is Cell.FLAG:
        cells = ["true" if cell is True else "false" for cell in cells]
    values = _objects(cells)
    if presence is None or not presence.any():
        return Column(values)
    values[presence != Presence.PRESENT] = None
    return Column(values, presence)


def _objects(cells: Sequence[Any]) -> NDArray[np.object_]:
    values = np.empty(len(cells), dtype=np.object_)
    values[:] = cells
    return values
