"""Where in a message each thing is."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Keys = tuple[str, ...]
"""A path of object keys into the payload."""

TimestampUnit = Literal["auto", "iso8601", "s", "ms", "us", "ns"]


class Cell(StrEnum):
    """What a leaf of the payload may hold."""

    NUMBER = "number"
    WHOLE = "whole"  # a number without fraction
    TEXT = "text"
    NUMBER_TEXT = "number_text"  # a number that is a category
    FLAG = "flag"
    SCALAR = "scalar"  # an id, a time, a model's name: any scalar
    AMOUNT = "amount"  # a number, or true and false as 1 and 0


@dataclass(frozen=True, slots=True)
class Meta:
    """Something of the record rather than of its payload."""

    name: Literal["key", "timestamp", "topic", "partition", "offset", "header"]
    header: str = ""


Where = Keys | Meta


@dataclass(frozen=True, slots=True)
class Leaf:
    """One column to be read from the payload.

    ``missing_values`` are values that mean null (``-1``, ``"N/A"``), as the dictionary says.
    """

    name: str
    keys: Keys
    cell: Cell
    missing_values: tuple[float | str, ...] = ()


Scalar = str | int | float | bool
Coding = Literal["json", "csv", "base64+json", "base64+csv", "encoding"]
"""What text inside a payload is; ``encoding``: as the key of that name beside it says."""
FeatureForm = Literal["plain", "feast"]
Format = Literal["json", "json-schema", "avro", "protobuf"]
"""What a message's value is written in; all but plain JSON are framed for a schema registry."""


@dataclass(frozen=True, slots=True)
class Condition:
    """The value at a place has to be one of these; in a text the wildcards * and ? are allowed."""

    where: Where
    wanted: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Pairing:
    """How requests and responses that are messages of their own are told apart, and how long one waits.

    The value at ``kind`` matches ``request`` or ``response``, wildcards allowed; what matches neither is
    passed over. At most ``most`` halves of ``most_bytes`` together wait in one partition.
    """

    kind: Where
    request: str
    response: str
    within_ms: int
    most: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Shape:
    """How a message becomes rows, each an object with the keys of `ROW`.

    Of several places of one thing the first that has a value holds. ``rows`` is where the rows are (empty:
    the whole value; None: a message is one row). ``features`` is the object or list that holds them, or each
    one's place; None: every scalar at the top that is not among ``others``. ``names`` are those of features
    that come by position. With a ``pairing`` a row is made of two messages: ``outputs`` and ``scores`` are in
    the response, all else in the request.
    """

    id: tuple[Where, ...]
    timestamp: tuple[Where, ...]
    timestamp_unit: TimestampUnit
    model: tuple[Where, ...]
    rows: Keys | None
    features: Keys | Mapping[str, Keys] | None
    outputs: Mapping[str, Keys]
    scores: Mapping[str, Keys]
    others: frozenset[str] = frozenset()
    decode: tuple[tuple[Keys, Coding], ...] = ()
    when: tuple[Condition, ...] = ()
    is_cloudevent: bool = False
    form: FeatureForm = "plain"
    format: Format = "json"
    names: tuple[str, ...] = ()
    pairing: Pairing | None = None
    variant: tuple[Where, ...] = ()


MAX_ROWS = 10_000
"""The default of limits.max_rows_per_message."""
ROW = ("id", "timestamp", "model", "variant", "features", "prediction", "score", "scores", "label", "metric")
"""The keys of a row, whatever its message looked like."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything the decoder of one model has to find.

    ``container`` is the object whose keys are the features (empty: the message itself); its keys that are
    neither features nor ``other_keys`` are extra columns. A None container looks for no extra columns.

    ``label`` is read from messages of the ``label_topics`` (None: of every topic). A row without an id is
    rejected where ``id_required``. With ``timestamp_fallback`` a row without a time of its own has its
    record's; with ``timestamp_optional`` it may have none at all, and then has `times.UNKNOWN_TIME`.

    ``variant`` and ``metric`` are an experiment's. With a ``shape`` messages are made into rows first, and
    all places are in these.
    """

    leaves: tuple[Leaf, ...]
    features: frozenset[str]
    id: Where | None
    timestamp: Where
    timestamp_unit: TimestampUnit
    model: Where | None
    model_name: str
    container: Keys | None
    other_keys: frozenset[str]
    label: Leaf | None = None
    label_topics: Container[str] | None = None
    id_required: bool = False
    timestamp_fallback: bool = False
    timestamp_optional: bool = False
    shape: Shape | None = None
    variant: Where | None = None
    metric: Keys | None = None
