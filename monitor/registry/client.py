"""A schema registry over HTTP: schemas by their place, each fetched once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from monitor.clock import Clock
from monitor.decode.payload import Reason, Refused
from monitor.errors import RegistryError

_MOST_KEPT = 1_000
_MOST_REFERENCES = 100
_UNKNOWN_FOR_S = 30.0
_MOST_BYTES = 1 << 23
_NOT_FOUND = {40401, 40402, 40403}
"""What a registry says when it has no such subject, version or schema; other servers say 404 alone."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema; ``kind`` is AVRO, PROTOBUF or JSON. ``references`` are what it names, deepest first."""

    kind: str
    text: str
    references: tuple[tuple[str, Schema], ...] = ()


class Registry:
    """Fetches schemas and keeps the latest thousand of them; not for several threads.

    Raises `RegistryError` when the registry does not answer, or not as one, and `Refused` when it says that
    it has no such schema, which is believed for half a minute.
    """

    def __init__(self, url: str, timeout_s: float, clock: Clock) -> None:
        self._url = url.rstrip("/")
        self._host = urlsplit(url).hostname or "?"
        self._timeout_s = timeout_s
        self._clock = clock
        self._session = requests.Session()
        self._kept: OrderedDict[str, Schema] = OrderedDict()
        self._unknown_until_s: dict[str, float] = {}

    def schema(self, place: str) -> Schema:
        """Give the schema at a place, like ``schemas/ids/7``."""
        if place in self._kept:
            self._kept.move_to_end(place)
            return self._kept[place]
        if self._unknown_until_s.get(place, 0.0) > self._clock.monotonic():
            raise _unknown(place)
        try:
            fetched = self._fetched(place)
        except Refused:
            if len(self._unknown_until_s) >= _MOST_KEPT:
                self._unknown_until_s.clear()
            self._unknown_until_s[place] = self._clock.monotonic() + _UNKNOWN_FOR_S
            raise
        self._kept[place] = fetched
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return fetched

    def _fetched(self, place: str) -> Schema:
        told = self._ask(place)
        found: dict[str, Schema] = {}
        for name, text in self._references(told, {}):
            found.setdefault(name, text)
        return _schema(told, tuple(found.items()))

    def _references(self, told: Mapping[str, Any], seen: dict[str, None]) -> Iterator[tuple[str, Schema]]:
        """Give what a schema refers to, and before each what that refers to."""
        for reference in told.get("references") or ():
            subject, version = quote(str(reference["subject"]), safe=""), int(reference["version"])
            place = f"subjects/{subject}/versions/{version}"
            if place in seen:
                continue
            seen[place] = None
            if len(seen) > _MOST_REFERENCES:
                raise RegistryError(f"registry {self._host}: more than {_MOST_REFERENCES} references")
            inner = self._ask(place)
            yield from self._references(inner, seen)
            yield str(reference["name"]), _schema(inner)

    def _ask(self, place: str) -> dict[str, Any]:
        try:
            answer = self._session.get(
                f"{self._url}/{place}",
                params={"format": "serialized"},  # only Protobuf's have such a form
                timeout=self._timeout_s,
                headers={"Accept": "application/vnd.schemaregistry.v1+json, application/json"},
                allow_redirects=False,
            )
            told = answer.json() if len(answer.content) <= _MOST_BYTES else None
        except (requests.RequestException, ValueError) as error:
            raise RegistryError(f"registry {self._host}: no answer: {type(error).__name__}") from None
        if not isinstance(told, dict):
            raise RegistryError(f"registry {self._host}: {place}: the answer is no JSON object")
        if answer.status_code == requests.codes.not_found and told.get("error_code") in _NOT_FOUND:
            raise _unknown(place)
        if answer.status_code != requests.codes.ok or not isinstance(told.get("schema"), str):
            raise RegistryError(f"registry {self._host}: {place}: answered {answer.status_code}")
        return told


def _schema(told: Mapping[str, Any], references: tuple[tuple[str, Schema], ...] = ()) -> Schema:
    return Schema(str(told.get("schemaType") or "AVRO"), str(told["schema"]), references)


def _unknown(place: str) -> Refused:
    return Refused(Reason.UNKNOWN_SCHEMA, f"the schema registry has no {place}")
