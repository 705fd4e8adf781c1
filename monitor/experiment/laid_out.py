"""From the configuration to what is counted of an experiment's variants. Pure."""

from __future__ import annotations

from dataclasses import replace

from detectors.experiment import Experiment
from detectors.reference import Reference
from monitor.config.model import Model
from monitor.config.paths import path_text
from monitor.decode.layout import Meta


def experimental(name: str, settings: Model, reference: Reference) -> Reference:
    """Give the reference with the experiment that the configuration has of this model, or without any."""
    wanted = settings.experiment
    if wanted is None:
        return reference if reference.experiment is None else replace(reference, experiment=None)
    experiment = Experiment.on(
        wanted.title,
        wanted.variants,
        wanted.shares,
        reference.dictionary,
        reference.logged_grids,
        reference.profile.counts,
        _column(name, settings),
    )
    return replace(reference, experiment=experiment)


def _column(name: str, settings: Model) -> str:
    """How the column that tells the variants apart is called, should it be a feature."""
    fields = settings.fields.resolved(name)
    if fields.shape is not None:
        inside = [where for where in fields.shape.variant if not isinstance(where, Meta)]
        return inside[0][-1] if inside else ""
    where = fields.variant
    if where is None or isinstance(where, Meta):
        return ""
    depth = len(fields.container)
    return path_text(where[depth:] if where[:depth] == fields.container else where)
