"""What a description of data in another tool's words became, and what of it could not be taken over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from detectors.dictionary import TYPES, Dictionary, Feature, Kind, Role

DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Feature)}
"""Of the keys of a feature; what is equal to them is left out of the file."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A data dictionary, and every rule of the original that it does not hold, named in one line each."""

    dictionary: Dictionary
    left_out: tuple[str, ...]


@dataclass(slots=True)
class Draft:
    """A feature that is put together rule by rule; `made` reads it."""

    name: str
    kind: Kind
    keys: dict[str, Any] = field(default_factory=dict)

    def made(self, role: Role = Role.FEATURE) -> Feature:
        """Give the feature; raises ValueError when the rules contradict each other."""
        said = {key: value for key, value in self.keys.items() if value != DEFAULTS.get(key)}
        return Feature(name=self.name, kind=self.kind, **{"type": TYPES[self.kind][0], "role": role, **said})


def put_together(drafts: Iterable[Draft], left_out: Iterable[str], roles: dict[str, Role]) -> Imported:
    """Give the dictionary of these features.

    Raises
    ------
    ValueError
        Naming the feature whose rules contradict each other.
    """
    features = {}
    for draft in drafts:
        try:
            features[draft.name] = draft.made(roles.get(draft.name, Role.FEATURE))
        except ValueError as error:
            raise ValueError(f"{draft.name}: {error}") from None
    return Imported(Dictionary(features), tuple(left_out))
