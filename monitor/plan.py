"""What the service does with one model's messages: its configuration, compiled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from alerts.flush import Settings
from detectors.budget import Budget
from detectors.reference import Reference
from monitor.config.model import Model
from monitor.decode.decoder import Decoder


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """One model's settings and reference, ready for use."""

    name: str
    settings: Model
    reference: Reference
    decoder: Decoder
    shares_topics: bool  # messages name their model, so others' messages are expected
    window_ms: int
    lateness_ms: int
    idle_after: timedelta
    budget: Budget
    multiples: tuple[int, ...]
    alerting: Settings
