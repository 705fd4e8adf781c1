"""From the configuration's paths and the data dictionary to what the decoders look for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from detectors.dictionary import Dictionary, Feature, Kind, Role, as_logged
from monitor.config.fields import ResolvedFields
from monitor.config.model import Model
from monitor.config.paths import path_text
from monitor.decode.layout import Cell, Keys, Layout, Leaf, Meta, Shape, Where
from monitor.errors import ConfigError
from monitor.topics import NO_TOPICS, Topics


def layout_of(
    model: str,
    fields: ResolvedFields,
    dictionary: Dictionary,
    shared_topics: Topics = NO_TOPICS,
) -> Layout:
    """Lay out what the decoder of this model's predictions finds where.

    In messages of ``shared_topics``, which are for labels too, it also looks for the label. Raises
    ConfigError when the dictionary has a column of which the configuration does not say where it is.
    """
    dictionary = as_logged(dictionary)
    columns = {name: feature for name, feature in dictionary.used().items() if feature.role is not Role.LABEL}
    _check_scores(model, columns.values(), fields)
    leaves = tuple(_leaf(feature, _keys(model, feature, fields)) for feature in columns.values())
    places = (fields.id, fields.timestamp, fields.model, fields.variant, fields.metric)
    outputs = (fields.prediction, fields.score, fields.label, *fields.scores.values())
    known = [where for where in (*places, *outputs) if where is not None and not isinstance(where, Meta)]
    depth = len(fields.container)
    features = {name for name, feature in dictionary.features.items() if feature.role is Role.FEATURE}
    used = features & dictionary.used().keys()
    label = _label(model, "fields", fields.label, dictionary) if shared_topics else None
    return Layout(
        leaves=leaves,
        features=frozenset(used),
        id=fields.id,
        timestamp=fields.timestamp,
        timestamp_unit=fields.timestamp_unit,
        model=fields.model,
        model_name=fields.model_name,
        container=None if fields.features is not None else fields.container,
        other_keys=frozenset(keys[depth] for keys in known if keys[:depth] == fields.container)
        | (features - used)  # an ignored column may come or stay away
        | fields.others,
        label=label,
        label_topics=shared_topics,
        shape=_with_names(fields.shape, dictionary),
        variant=fields.variant,
        metric=None if fields.metric is None else inside(model, "fields.metric", fields.metric),
    )


def _with_names(shape: Shape | None, dictionary: Dictionary) -> Shape | None:
    """Call features that come by position as the dictionary does, in its order, unless they are listed."""
    if shape is None or shape.names:
        return shape
    return replace(
        shape,
        names=tuple(name for name, each in dictionary.features.items() if each.role is Role.FEATURE),
    )


def labels_layout_of(name: str, settings: Model, dictionary: Dictionary) -> Layout | None:
    """Lay out what the decoder of a model's labels finds where; None for a model without labels_topics.

    Raises ConfigError when the dictionary has no label, or the configuration no place of it in the message.
    """
    if not settings.labels_topics:
        return None
    places = settings.labels_fields.resolved(settings.fields, name)
    return Layout(
        leaves=(),
        features=frozenset(),
        id=places.id,
        timestamp=places.timestamp,
        timestamp_unit=places.timestamp_unit,
        model=places.model,
        model_name=places.model_name,
        container=None,
        other_keys=frozenset(),
        label=_label(name, "labels_fields", places.label, dictionary),
        id_required=True,
        timestamp_fallback=True,
        timestamp_optional=True,
        shape=places.shape,
        metric=None if places.metric is None else inside(name, "labels_fields.metric", places.metric),
    )


def _label(model: str, section: str, where: Where | None, dictionary: Dictionary) -> Leaf:
    feature = next((each for each in dictionary.used().values() if each.role is Role.LABEL), None)
    if feature is None:
        raise ConfigError(
            f"models.{model}.labels_topics: the reference has no label column: build it from rows with "
            f"labels (driftd reference build {model} FILE), or leave labels_topics out"
        )
    return _leaf(feature, _inside(model, f"{section}.label", feature, where))


def _leaf(feature: Feature, keys: Keys) -> Leaf:
    return Leaf(feature.name, keys, _cell(feature), _markers(feature))


def _check_scores(model: str, columns: Iterable[Feature], fields: ResolvedFields) -> None:
    """Refuse several scores that would all be looked for in one place."""
    names = [feature.name for feature in columns if feature.role is Role.SCORE]
    if len(names) > 1 and not fields.scores:
        listed = ", ".join(f'"{name}"' for name in names)
        raise ConfigError(
            f"models.{model}.fields.scores: the reference has the scores {listed}: "
            f"give a path for each class, or build the reference with one score"
        )


def _keys(model: str, feature: Feature, fields: ResolvedFields) -> Keys:
    if feature.role is Role.FEATURE:
        return _feature_keys(feature.name, fields)
    if feature.role is Role.SCORE and fields.scores:
        return _score_keys(model, feature.name, fields)
    where = fields.prediction if feature.role is Role.PREDICTION else fields.score
    return _inside(model, f"fields.{feature.role.value}", feature, where)


def _score_keys(model: str, name: str, fields: ResolvedFields) -> Keys:
    columns = fields.score_columns
    if name not in columns:
        raise ConfigError(
            f'models.{model}.fields.scores: say nothing of "{name}", but the reference has this score '
            f"(known here: {', '.join(columns)}): correct the paths, or build the reference again"
        )
    return columns[name]


def _inside(model: str, key: str, feature: Feature, where: Where | None) -> Keys:
    """Give the place in the message's value; raises ConfigError when it is off, or not there."""
    if where is None:
        raise ConfigError(
            f'models.{model}.{key}: is off, but the reference has the {feature.role.value} "{feature.name}": '
            f"give its path, or build the reference without it"
        )
    return inside(model, key, where)


def inside(model: str, key: str, where: Where) -> Keys:
    """Give the place in the message's value; raises ConfigError when it is of the record around it."""
    if isinstance(where, Meta):
        what = key.rpartition(".")[2]
        raise ConfigError(
            f'models.{model}.{key}: "{path_text(where)}" is not in the message\'s value; '
            f"a {what} has to be there"
        )
    return where


def _feature_keys(name: str, fields: ResolvedFields) -> Keys:
    for keys in fields.features or ():
        if path_text(keys) == name:
            return keys
    return (*fields.container, name)


def _cell(feature: Feature) -> Cell:
    if feature.kind is Kind.NUMERIC:
        return Cell.WHOLE if feature.type == "int" else Cell.NUMBER
    if feature.type == "bool":
        return Cell.FLAG
    return Cell.TEXT if feature.type == "str" else Cell.NUMBER_TEXT


def _markers(feature: Feature) -> tuple[float | str, ...]:
    return tuple(value for value in feature.missing_values if not isinstance(value, bool))
