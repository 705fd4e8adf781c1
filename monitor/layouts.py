"""From the configuration's paths and the data dictionary to what the decoder looks for."""

from __future__ import annotations

from detectors.dictionary import Dictionary, Feature, Kind, Role
from monitor.config.fields import ResolvedFields
from monitor.config.paths import path_text
from monitor.decode.layout import Cell, Keys, Layout, Leaf, Meta
from monitor.errors import ConfigError


def layout_of(model: str, fields: ResolvedFields, dictionary: Dictionary) -> Layout:
    """Lay out what the decoder of this model finds where.

    Raises ConfigError when the dictionary has a column of which the configuration does not say where it is.
    """
    leaves = tuple(
        Leaf(name, _keys(model, feature, fields), _cell(feature), _markers(feature))
        for name, feature in dictionary.used().items()
        if feature.role is not Role.LABEL
    )
    places = (fields.id, fields.timestamp, fields.model)
    outputs = (fields.prediction, fields.score, fields.label)
    known = [where for where in (*places, *outputs) if where is not None and not isinstance(where, Meta)]
    depth = len(fields.container)
    features = {name for name, feature in dictionary.features.items() if feature.role is Role.FEATURE}
    used = features & dictionary.used().keys()
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
        | (features - used),  # an ignored column may come or stay away
    )


def _keys(model: str, feature: Feature, fields: ResolvedFields) -> Keys:
    if feature.role is Role.FEATURE:
        return _feature_keys(feature.name, fields)
    where = fields.prediction if feature.role is Role.PREDICTION else fields.score
    key = feature.role.value
    if where is None:
        raise ConfigError(
            f'models.{model}.fields.{key}: is off, but the reference has the {key} "{feature.name}": '
            f"give its path, or build the reference without it"
        )
    if isinstance(where, Meta):
        raise ConfigError(
            f'models.{model}.fields.{key}: "{path_text(where)}" is not in the message\'s value; '
            f"a {key} has to be there"
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
