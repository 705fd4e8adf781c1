"""A model's signature of columns, as MLflow keeps it, laid over the dictionary of its training rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from detectors.dictionary import ISO8601, Dictionary, Feature, Kind, Role, Type

TYPES: Mapping[str, tuple[Kind, Type]] = {
    "boolean": (Kind.BOOLEAN, "bool"),
    "integer": (Kind.NUMERIC, "int"),
    "long": (Kind.NUMERIC, "int"),
    "float": (Kind.NUMERIC, "float"),
    "double": (Kind.NUMERIC, "float"),
    "datetime": (Kind.DATETIME, "str"),
}
"""Types of which the values say the kind. Of a string the training rows say it."""
OF_TEXTS = (Kind.CATEGORICAL, Kind.TEXT, Kind.DATETIME)


def signed(
    dictionary: Dictionary, inputs: Mapping[str, Mapping[str, Any]]
) -> tuple[Dictionary, tuple[str, ...]]:
    """Ignore what is neither an input nor an output of the model, and take types from the signature.

    Says what was ignored, what the signature has and the rows do not, and what has a type that is no scalar.
    """
    features = {name: _signed(feature, inputs) for name, feature in dictionary.features.items()}
    return Dictionary(features), tuple(_notes(dictionary, features, inputs))


def _signed(feature: Feature, inputs: Mapping[str, Mapping[str, Any]]) -> Feature:
    if feature.role is not Role.FEATURE or feature.kind is Kind.IGNORE:
        return feature
    known = inputs.get(feature.name)
    if known is None or (known["type"] not in TYPES and known["type"] != "string"):
        return Feature(feature.name, Kind.IGNORE, feature.type, description=feature.description)
    typed = _typed(feature, str(known["type"]))
    return typed if known.get("required", True) else msgspec.structs.replace(typed, required=False)


def _typed(feature: Feature, name: str) -> Feature:
    kind, type_ = TYPES.get(name, (feature.kind if feature.kind in OF_TEXTS else Kind.TEXT, "str"))
    if kind is feature.kind:
        return msgspec.structs.replace(feature, type=type_)
    return Feature(feature.name, kind, type_, format=ISO8601 if kind is Kind.DATETIME else None)


def _notes(
    before: Dictionary, after: Mapping[str, Feature], inputs: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    ignored = [
        name
        for name, feature in after.items()
        if feature.kind is Kind.IGNORE and before.features[name].kind is not Kind.IGNORE
    ]
    odd = [name for name in ignored if name in inputs]
    if others := [name for name in ignored if name not in inputs]:
        yield f"ignored, as no inputs of the model: {', '.join(others)}"
    if odd:
        yield f"ignored, as they are no single values: {', '.join(odd)}"
    if lacking := [name for name in inputs if name not in before.features]:
        yield f"inputs of the model that the training rows do not have: {', '.join(lacking)}"
