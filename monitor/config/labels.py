"""[models.NAME.labels_fields]: where in a label's message each thing is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from monitor.config.fields import Fields, path_mistakes
from monitor.config.paths import OR, parse_path, path_text
from monitor.config.presets import PRESETS, LabelsPreset
from monitor.config.section import Mistake, Section
from monitor.decode.layout import Format, Meta, Shape, TimestampUnit, Where

LabelKey = Literal["id", "label", "timestamp", "model"]
"""What is as in the fields where nothing else is said."""
KEYS: tuple[LabelKey, ...] = ("id", "label", "timestamp", "model")

RECORDED = Meta("timestamp")
"""The time that Kafka recorded, always in milliseconds."""


@dataclass(frozen=True, slots=True)
class ResolvedLabels:
    """The places of what a label's message holds; None: it has no such thing.

    ``model_name`` is what the value at ``model`` has to equal. With a ``shape`` messages are made into rows
    first, and all places are in these.
    """

    id: Where | None
    label: Where | None
    timestamp: Where
    timestamp_unit: TimestampUnit
    model: Where | None
    model_name: str
    shape: Shape | None = None
    metric: Where | None = None


class LabelsFields(Section, frozen=True, kw_only=True):
    """Paths into the messages of labels_topics. A key left out is as in the fields, "" switches it off."""

    preset: LabelsPreset | None = None
    id: str | None = None
    label: str | None = None
    timestamp: str | None = None
    timestamp_unit: TimestampUnit | None = None
    model: str | None = None
    model_name: str | None = None
    metric: str | None = None
    format: Format | None = None

    def setting(self, key: LabelKey, fields: Fields) -> str:
        """Give the path that holds for a key, as written; empty when it is off."""
        own: str | None = getattr(self, key)
        return self._base(fields).setting(key) if own is None else own

    def _base(self, fields: Fields) -> Fields:
        """What holds where nothing is said: the fields, unless labels' messages are of another form."""
        form = fields.format if self.format is None else self.format
        if self.preset is not None:
            return Fields(preset=self.preset, format=form)
        if PRESETS[fields.preset].is_row and not fields.explode:
            return msgspec.structs.replace(fields, format=form, when={}, decode={}, pair=None)
        return Fields(format=form)

    def resolved(self, fields: Fields, model: str) -> ResolvedLabels:
        """Fill in what ``fields`` or the preset say; ``model`` is the model's name in the configuration."""
        named = fields.model_name if self.model_name is None else self.model_name
        unit = fields.timestamp_unit if self.timestamp_unit is None else self.timestamp_unit
        base = self._base(fields)
        if not base.filled.is_plain:
            return self._of_rows(base, unit, model if named is None else named)
        timestamp = self._where("timestamp", fields) or RECORDED
        return ResolvedLabels(
            id=self._where("id", fields),
            label=self._where("label", fields),
            timestamp=timestamp,
            timestamp_unit="ms" if timestamp == RECORDED else unit,
            model=self._where("model", fields),
            model_name=model if named is None else named,
            metric=parse_path(self.metric) if self.metric else None,
        )

    def origins(self, fields: Fields) -> dict[str, str]:
        """Say where in messages each thing is from; nothing where they are rows as they are."""
        if self._base(fields).filled.is_plain:
            return {}
        found: dict[str, str] = {key: self.setting(key, fields) for key in KEYS}
        return found | ({"id": f"{found['id']} #ROW"} if self._base(fields).filled.explode else {})

    def _of_rows(self, base: Fields, unit: TimestampUnit, named: str) -> ResolvedLabels:
        own: dict[str, Any] = {key: getattr(self, key) for key in KEYS if getattr(self, key) is not None}
        own |= {"metric": self.metric or "", "variant": ""}
        if own.get("timestamp") == "":
            own["timestamp"] = path_text(RECORDED)
        found = msgspec.structs.replace(base, timestamp_unit=unit, **own).resolved(named)
        return ResolvedLabels(
            id=found.id,
            label=found.label,
            timestamp=found.timestamp,
            timestamp_unit=unit,
            model=found.model,
            model_name=named,
            shape=None if found.shape is None else replace(found.shape, features={}),
            metric=found.metric,
        )

    def mistakes(self) -> Iterator[Mistake]:
        for key in ("id", "timestamp", "model"):
            for text in (getattr(self, key) or "").split(OR if self._is_shaped else "\0"):
                yield from path_mistakes((key,), text)
        for key in ("label", "metric"):
            yield from path_mistakes((key,), getattr(self, key) or "", inside_value=True)

    @property
    def _is_shaped(self) -> bool:
        is_framed = self.format not in (None, "json")
        return is_framed or (self.preset is not None and not Fields(preset=self.preset).filled.is_plain)

    def own_keys(self) -> tuple[str, ...]:
        """Name the keys that are set here."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is not None)

    def _where(self, key: LabelKey, fields: Fields) -> Where | None:
        text = self.setting(key, fields)
        return parse_path(text) if text else None
