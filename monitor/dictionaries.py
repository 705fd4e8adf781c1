"""Data dictionaries as people read and change them: mistakes by line, differences, rules in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from detectors.checks import percent_of
from detectors.dictionary import DESCRIPTIVE, Dictionary, Feature, Kind
from detectors.dictionary_file import WrongDictionary, from_toml
from detectors.promotion import other_meaning
from monitor.config.lines import line_of, locate
from monitor.errors import DataError

_FEW = 4  # categories that are named


@dataclass(frozen=True, slots=True)
class Change:
    """One key that differs; an empty key is a whole feature, which only one of the dictionaries has."""

    feature: str
    key: str
    before: Any
    after: Any

    @property
    def is_for_people(self) -> bool:
        """Whether it changes no check."""
        return self.key in DESCRIPTIVE


def read_dictionary(path: Path) -> Dictionary:
    """Read a data dictionary; raises DataError that names each mistake with its line."""
    return parsed(text_of(path), str(path))


def text_of(path: Path) -> str:
    """Read a file; raises DataError."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def parsed(text: str, name: str) -> Dictionary:
    """Read a data dictionary's text; raises DataError whose lines begin with ``name`` and the line."""
    try:
        return from_toml(text)
    except WrongDictionary as error:
        mistakes = [(one.feature, one.key, str(one)) for one in error.mistakes]
        raise DataError(located(mistakes, text, name)) from None


def refuse_other_meaning(old: Dictionary, new: Dictionary, text: str, name: str) -> None:
    """Raise DataError, with lines, when counts that were made with the old one would mean something else."""
    found = [(feature, key, f"feature {feature!r}: {what}") for feature, key, what in other_meaning(old, new)]
    if found:
        raise DataError(located(found, text, name))


def located(mistakes: list[tuple[str, str, str]], text: str, name: str) -> str:
    """Put the line in front of each mistake, which is a feature, a key and words."""
    try:
        lines = locate(text)
    except ValueError:  # not TOML: the words say where
        lines = {}
    told = []
    for feature, key, words in mistakes:
        place = ("feature", feature, key) if feature else (key,)
        line = line_of(tuple(filter(None, place)), lines)
        told.append((line or 0, f"{name}: {words}" if line is None else f"{name}:{line}: {words}"))
    return "\n".join(words for _, words in sorted(told))


def differences(old: Dictionary, new: Dictionary) -> tuple[Change, ...]:
    """Give what differs, in the order of the old dictionary, then of the new."""
    return tuple(_differences(old, new))


def _differences(old: Dictionary, new: Dictionary) -> Iterator[Change]:
    for name, feature in old.features.items():
        if name not in new.features:
            yield Change(name, "", rules_in_words(feature), None)
            continue
        for each in msgspec.structs.fields(Feature):
            before, after = (getattr(one.features[name], each.name) for one in (old, new))
            if before != after:
                yield Change(name, each.encode_name, before, after)
    for name, feature in new.features.items():
        if name not in old.features:
            yield Change(name, "", None, rules_in_words(feature))


def in_words(change: Change) -> str:
    """Say a change in one line, without its feature."""
    if not change.key:
        return f"new: {change.after}" if change.before is None else f"gone: {change.before}"
    if isinstance(change.before, tuple) and isinstance(change.after, tuple):
        added = [value for value in change.after if value not in change.before]
        gone = [value for value in change.before if value not in change.after]
        signs = [f"+ {value}" for value in added] + [f"- {value}" for value in gone]
        return f"{change.key}: {', '.join(signs) or 'in another order'}"
    return f"{change.key}: {_value(change.before)} → {_value(change.after)}"


def _value(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def rules_in_words(feature: Feature) -> str:
    """Say what a feature is and what its values may be, in a few words."""
    parts = [feature.kind.value if feature.kind is Kind.IGNORE else f"{feature.kind} {feature.type}"]
    if feature.min is not None or feature.max is not None:
        low, high = ("" if end is None else f"{end:g}" for end in (feature.min, feature.max))
        parts.append(f"{low}..{high}")
    if feature.categories is not None:
        more = len(feature.categories) - _FEW
        named = ", ".join(feature.categories[:_FEW])
        parts.append(f"one of {named}{f' and {more} more' if more > 0 else ''}")
    if feature.pattern is not None:
        parts.append(f"like {feature.pattern}")
    if feature.format is not None:
        parts.append(feature.format)
    if feature.max_null_fraction is not None:
        parts.append(f"at most {percent_of(feature.max_null_fraction)} null")
    if not feature.required:
        parts.append("may lack")
    return "; ".join(parts)


def about(feature: Feature) -> str:
    """Say what is known about a feature for people, in a few words."""
    named = [("unit", feature.unit), ("owner", feature.owner), ("source", feature.source)]
    parts = [feature.description, *(f"{word}: {text}" for word, text in named if text)]
    parts += ["critical"] * feature.critical + ["personal data"] * feature.pii
    return "; ".join(filter(None, parts))
