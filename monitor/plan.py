"""What the service does with one model's messages: its configuration, compiled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from alerts.flush import Settings
from detectors.budget import Budget
from detectors.outputs import Outputs
from detectors.reference import Reference
from monitor.config.model import Model
from monitor.decode.decoder import Decoder
from monitor.join.joiner import Terms
from monitor.topics import NO_TOPICS, Topics


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """How one model's labels are read, joined and waited for.

    Results on labels are published when ``share`` of a window's rows have one, or ``wait_ms`` after its end.
    """

    topics: Topics
    decoder: Decoder
    outputs: Outputs
    terms: Terms
    share: float
    wait_ms: int


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
    labels: LabelPlan | None = None
    config_hash: str = ""

    @property
    def topics(self) -> Topics:
        """Topics that predictions come on."""
        return self.settings.prediction_topics

    @property
    def label_topics(self) -> Topics:
        """Topics that labels come on."""
        return NO_TOPICS if self.labels is None else self.labels.topics

    @property
    def all_topics(self) -> Topics:
        """Every topic that something of the model comes on."""
        return self.topics | self.label_topics
