"""Typed values from parsed TOML, with every mistake instead of the first."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from monitor.config.durations import Age, Duration
from monitor.config.secret import Secret
from monitor.config.section import InvalidSection, Mistake, Place, Section, nearest, shown

S = TypeVar("S", bound=Section)

_PRIVATE = {("database", "url"), ("registry", "url"), ("alerts", "services"), ("kafka", "options")}
_MISSING: dict[Place, str] = {
    ("database", "url"): ": give url, url_file or the environment variable DRIFTD__DATABASE__URL",
}
_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


_PARSED: dict[Any, Callable[[str], Any]] = {Duration: Duration.parse, Age: Age.parse, Secret: Secret}


class EnvText(str):
    """A value from the environment: TOML if that fits, else the text as it is."""

    __slots__ = ()


class _Bad:
    """Stands for a value that could not be read; its mistake has been noted."""


_BAD: Any = _Bad()


def read(kind: type[S], table: Any) -> tuple[S | None, tuple[Mistake, ...]]:
    """Make a section of a parsed table; None and every mistake when it cannot be made."""
    reader = _Reader()
    made = reader.value(kind, table, ())
    return (None if made is _BAD else made), tuple(reader.mistakes)


class _Reader:
    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def value(self, kind: Any, raw: Any, place: Place) -> Any:
        if isinstance(raw, EnvText):
            return self._from_environment(kind, raw, place)
        if get_origin(kind) in (Union, UnionType) and (arm := _only_arm(kind)) is not None:
            return self.value(arm, raw, place)
        if isinstance(kind, type) and issubclass(kind, Section):
            return self._section(kind, raw, place)
        if kind in _PARSED:
            return self._parsed(kind, raw, place)
        containers = {tuple: self._list, dict: self._table, Literal: self._choice}
        return containers.get(get_origin(kind), self._leaf)(kind, raw, place)

    def _from_environment(self, kind: Any, text: EnvText, place: Place) -> Any:
        plain = str(text)
        candidates = (parsed_toml(plain, default=plain), *_as_list(kind, plain), plain)
        noted = list(self.mistakes)
        first: list[Mistake] = []
        for candidate in candidates:
            self.mistakes = list(noted)
            made = self.value(kind, candidate, place)
            if made is not _BAD:
                return made
            first = first or self.mistakes
        self.mistakes = first
        return _BAD

    def _section(self, kind: type[Section], raw: Any, place: Place) -> Any:
        if not isinstance(raw, dict):
            return self._refuse(place, f"expected {kind.TABLE}, got {_echo(raw, place)}")
        known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        before = len(self.mistakes)
        for key in raw.keys() - known.keys():
            text = f'unknown key "{key}"{nearest(key, known)}'
            self.mistakes.append(Mistake((*place, key), text, is_stray=True))
        for name, field in known.items():
            if field.required and name not in raw:
                self._refuse(place, _missing(field.type, name, place))
        made = {
            field.name: self.value(field.type, raw[name], (*place, name))
            for name, field in known.items()
            if name in raw
        }
        return _BAD if len(self.mistakes) > before else self._built(kind, made, place)

    def _built(self, kind: type[Section], values: dict[str, Any], place: Place) -> Any:
        try:
            return kind(**values)
        except InvalidSection as error:
            self.mistakes += [Mistake((*place, *mistake.place), mistake.text) for mistake in error.mistakes]
            return _BAD

    def _list(self, kind: Any, raw: Any, place: Place) -> Any:
        if not isinstance(raw, list):
            return self._refuse(place, f"expected a list in [ ], got {_echo(raw, place)}")
        item_kind = get_args(kind)[0]
        items = [self.value(item_kind, item, (*place, index)) for index, item in enumerate(raw)]
        return _BAD if _BAD in items else tuple(items)

    def _table(self, kind: Any, raw: Any, place: Place) -> Any:
        if not isinstance(raw, dict):
            return self._refuse(place, f"expected a table, got {_echo(raw, place)}")
        key_kind, item_kind = get_args(kind)
        keys = [self.value(key_kind, key, (*place, key)) for key in raw]
        items = [self.value(item_kind, item, (*place, key)) for key, item in raw.items()]
        return _BAD if _BAD in (*keys, *items) else dict(zip(keys, items, strict=True))

    def _choice(self, kind: Any, raw: Any, place: Place) -> Any:
        choices: tuple[str, ...] = get_args(kind)
        if isinstance(raw, str) and raw in choices:
            return raw
        quoted = ", ".join(f'"{choice}"' for choice in choices)
        hint = nearest(raw, choices) if isinstance(raw, str) and len(choices) > 1 else ""
        return self._refuse(
            place, f"{_echo(raw, place)} is not {'one of ' * (len(choices) > 1)}{quoted}{hint}"
        )

    def _parsed(self, kind: Any, raw: Any, place: Place) -> Any:
        try:
            return _PARSED[kind](_text(kind, raw, place))
        except ValueError as error:
            return self._refuse(place, str(error))

    def _leaf(self, kind: Any, raw: Any, place: Place) -> Any:
        try:
            return msgspec.convert(raw, kind)
        except msgspec.ValidationError as error:
            return self._refuse(place, _in_words(str(error), raw, place))

    def _refuse(self, place: Place, text: str) -> Any:
        self.mistakes.append(Mistake(place, text))
        return _BAD


def _missing(kind: Any, name: str, place: Place) -> str:
    if isinstance(kind, type) and issubclass(kind, Section):
        return f"missing section [{shown((*place, name))}]"
    return f'missing key "{name}"{_MISSING.get((*place, name), "")}'


def _text(kind: Any, raw: Any, place: Place) -> str:
    if isinstance(raw, str):
        return raw
    hint = ': write the unit too, like "5m"' if kind in (Duration, Age) else ""
    raise ValueError(f"expected text in quotes, got {_echo(raw, place)}{hint}")  # like a bad text


def _only_arm(kind: Any) -> Any:
    arms = [arm for arm in get_args(kind) if arm is not type(None)]
    return arms[0] if len(arms) == 1 else None


def parsed_toml(text: str, default: Any) -> Any:
    """Read one TOML value; the default when the text is none."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return default
    return table["value"] if len(table) == 1 else default


def _as_list(kind: Any, text: str) -> list[Any]:
    return [[part.strip() for part in text.split(",")]] if kind == tuple[str, ...] else []


def _in_words(message: str, raw: Any, place: Place) -> str:
    found = re.match(r"Expected `(.+?)`( [<>=]+ \S+)?(?:, got `\w+`)?", message)
    if not found:
        return message
    wanted = " or ".join(_NAMES.get(part, part) for part in found[1].split(" | ") if part != "null")
    return f"expected {wanted}{found[2] or ''}, got {_echo(raw, place)}"


def _echo(raw: Any, place: Place) -> str:
    if place[:2] in _PRIVATE:
        return "something else"
    if isinstance(raw, str | bool | int | float):
        text = f'"{raw}"' if isinstance(raw, str) else str(raw).lower()
        return text if len(text) <= 60 and text.isprintable() else f"{text[:60]!r}..."  # noqa: PLR2004
    return "a table" if isinstance(raw, dict) else "a list" if isinstance(raw, list) else "a date or time"
