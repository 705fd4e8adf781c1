"""The data dictionary as a TOML file: one ``[feature.NAME]`` table each."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

import msgspec

from detectors.dictionary import TYPES, Dictionary, Feature, Kind, Role, category_text

KEYS = tuple(field.encode_name for field in msgspec.structs.fields(Feature) if field.name != "name")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": tuple(Kind),
    "role": tuple(Role),
    "type": TYPES[Kind.IGNORE],
}
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(dictionary: Dictionary) -> str:
    """The file's text; `from_toml` reads the same dictionary back. Keys at their default are left out."""
    return "\n".join(_table(feature) for feature in dictionary.features.values())


def _table(feature: Feature) -> str:
    values: dict[str, Any] = msgspec.to_builtins(feature)
    lines = [f"[feature.{_key(values.pop('name'))}]"]
    lines += [f"{key} = {_value(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    """A basic string: JSON's escapes are TOML's. What cannot be seen, or terminals obey, is one too."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in quoted)


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # TOML writes inf, -inf and nan as Python does
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return repr(value)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and where: feature and key are empty where it is about none."""

    feature: str
    key: str
    text: str

    def __str__(self) -> str:
        return f"feature {self.feature!r}: {self.text}" if self.feature else self.text


class WrongDictionary(ValueError):  # noqa: N818  # the dictionary is wrong
    """Names every mistake, one a line, with feature, key and the nearest known name."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


def from_toml(text: str) -> Dictionary:
    """Read a data dictionary.

    Raises
    ------
    WrongDictionary
        Naming every mistake.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongDictionary(Mistake("", "", f"the data dictionary is not valid TOML: {error}")) from None
    mistakes = [
        Mistake("", key, f"unknown key {key!r}: features are tables [feature.NAME]")
        for key in document
        if key != "feature"
    ]
    features: dict[str, Feature] = {}
    tables = document.get("feature", {})
    if not isinstance(tables, dict):
        text = "'feature' is not a table: features are tables [feature.NAME]"
        raise WrongDictionary(Mistake("", "feature", text))
    for name, table in tables.items():
        problems = [Mistake(name, key, problem) for key, problem in _problems(table)]
        mistakes += problems
        if not problems:
            try:
                features[name] = _feature(name, table)
            except (msgspec.ValidationError, ValueError) as error:
                plain = _plain(str(error))
                mistakes.append(Mistake(name, re.split(r"\W", plain, maxsplit=1)[0], plain))
    if mistakes:
        raise WrongDictionary(*mistakes)
    return Dictionary(features)


def _problems(table: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with a feature's keys and its enumerated values: the key and words."""
    if not isinstance(table, dict):
        yield "", "is not a table: write [feature.NAME] and its keys below"
        return
    for key in table:
        if key not in KEYS:
            yield key, f"unknown key {key!r}{_nearest(key, KEYS)}"
    if "kind" not in table:
        yield "", f"has no kind: give one of {', '.join(Kind)}"
    for key, choices in CHOICES.items():
        value = table.get(key)
        if value is not None and value not in choices:
            yield key, f"{key} = {value!r} is not one of {', '.join(choices)}{_nearest(value, choices)}"


def _nearest(wrong: Any, known: tuple[str | StrEnum, ...]) -> str:
    close = get_close_matches(str(wrong), [str(name) for name in known], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _feature(name: str, table: Mapping[str, Any]) -> Feature:
    filled = {"type": TYPES[Kind(table["kind"])][0], **table, "name": name}
    if isinstance(filled.get("enum"), list):
        filled["enum"] = [_category(value) for value in filled["enum"]]
    return msgspec.convert(filled, Feature)


def _category(value: Any) -> Any:
    text = category_text(value)
    return value if text is None else text


def _plain(message: str) -> str:
    """The message with its JSON path turned into the key it means."""
    found = re.fullmatch(r"(.*) - at `\$\.?([^`]*)`", message)
    return f"{found[2]}: {found[1]}" if found and found[2] else message.removesuffix(" - at `$`")
