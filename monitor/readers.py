"""Who reads what: the models of each topic, and a chunk as each of them sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from detectors.profile_size import Bounds, bounds
from monitor.decode.decoder import Batch
from monitor.decode.halves import NOTHING_WAITS, Waiting
from monitor.plan import LabelPlan, ModelPlan
from monitor.source.base import Chunk
from monitor.windows import NEVER_MS


@dataclass(frozen=True, slots=True)
class Readers:
    """The models that read each topic: for predictions, and for labels alone.

    ``sizes`` says what one window of each model takes.
    """

    plans: Sequence[ModelPlan]
    sizes: Mapping[str, Bounds]
    _found: dict[str, tuple[Sequence[ModelPlan], Sequence[ModelPlan]]] = field(default_factory=dict)

    @classmethod
    def of(cls, plans: Iterable[ModelPlan]) -> Readers:
        plans = tuple(plans)
        return cls(plans, {plan.name: bounds(plan.reference) for plan in plans})

    def of_topic(self, topic: str) -> tuple[Sequence[ModelPlan], Sequence[ModelPlan]]:
        """Give the models whose predictions come on this topic, and those whose labels come there alone."""
        if topic not in self._found:
            predictions = [plan for plan in self.plans if topic in plan.topics]
            labels = [plan for plan in self.plans if topic in plan.label_topics and topic not in plan.topics]
            self._found[topic] = predictions, labels
        return self._found[topic]


@dataclass(frozen=True, slots=True)
class Before:
    """What a partition's messages have left, by model: halves that wait, and how far event time has come."""

    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    event_ms: Mapping[str, int] = field(default_factory=dict)

    def of(self, model: str) -> tuple[Waiting, int]:
        """Give what is left for one model."""
        return self.waiting.get(model, NOTHING_WAITS), self.event_ms.get(model, NEVER_MS)


NOTHING_BEFORE = Before()


@dataclass(frozen=True, slots=True)
class Decoded:
    """A chunk as each model that reads it sees it: its predictions, and its labels where they come alone."""

    chunk: Chunk
    batches: Sequence[tuple[ModelPlan, Batch]]
    labels: Sequence[tuple[ModelPlan, LabelPlan, Batch]]

    @classmethod
    def of(
        cls,
        readers: Readers,
        chunk: Chunk,
        now: datetime,
        most: int | None = None,
        before: Before = NOTHING_BEFORE,
    ) -> Decoded:
        """Decode a chunk, or so much of it that there are no more rejects than this, or one message's.

        Messages that hold many rows end it, too, once there are this many. ``before`` is what the partition's
        messages before have left.
        """
        of_predictions, of_labels = readers.of_topic(chunk.partition.topic)
        rejects = 0
        batches = []
        for plan in of_predictions:
            batch = plan.decoder.decode(chunk, now, most, *before.of(plan.name))
            if batch.messages < len(chunk.records):
                return cls.of(readers, _first(chunk, batch.messages), now, most, before)
            batches.append((plan, batch))
            rejects += len(batch.rejects)
            if most is not None and rejects > most and len(chunk.records) > 1:
                return cls.of(readers, _first(chunk, len(chunk.records) // 2), now, most, before)
        labels = []
        for plan in of_labels:
            if plan.labels is not None:
                batch = plan.labels.decoder.decode(chunk, now, most)
                if batch.messages < len(chunk.records):
                    return cls.of(readers, _first(chunk, batch.messages), now, most, before)
                labels.append((plan, plan.labels, batch))
        return cls(chunk, batches, labels)

    @property
    def letters(self) -> Chunk:
        """The chunk's messages, and those of earlier ones that are among the rejects only now."""
        parted = [record for _, batch in self.batches if batch.paired for record in batch.paired.parted]
        return Chunk(self.chunk.partition, [*parted, *self.chunk.records]) if parted else self.chunk


def _first(chunk: Chunk, messages: int) -> Chunk:
    return Chunk(chunk.partition, chunk.records[:messages])
