"""Whether a reference knows how well its features tell one another. Pure."""

from __future__ import annotations

from detectors.reference import Reference
from monitor.config.model import Model
from monitor.errors import ConfigError


def check_reconstruction(name: str, settings: Model, reference: Reference) -> None:
    """Raise ConfigError when the configuration asks for what the reference lacks."""
    if settings.detectors.multivariate and reference.reconstruction is None:
        raise ConfigError(
            f"models.{name}.detectors.multivariate: the reference does not know how well its features tell "
            f"one another: build it again with this configuration (driftd reference build {name} FILE), or "
            "leave it out"
        )
