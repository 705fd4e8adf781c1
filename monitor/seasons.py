"""Whether a reference has the season that a model is judged by. Pure."""

from __future__ import annotations

from dataclasses import replace

from detectors.reference import Reference
from monitor.config.model import Model
from monitor.errors import ConfigError


def seasoned(name: str, settings: Model, reference: Reference) -> Reference:
    """Give the reference with the season of the configuration, or without one; ConfigError if it lacks it."""
    if settings.season is None:
        return reference if reference.seasonal is None else replace(reference, seasonal=None)
    there = reference.season
    if there is not None and (there.hours, there.zone) == (settings.season, settings.time_zone):
        return reference
    has = "no season" if there is None else f'season "{there.hours}" in {there.zone}'
    raise ConfigError(
        f'models.{name}.season: is "{settings.season}" in {settings.time_zone}, the reference has {has}: '
        f"build it again with this configuration (driftd reference build {name} FILE), or leave it out"
    )
