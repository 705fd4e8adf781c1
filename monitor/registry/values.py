"""The value of a record in the form that JSON's would have, whatever it was written in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from monitor.decode.layout import Format
from monitor.decode.payload import Reason, Refused, read_any
from monitor.errors import ConfigError
from monitor.registry.client import Registry, Schema
from monitor.registry.framing import unframed
from monitor.source.base import Record

_KINDS: dict[Format, str] = {"avro": "AVRO", "protobuf": "PROTOBUF"}
_MOST_PREPARED = 1_000


class FramedValues:
    """Reads the values of one format; ``prepare`` makes a schema ready for ``read``.

    Raises `Refused` for a value that cannot be read, and `RegistryError` when its schema cannot be had now.
    """

    def __init__(
        self,
        form: Format,
        registry: Registry,
        prepare: Callable[[Schema], Any],
        read: Callable[[Any, bytes], Any],
    ) -> None:
        self._form = form
        self._registry = registry
        self._prepare = prepare
        self._read = read
        self._prepared: OrderedDict[str, Any] = OrderedDict()

    def __call__(self, record: Record) -> Any:
        place, indexes, payload = unframed(record)
        if place not in self._prepared:
            schema = self._registry.schema(place)
            if schema.kind != _KINDS[self._form]:
                text = f"{place} is a schema of {schema.kind[:40]}, but fields.format is {self._form}"
                raise Refused(Reason.UNKNOWN_SCHEMA, text)
            self._prepared[place] = self._prepare(schema)
            if len(self._prepared) > _MOST_PREPARED:
                self._prepared.popitem(last=False)
        return self._read(self._prepared[place], indexes + payload)


def framed_json(record: Record) -> Any:
    """Read JSON behind a frame; its schema says nothing that is needed here."""
    _, _, payload = unframed(record)
    return read_any(payload)


def values_of(form: Format, registry: Registry | None) -> Callable[[Record], Any] | None:
    """Give what reads values of a format; None for plain JSON. Raises ConfigError for an extra that lacks."""
    if form == "json":
        return None
    if form == "json-schema":
        return framed_json
    if registry is None:
        raise ConfigError(
            f'registry.url: is needed for format = "{form}": the address of the schema registry'
        )
    try:
        if form == "avro":
            from monitor.registry.avro import parsed, read_avro  # noqa: PLC0415  # an extra

            return FramedValues(form, registry, parsed, read_avro)
        from monitor.registry.protobuf import messages_of, read_protobuf  # noqa: PLC0415  # an extra

        return FramedValues(form, registry, messages_of, read_protobuf)
    except ImportError as error:
        raise ConfigError(
            f'fields.format is "{form}", but what reads it cannot be imported ({error}): '
            f"pip install 'driftd[{form}]'"
        ) from error
