"""``DRIFTD__SECTION__KEY``: single keys of the configuration from the environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from monitor.config.reader import EnvText, parsed_toml
from monitor.config.section import Mistake, Place, Section, nearest, shown

PREFIX = "DRIFTD__"


@dataclass(frozen=True, slots=True)
class Overridden:
    """A table with the environment's values in it, and which variable set which place."""

    table: dict[str, Any]
    origins: dict[Place, str]
    mistakes: tuple[Mistake, ...]


def override(kind: type[Section], table: Mapping[str, Any], environ: Mapping[str, str]) -> Overridden:
    """Put every ``DRIFTD__`` variable into a copy of the table; the table itself stays as it is."""
    copy = _copied(table)
    origins: dict[Place, str] = {}
    mistakes: list[Mistake] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        try:
            place = _place(kind, copy, name.removeprefix(PREFIX).split("__"))
        except ValueError as error:
            mistakes.append(Mistake((name,), str(error)))
            origins[name,] = name
        else:
            _set(copy, place, EnvText(environ[name]))
            origins[place] = name
    return Overridden(copy, origins, tuple(mistakes))


def _place(kind: Any, table: Any, words: list[str]) -> Place:
    """Give the keys that a variable's words mean; raises ValueError when they mean none."""
    place: Place = ()
    for word in words:
        known, inner = _inside(kind)
        if inner is None:
            raise ValueError(f"{shown(place)} has no keys: set it whole, as a TOML value")
        here = table if isinstance(table, dict) else {}
        key = _matching(word, [*here, *known])
        if not word or inner(key) is None:
            raise ValueError(f'unknown key "{word.lower()}"{nearest(word, known)}')
        place, kind, table = (*place, key), inner(key), here.get(key)
    return place


def _inside(kind: Any) -> tuple[Iterable[str], Any]:
    """Give the keys that a type names, and a function from a key to its type (None: it holds no keys)."""
    if get_origin(kind) in (Union, UnionType):
        return next((found for arm in get_args(kind) if (found := _inside(arm))[1]), ((), None))
    if get_origin(kind) is dict:
        return (), lambda _: get_args(kind)[1]
    if isinstance(kind, type) and issubclass(kind, Section):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        return fields, fields.get
    return (), (lambda _: Any) if kind is Any else None


def _matching(word: str, keys: Iterable[str]) -> str:
    wanted = _plain(word)
    return next((key for key in keys if _plain(key) == wanted), word.lower())


def _plain(key: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", key.lower())


def _set(table: dict[str, Any], place: Place, text: EnvText) -> None:
    for key in place[:-1]:
        inner = table.setdefault(str(key), {})
        if isinstance(inner, EnvText):
            inner = table[str(key)] = parsed_toml(inner, default=inner)
        if not isinstance(inner, dict):
            return  # the mistake is at that key, and is reported there
        table = inner
    table[str(place[-1])] = text


def _copied(value: Any) -> Any:
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, dict) else value
