"""[models.NAME.fields]: where in a message each thing is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import msgspec

from monitor.config.pair import Pair
from monitor.config.paths import OR, VALUE, parse_inside, parse_keys, parse_path, parse_places, path_text
from monitor.config.presets import PRESETS, Filled, Preset, When
from monitor.config.section import Mistake, Place, Section, repeated
from monitor.decode.layout import Coding, Condition, Format, Keys, Meta, Scalar, Shape, TimestampUnit, Where

ScalarKey = Literal["id", "timestamp", "model", "variant", "prediction", "score", "label", "metric"]

SCALAR_KEYS: tuple[ScalarKey, ...] = get_args(ScalarKey)
_OUTPUTS: tuple[ScalarKey, ...] = ("prediction", "score", "label", "metric")


@dataclass(frozen=True, slots=True)
class ResolvedFields:
    """The places of one model's values, presets filled in. None: the message has no such value.

    ``container`` is the object that holds the features (empty: the message itself). ``features`` lists them
    by their paths from the top; when it is None, every scalar of the container that is nothing else is one.
    ``scores`` holds the places of a multiclass model's probabilities, by class: then ``score`` is None.
    ``model_name`` is what the value at ``model`` has to equal. ``others`` are keys of the container that are
    neither. ``variant`` and ``metric`` are an experiment's. With a ``shape`` messages are made into rows
    first, and all places are in these.
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
    others: frozenset[str] = frozenset()
    shape: Shape | None = None
    variant: Where | None = None
    metric: Where | None = None

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
    variant: str | None = None
    features: str | tuple[str, ...] | None = None
    prediction: str | None = None
    score: str | None = None
    scores: dict[str, str] = msgspec.field(default_factory=dict)
    label: str | None = None
    metric: str | None = None
    explode: str | None = None
    feature_names: tuple[str, ...] = ()
    decode: dict[str, Coding] | None = None
    when: dict[str, Scalar | tuple[Scalar, ...]] | None = None
    cloudevents: bool | None = None
    format: Format = "json"
    pair: Pair | None = None

    @property
    def filled(self) -> Filled:
        """What the preset fills in, with the keys in its place that are set here."""
        preset = PRESETS[self.preset]
        return replace(
            preset,
            explode=preset.explode if self.explode is None else self.explode,
            decode=preset.decode if self.decode is None else self.decode,
            when=self._when(preset),
            pairs=self.pair is not None,
            is_cloudevent=preset.is_cloudevent if self.cloudevents is None else self.cloudevents,
            format=self.format,
        )

    def _when(self, preset: Filled) -> When:
        """Give the conditions; a preset's pass responses over, which `pair` reads."""
        if self.when is not None:
            return self.when
        return preset.when if self.pair is None or preset.sides is None else {}

    def setting(self, key: ScalarKey) -> str:
        """Give the path that holds for a key, as written; empty when it is off."""
        own: str | None = getattr(self, key)
        preset = PRESETS[self.preset]
        if own is None and key == "score" and self.scores:
            return ""
        if own is None and key == "prediction" and self.pair and preset.sides:
            return preset.sides.answers
        return preset.paths.get(key, "") if own is None else own

    def resolved(self, model: str) -> ResolvedFields:
        """Fill in the preset; ``model`` is the name that the model has in the configuration."""
        if not self.filled.is_plain:
            return self._of_rows(model)
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
            others=self.filled.others,
            variant=self._where("variant"),
            metric=self._where("metric"),
        )

    def origins(self, features: Iterable[str]) -> dict[str, str]:
        """Say where in messages each column of their rows is from; nothing for rows that are as they are."""
        if self.filled.is_plain:
            return {}
        filled = self.filled
        by_preset = filled.explode or filled.paths.get("features", "")
        around = self.features if isinstance(self.features, str) else by_preset
        found = {name: f"{around}.{name}".removeprefix(".") for name in features}
        found |= {key: self.setting(key) for key in SCALAR_KEYS if self.setting(key)}
        if filled.explode and "id" in found:
            found["id"] += " #ROW"
        return found | {f"scores.{name}": path for name, path in self.scores.items()}

    def rows(self) -> Fields:
        """Give the fields of the rows that messages are made into, and of tables."""
        if self.filled.is_plain:
            return self
        places: dict[str, Any] = {key: key for key in SCALAR_KEYS if self.setting(key)}
        return Fields(
            preset="none",
            timestamp_unit=self.timestamp_unit,
            model_name=self.model_name if self.setting("model") else None,
            features="features",
            scores={name: path_text(("scores", name)) for name in self.scores},
            **places,
        )

    def _of_rows(self, model: str) -> ResolvedFields:
        return replace(self.rows().resolved(model), shape=self._shape(), model_name=self.model_name or model)

    def _shape(self) -> Shape:
        filled = self.filled
        return Shape(
            id=parse_places(self.setting("id")),
            timestamp=parse_places(self.setting("timestamp")),
            timestamp_unit=self.timestamp_unit,
            model=parse_places(self.setting("model")),
            variant=parse_places(self.setting("variant")),
            rows=parse_inside(filled.explode) if filled.explode else None,
            features=self._shaped_features(filled),
            outputs={key: self._output(key) for key in _OUTPUTS if self.setting(key)},
            scores={name: parse_keys(path) for name, path in self.scores.items()},
            others=filled.others | self._top_keys(),
            decode=tuple((parse_keys(path), coding) for path, coding in filled.decode.items()),
            when=tuple(_condition(path, wanted) for path, wanted in filled.when.items()),
            is_cloudevent=filled.is_cloudevent,
            form=filled.form,
            format=filled.format,
            names=self.feature_names,
            pairing=None if self.pair is None else self.pair.resolved(filled.sides),
        )

    def _output(self, key: ScalarKey) -> Keys:
        """Give the place of an output: of a response it may be the whole."""
        return (parse_keys if self.pair is None else parse_inside)(self.setting(key))

    def _shaped_features(self, filled: Filled) -> Keys | Mapping[str, Keys] | None:
        if isinstance(self.features, tuple):
            return {path_text(keys): keys for keys in map(parse_keys, self.features)}
        by_preset = filled.explode or filled.paths.get("features", "")
        text = by_preset if self.features is None else self.features
        return parse_inside(text) if text else None

    def _top_keys(self) -> frozenset[str]:
        """Name the keys at the top of the message that are something else than features."""
        texts = [*map(self.setting, SCALAR_KEYS), *self.scores.values(), *self.filled.when]
        texts += [self.pair.kind or ""] if self.pair is not None else []
        places = [place for text in texts if text != VALUE for place in parse_places(text)]
        return frozenset(place[0] for place in places if not isinstance(place, Meta))

    def mistakes(self) -> Iterator[Mistake]:
        is_plain = self.filled.is_plain
        for key in SCALAR_KEYS:
            setting = self.setting(key)
            if self.pair is not None and key in _OUTPUTS and setting == VALUE:
                continue
            for text in [setting] if is_plain else setting.split(OR):
                yield from path_mistakes((key,), text, inside_value=not is_plain and key in _OUTPUTS)
        if not self.setting("timestamp"):
            text = 'is needed: give a path, or "$timestamp" for the time that Kafka recorded'
            yield Mistake(("timestamp",), text)
        if self.model_name is not None and not self.setting("model"):
            yield Mistake(("model_name",), "is compared with the value at `model`: give that path too")
        yield from self._feature_mistakes()
        yield from self._score_mistakes()
        yield from self._shape_mistakes()

    def _shape_mistakes(self) -> Iterator[Mistake]:
        if self.explode != VALUE:
            yield from path_mistakes(("explode",), self.explode or "", inside_value=True)
        for path in self.decode or ():
            yield from path_mistakes(("decode", path), path or ".", inside_value=True)
        for path in self.when or ():
            yield from path_mistakes(("when", path), path or ".")
        yield from self._pair_mistakes()
        yield from repeated("feature_names", self.feature_names)
        if self.feature_names and self.filled.is_plain:
            text = "is for features that come by position: set explode, or a preset that does"
            yield Mistake(("feature_names",), text)

    def _pair_mistakes(self) -> Iterator[Mistake]:
        if self.pair is None:
            return
        for key in self.pair.missing(self.filled.sides):
            text = f'is needed: preset "{self.preset}" does not say how requests and responses are told apart'
            yield Mistake(("pair", key), text)
        if not self.setting("id"):
            yield Mistake(("id",), "is off, but pair needs it to put a request and its response together")

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
        if isinstance(self.features, str) and self.features != VALUE:
            yield from path_mistakes(("features",), self.features, inside_value=True)
        elif isinstance(self.features, tuple):
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
        text = PRESETS[self.preset].paths.get("features", "") if self.features is None else self.features
        return (parse_keys(text) if text else ()), None


def _condition(path: str, wanted: Scalar | tuple[Scalar, ...]) -> Condition:
    return Condition(parse_path(path), wanted if isinstance(wanted, tuple) else (wanted,))


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
