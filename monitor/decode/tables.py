"""The bodies of inference protocols as rows: KServe v1 and v2, MLflow, Seldon, plain lists.

A row is an object by feature, a list by position, or one value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from monitor.decode.payload import Reason, Refused

Rows = Sequence[Any]

_MOST_AXES, _MOST_CELLS = 8, 10**9
"""Of a tensor: more is no log of a model, and a shape costs nothing to write."""


def is_table(value: object) -> bool:
    """Tell whether a value holds rows: a list, or an object in the form of a protocol."""
    return isinstance(value, list) or (isinstance(value, dict) and any(key in value for key in _BODIES))


def table(value: object, most_rows: int) -> Rows:
    """Give the rows of a body; any other object is one row itself. Raises `Refused`."""
    if isinstance(value, dict):
        for key, read in _BODIES.items():
            if key in value:
                return read(value[key], most_rows)
    return _listed(value, most_rows)


def _listed(value: object, most_rows: int) -> Rows:
    if isinstance(value, list):
        rows = _tensors(value, most_rows) if _are_tensors(value) else value
    elif isinstance(value, dict):
        rows = [value]
    else:
        raise Refused(Reason.BAD_SHAPE, f"a {type(value).__name__} where rows are expected")
    _bound(len(rows), most_rows)
    return rows


def _columnar(value: object, most_rows: int) -> Rows:
    """Read what TensorFlow and MLflow call inputs: rows, tensors, or a list of values for each name."""
    if not isinstance(value, dict):
        return _listed(value, most_rows)
    if not all(isinstance(column, list) for column in value.values()):
        return [value]
    lengths = {len(column) for column in value.values()}
    if len(lengths) > 1:
        raise Refused(Reason.BAD_SHAPE, f"columns of different lengths: {sorted(lengths)[:8]}")
    _bound(max(lengths, default=0), most_rows)
    return [dict(zip(value, cells, strict=True)) for cells in zip(*value.values(), strict=True)]


def _split(value: object, most_rows: int) -> Rows:
    """Read MLflow's dataframe_split: the names of the columns once, then lists of cells."""
    names = value.get("columns") if isinstance(value, dict) else None
    rows = value.get("data") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        raise Refused(Reason.BAD_SHAPE, "dataframe_split has no list of data")
    _bound(len(rows), most_rows)
    return _named(rows, names)


def _seldon(value: object, most_rows: int) -> Rows:
    """Read Seldon's data: an ndarray or a tensor, with names or without."""
    if not isinstance(value, dict):
        return _listed(value, most_rows)
    rows: Any
    if isinstance(value.get("tensor"), dict):
        tensor = value["tensor"]
        rows = _matrix(tensor.get("shape"), tensor.get("values"), most_rows, "tensor")
    else:
        rows = value.get("ndarray")
    if not isinstance(rows, list):
        raise Refused(Reason.BAD_SHAPE, "data has neither ndarray nor tensor")
    _bound(len(rows), most_rows)
    return _named(rows, value.get("names"))


def _named(rows: Rows, names: object) -> Rows:
    """Give lists of cells their names, where there are some."""
    if not (isinstance(names, list) and names and all(isinstance(name, str) for name in names)):
        return rows
    return [
        dict(zip(names, row, strict=True)) if isinstance(row, list) and len(row) == len(names) else row
        for row in rows
    ]


def _are_tensors(value: Sequence[object]) -> bool:
    return bool(value) and all(
        isinstance(each, dict) and isinstance(each.get("name"), str) and "shape" in each and "data" in each
        for each in value
    )


def _tensors(tensors: Sequence[Mapping[str, Any]], most_rows: int) -> Rows:
    """Read the Open Inference Protocol's tensors: each is a feature, a lone one may hold several."""
    read = {each["name"]: _matrix(each["shape"], each["data"], most_rows, each["name"]) for each in tensors}
    lengths = {len(rows) for rows in read.values()}
    if len(lengths) > 1:
        raise Refused(Reason.BAD_SHAPE, f"tensors of different lengths: {sorted(lengths)[:8]}")
    if len(read) == 1:
        ((name, rows),) = read.items()
        return rows if rows and isinstance(rows[0], list) else [{name: cell} for cell in rows]
    return [_joined(dict(zip(read, cells, strict=True))) for cells in zip(*read.values(), strict=True)]


def _joined(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give one row of several tensors: cells of a wide one are named NAME.0, NAME.1 ..."""
    flat: dict[str, Any] = {}
    for name, cell in row.items():
        if isinstance(cell, list):
            flat |= {f"{name}.{i}": each for i, each in enumerate(cell)}
        else:
            flat[name] = cell
    return flat


def _matrix(shape: object, data: object, most_rows: int, name: str) -> list[Any]:
    """Cut row-major cells along the first axis: lists of them, or the cells themselves when each is alone."""
    if not (isinstance(shape, list) and len(shape) <= _MOST_AXES and all(map(_is_size, shape))):
        raise Refused(Reason.BAD_SHAPE, f"{name[:100]!r} has no shape, a list of sizes")
    rows, width = math.prod(shape[:1]), math.prod(shape[1:])
    _bound(rows, most_rows)
    cells = list(_cells(data))
    if rows * width != len(cells):
        told = f"of shape {shape} and {len(cells)} cells"
        raise Refused(Reason.BAD_SHAPE, f"{name[:100]!r} is {told}")
    if width == 1:
        return cells
    return [cells[first : first + width] for first in range(0, len(cells), width)] if width else []


def _is_size(size: object) -> bool:
    return type(size) is int and 0 <= size <= _MOST_CELLS


def _cells(data: object) -> Iterator[Any]:
    """Give the cells of lists in lists, in order, however deep."""
    waiting = [iter([data])]
    while waiting:
        for cell in waiting[-1]:
            if isinstance(cell, list):
                waiting.append(iter(cell))
                break
            yield cell
        else:
            waiting.pop()


def _bound(rows: int, most_rows: int) -> None:
    if rows > most_rows:
        text = f"{rows} rows, limits.max_rows_per_message is {most_rows}"
        raise Refused(Reason.TOO_MANY_ROWS, text)


_BODIES: Mapping[str, Callable[[Any, int], Rows]] = {
    "dataframe_split": _split,
    "dataframe_records": _listed,
    "instances": _listed,
    "inputs": _columnar,
    "predictions": _columnar,
    "outputs": _columnar,
    "ndarray": _listed,
    "data": _seldon,
}
"""By the key that tells the protocol."""
