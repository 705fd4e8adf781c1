"""One row's features by name: from an object, a list by position, or Feast's log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.decode.payload import Reason, Refused

_STATUS, _TIMESTAMP = "__status", "__timestamp"
_PRESENT, _NULL = (1, "PRESENT"), (2, "NULL_VALUE")


def named(cell: Any, names: Sequence[str]) -> dict[str, Any]:
    """Give the features of one row; those of a list are called by ``names``, or else 0, 1 ...

    Raises `Refused` when a list has more or fewer values than there are names.
    """
    if isinstance(cell, dict):
        return cell
    if cell is None:
        return {}
    values = cell if isinstance(cell, list) else [cell]
    if not names:
        return {str(position): value for position, value in enumerate(values)}
    if len(values) != len(names):
        text = f"a row has {len(values)} values, but {len(names)} features are expected: set feature_names"
        raise Refused(Reason.BAD_SHAPE, text)
    return dict(zip(names, values, strict=True))


def feast(found: Mapping[str, Any]) -> dict[str, Any]:
    """Give the features of Feast's log, VIEW__FEATURE; one whose status is not PRESENT is missing or null."""
    features = {}
    for name, value in found.items():
        if isinstance(value, dict | list) or not _is_feature(name, found):
            continue
        status = found.get(name + _STATUS, _PRESENT[0])
        if status in _PRESENT:
            features[name] = value
        elif status in _NULL:
            features[name] = None
    return features


def _is_feature(name: str, found: Mapping[str, Any]) -> bool:
    if "__" not in name[1:] or name.startswith("__"):
        return False
    return not any(name.endswith(end) and name.removesuffix(end) in found for end in (_STATUS, _TIMESTAMP))
