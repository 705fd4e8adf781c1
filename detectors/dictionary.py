"""The data dictionary: what each feature of a model is, and what its values may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

import msgspec
from msgspec import field

ISO8601 = "iso8601"


class Kind(StrEnum):
    """How a feature is looked at. ``text`` and ``datetime`` are checked for quality, not for drift."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    IGNORE = "ignore"


class Role(StrEnum):
    """What a column is to the model. A derived one is not logged, but made of each row's features."""

    FEATURE = "feature"
    PREDICTION = "prediction"
    SCORE = "score"
    LABEL = "label"
    DERIVED = "derived"


INPUTS = frozenset({Role.FEATURE, Role.DERIVED})
"""What says something of the model's inputs."""

Type = Literal["float", "int", "str", "bool"]
Scalar = str | int | float | bool

TYPES: Mapping[Kind, tuple[Type, ...]] = {  # the first one is what is meant when none is stated
    Kind.NUMERIC: ("float", "int"),
    Kind.CATEGORICAL: ("str", "int", "float", "bool"),
    Kind.BOOLEAN: ("bool",),
    Kind.DATETIME: ("str",),
    Kind.TEXT: ("str",),
    Kind.IGNORE: ("str", "int", "float", "bool"),
}
KINDS_WITH: Mapping[str, tuple[Kind, ...]] = {
    "min": (Kind.NUMERIC,),
    "max": (Kind.NUMERIC,),
    "categories": (Kind.CATEGORICAL,),
    "pattern": (Kind.CATEGORICAL, Kind.TEXT),
    "format": (Kind.DATETIME,),
}


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of the log and the rules that its values obey.

    ``missing_values`` stand for null wherever they occur. ``max_null_fraction``
    None means that the share of absent values is compared with the reference;
    ``categories`` None (key ``enum``) that the known categories are the
    reference's. ``pattern`` must match the whole text. The descriptive keys at
    the end are for people and change no check.
    """

    name: str
    kind: Kind
    type: Type
    role: Role = Role.FEATURE
    required: bool = True
    max_null_fraction: float | None = None
    missing_values: tuple[Scalar, ...] = ()
    min: float | None = None
    max: float | None = None
    max_out_of_range_fraction: float = 0.0
    categories: tuple[str, ...] | None = field(default=None, name="enum")
    min_domain_mass: float = 1.0
    pattern: str | None = None
    format: str | None = None
    description: str = ""
    unit: str = ""
    owner: str = ""
    source: str = ""
    importance: float | None = None
    critical: bool = False
    pii: bool = False

    def __post_init__(self) -> None:
        self._check_name()
        self._check_kind()
        self._check_shares()
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min = {self.min} is above max = {self.max}")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern = {self.pattern!r} is no regular expression: {error}") from None

    def _check_name(self) -> None:
        if not self.name or self.name.startswith(":"):
            raise ValueError(f"{self.name!r} cannot be a name: it is empty or begins with a colon")

    def _check_kind(self) -> None:
        if self.type not in TYPES[self.kind]:
            allowed = ", ".join(f'"{name}"' for name in TYPES[self.kind])
            raise ValueError(f'type = "{self.type}" does not go with kind = "{self.kind}": use {allowed}')
        for key, kinds in KINDS_WITH.items():
            if getattr(self, key) is not None and self.kind not in kinds:
                shown = "enum" if key == "categories" else key
                allowed = " or ".join(f'"{kind}"' for kind in kinds)
                raise ValueError(f'{shown} does not go with kind = "{self.kind}": it is for {allowed}')

    def _check_shares(self) -> None:
        for key in ("max_null_fraction", "max_out_of_range_fraction", "min_domain_mass"):
            share = getattr(self, key)
            if share is not None and not 0.0 <= share <= 1.0:
                raise ValueError(f"{key} = {share} is no share: give a number from 0 to 1")


DESCRIPTIVE = ("description", "unit", "owner", "source", "importance", "critical", "pii")
"""The keys that change no check: whoever edits them changes no verdict."""
MEANING = ("kind", "type", "role", "missing_values")
"""The keys that say what a value is: counts that were made with others mean something else."""


def rules_of(feature: Feature) -> Feature:
    """The feature without what is only for people."""
    defaults = {one.name: one.default for one in msgspec.structs.fields(Feature) if one.name in DESCRIPTIVE}
    return msgspec.structs.replace(feature, **defaults)


class Dictionary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The features of a model by name, in the order of the file."""

    features: Mapping[str, Feature]

    def used(self) -> Mapping[str, Feature]:
        """The features that are looked at: all but the ignored ones."""
        return {name: feature for name, feature in self.features.items() if feature.kind is not Kind.IGNORE}


def as_logged(dictionary: Dictionary) -> Dictionary:
    """The same without what is derived."""
    logged = {name: one for name, one in dictionary.features.items() if one.role is not Role.DERIVED}
    return Dictionary(logged)


def with_feature(dictionary: Dictionary, feature: Feature) -> Dictionary:
    """The same with one more feature, at the end."""
    return Dictionary({**dictionary.features, feature.name: feature})


def category_text(value: Any) -> str | None:
    """The one text under which a category is counted; None if the value cannot be a category.

    ``True`` is "true", 5 and 5.0 are "5", other floats their shortest form, and
    a text is itself.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value == value and abs(value) != float("inf"):  # noqa: PLR0124  # NaN
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def has_type(value: Any, wanted: Type) -> bool:
    """Whether a value is of the dictionary's type. A whole float is an int too: 5.0 is 5 in JSON."""
    if wanted == "str":
        return isinstance(value, str)
    if wanted == "bool" or isinstance(value, bool):
        return wanted == "bool" and isinstance(value, bool)
    if isinstance(value, int):
        return True
    return isinstance(value, float) and (wanted == "float" or value.is_integer())
