"""[models.NAME.fields]: where in a message each thing is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from monitor.config.paths import parse_keys, parse_path, path_text
from monitor.config.section import Mistake, Place, Section
from monitor.decode.layout import Keys, TimestampUnit, Where

Preset = Literal["nested", "flat", "none"]
ScalarKey = Literal["id", "timestamp", "model", "prediction", "score", "label"]

SCALAR_KEYS: tuple[ScalarKey, ...] = ("id", "timestamp", "model", "prediction", "score", "label")
_FLAT = {
    "id": "request_id",
    "timestamp": "timestamp",
    "prediction": "prediction",
    "score": "score",
    "label": "label",
}
PRESETS: dict[Preset, dict[str, str]] = {
    "flat": _FLAT,
    "nested": _FLAT | {"id": "id", "features": "features"},
    "none": {},
}


@dataclass(frozen=True, slots=True)
class ResolvedFields:
    """The places of one model's values, presets filled in. None: the message has no such value.

    ``container`` is the object that holds the features (empty: the message itself). ``features`` lists them
    by their paths from the top; when it is None, every scalar of the container that is nothing else is one.
    ``scores`` holds the places of a multiclass model's probabilities, by class: then ``score`` is None.
    ``model_name`` is what the value at ``model`` has to equal.
    """

    id: Where | None
    timestamp: Where
    timestamp_unit: TimestampUnit
    model: Where | None
    model_name: str
    container: Keys
    features: tuple[Keys, ...] | None
    prediction: Where | None
    score: Where | None
    label: Where | None
    scores: Mapping[str, Keys] = field(default_factory=dict)

    @property
    def score_columns(self) -> Mapping[str, Keys]:
        """Give the columns of ``scores`` and their places; a column's name ends with its class."""
        return {_score_column(name, keys): keys for name, keys in self.scores.items()}


class Fields(Section, frozen=True, kw_only=True):
    """Paths into the message. A key left out is filled in by the preset, "" switches it off."""

    preset: Preset = "nested"
    id: str | None = None
    timestamp: str | None = None
    timestamp_unit: TimestampUnit = "auto"
    model: str | None = None
    model_name: str | None = None
    features: str | tuple[str, ...] | None = None
    prediction: str | None = None
    score: str | None = None
    scores: dict[str, str] = msgspec.field(default_factory=dict)
    label: str | None = None

    def setting(self, key: ScalarKey) -> str:
        """Give the path that holds for a key, as written; empty when it is off."""
        own: str | None = getattr(self, key)
        if own is None and key == "score" and self.scores:
            return ""
        return PRESETS[self.preset].get(key, "") if own is None else own

    def resolved(self, model: str) -> ResolvedFields:
        """Fill in the preset; ``model`` is the name that the model has in the configuration."""
        container, listed = self._features()
        return ResolvedFields(
            id=self._where("id"),
            timestamp=parse_path(self.setting("timestamp")),
            timestamp_unit=self.timestamp_unit,
            model=self._where("model"),
            model_name=model if self.model_name is None else self.model_name,
            container=container,
            features=listed,
            prediction=self._where("prediction"),
            score=self._where("score"),
            label=self._where("label"),
            scores={name: parse_keys(path) for name, path in self.scores.items()},
        )

    def mistakes(self) -> Iterator[Mistake]:
        for key in SCALAR_KEYS:
            yield from path_mistakes((key,), self.setting(key))
        if not self.setting("timestamp"):
            text = 'is needed: give a path, or "$timestamp" for the time that Kafka recorded'
            yield Mistake(("timestamp",), text)
        if self.model_name is not None and not self.setting("model"):
            yield Mistake(("model_name",), "is compared with the value at `model`: give that path too")
        yield from self._feature_mistakes()
        yield from self._score_mistakes()

    def _score_mistakes(self) -> Iterator[Mistake]:
        if self.scores and self.score:
            yield Mistake(("score",), "is given beside scores: keep one of them")
        if len(self.scores) == 1:
            yield Mistake(("scores",), "has one class: give a path for every class, or use score")
        paths = tuple(self.scores.values())
        for position, (name, path) in enumerate(self.scores.items()):
            yield from path_mistakes(("scores", name), path or ".", inside_value=True)
            if path in paths[:position]:
                yield Mistake(("scores", name), f'"{path}" is the path of another class too')

    def _feature_mistakes(self) -> Iterator[Mistake]:
        if isinstance(self.features, str):
            yield from path_mistakes(("features",), self.features, inside_value=True)
        elif self.features is not None:
            if not self.features:
                text = 'is an empty list: name features, or write "" for every other scalar at the top'
                yield Mistake(("features",), text)
            for position, path in enumerate(self.features):
                if path in self.features[:position]:
                    yield Mistake(("features", position), f'"{path}" is listed twice')
                yield from path_mistakes(("features", position), path or ".", inside_value=True)

    def _where(self, key: ScalarKey) -> Where | None:
        text = self.setting(key)
        return parse_path(text) if text else None

    def _features(self) -> tuple[Keys, tuple[Keys, ...] | None]:
        if isinstance(self.features, tuple):
            return (), tuple(parse_keys(path) for path in self.features)
        text = PRESETS[self.preset].get("features", "") if self.features is None else self.features
        return (parse_keys(text) if text else ()), None


def _score_column(name: str, keys: Keys) -> str:
    path = path_text(keys)
    return path if path == name or path.endswith(f".{name}") else f"{path}:{name}"


def path_mistakes(place: Place, text: str, *, inside_value: bool = False) -> Iterator[Mistake]:
    """Yield why a text is no path; an empty one is off, which is no mistake."""
    try:
        if text:
            (parse_keys if inside_value else parse_path)(text)
    except ValueError as error:
        yield Mistake(place, str(error))
