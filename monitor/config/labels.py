"""[models.NAME.labels_fields]: where in a label's message each thing is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from monitor.config.fields import Fields, path_mistakes
from monitor.config.paths import parse_path
from monitor.config.section import Mistake, Section
from monitor.decode.layout import Meta, TimestampUnit, Where

LabelKey = Literal["id", "label", "timestamp", "model"]

RECORDED = Meta("timestamp")
"""The time that Kafka recorded, always in milliseconds."""


@dataclass(frozen=True, slots=True)
class ResolvedLabels:
    """The places of what a label's message holds; None: it has no such thing.

    ``model_name`` is what the value at ``model`` has to equal.
    """

    id: Where | None
    label: Where | None
    timestamp: Where
    timestamp_unit: TimestampUnit
    model: Where | None
    model_name: str


class LabelsFields(Section, frozen=True, kw_only=True):
    """Paths into the messages of labels_topics. A key left out is as in the fields, "" switches it off."""

    id: str | None = None
    label: str | None = None
    timestamp: str | None = None
    timestamp_unit: TimestampUnit | None = None
    model: str | None = None
    model_name: str | None = None

    def setting(self, key: LabelKey, fields: Fields) -> str:
        """Give the path that holds for a key, as written; empty when it is off."""
        own: str | None = getattr(self, key)
        return fields.setting(key) if own is None else own

    def resolved(self, fields: Fields, model: str) -> ResolvedLabels:
        """Fill in what ``fields`` say; ``model`` is the name that the model has in the configuration."""
        timestamp = self._where("timestamp", fields) or RECORDED
        unit = fields.timestamp_unit if self.timestamp_unit is None else self.timestamp_unit
        named = fields.model_name if self.model_name is None else self.model_name
        return ResolvedLabels(
            id=self._where("id", fields),
            label=self._where("label", fields),
            timestamp=timestamp,
            timestamp_unit="ms" if timestamp == RECORDED else unit,
            model=self._where("model", fields),
            model_name=model if named is None else named,
        )

    def mistakes(self) -> Iterator[Mistake]:
        for key in ("id", "timestamp", "model"):
            yield from path_mistakes((key,), getattr(self, key) or "")
        yield from path_mistakes(("label",), self.label or "", inside_value=True)

    def own_keys(self) -> tuple[str, ...]:
        """Name the keys that are set here."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is not None)

    def _where(self, key: LabelKey, fields: Fields) -> Where | None:
        text = self.setting(key, fields)
        return parse_path(text) if text else None
