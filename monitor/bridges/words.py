"""What several tools write alike: names of types, patterns that need not match in full, limits on shares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from detectors.dictionary import Kind, Type, category_text

_KINDS: tuple[tuple[str, Kind, Type], ...] = (  # the first that the name begins with holds
    ("bool", Kind.BOOLEAN, "bool"),
    ("date", Kind.DATETIME, "str"),
    ("time", Kind.DATETIME, "str"),
    ("interval", Kind.TEXT, "str"),
    ("int", Kind.NUMERIC, "int"),
    ("uint", Kind.NUMERIC, "int"),
    ("bigint", Kind.NUMERIC, "int"),
    ("smallint", Kind.NUMERIC, "int"),
    ("tinyint", Kind.NUMERIC, "int"),
    ("long", Kind.NUMERIC, "int"),
    ("short", Kind.NUMERIC, "int"),
    ("byte", Kind.NUMERIC, "int"),
    ("float", Kind.NUMERIC, "float"),
    ("double", Kind.NUMERIC, "float"),
    ("real", Kind.NUMERIC, "float"),
    ("dec", Kind.NUMERIC, "float"),
    ("num", Kind.NUMERIC, "float"),
    ("str", Kind.TEXT, "str"),
    ("object", Kind.TEXT, "str"),
    ("text", Kind.TEXT, "str"),
    ("char", Kind.TEXT, "str"),
    ("varchar", Kind.TEXT, "str"),
    ("nvarchar", Kind.TEXT, "str"),
    ("category", Kind.CATEGORICAL, "str"),
    ("uuid", Kind.TEXT, "str"),
)
_JAVA = (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss", "%S"), ("'T'", "T"))
ANYTHING = r"[\s\S]*"


def kind_of_type(name: str) -> tuple[Kind, Type] | None:
    """Give kind and type of a column that Python, pandas, Spark or SQL call so; None for an unknown name."""
    plain = name.lower()
    return next(((kind, type_) for start, kind, type_ in _KINDS if plain.startswith(start)), None)


def in_full(pattern: str) -> str:
    """Give the pattern that matches a text in full where ``pattern`` matches anywhere in it.

    Raises
    ------
    ValueError
        If it is no regular expression of Python's.
    """
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"the pattern {pattern!r} is no regular expression: {error}") from None
    one = "|" not in pattern
    head = "" if one and pattern.startswith("^") else ANYTHING
    tail = "" if one and pattern.endswith("$") and not pattern.endswith(r"\$") else ANYTHING
    return pattern if not (head or tail) else f"{head}(?:{pattern}){tail}"


def strptime_format(java: str) -> str | None:
    """Give Python's format for one of Java's; None when it has a part that is not known here."""
    text = java
    for ours, python in _JAVA:
        text = text.replace(ours, python)
    rest = re.sub(r"%[YmdHMS]", "", text)
    return text if not re.search(r"[A-SU-Za-z'\[\]]", rest) else None


def is_number(value: object) -> bool:
    """Tell numbers from everything else; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def type_of_values(values: Iterable[object]) -> tuple[Kind, Type] | None:
    """Give kind and type of a feature that has these values; None when some can be no categories."""
    known = [value for value in values if value is not None]
    if not known or any(category_text(value) is None or isinstance(value, datetime) for value in known):
        return None
    if all(isinstance(value, bool) for value in known):
        return Kind.BOOLEAN, "bool"
    if all(isinstance(value, int) and not isinstance(value, bool) for value in known):
        return Kind.CATEGORICAL, "int"
    return (Kind.CATEGORICAL, "float") if all(map(is_number, known)) else (Kind.CATEGORICAL, "str")


def texts_of(values: Iterable[object]) -> tuple[str, ...]:
    """Give the categories under which values are counted, each once; null is none."""
    found = (category_text(value) for value in values)
    return tuple(dict.fromkeys(text for text in found if text is not None))


def share(complement: float) -> float:
    """Give 1 less a share, without the dust of floating point."""
    return round(1.0 - complement, 12)
