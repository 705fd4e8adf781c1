"""Whether labels come where their predictions are, and topics to the models that they are meant for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from monitor.engine import Engine
from monitor.log import logger
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition

log = logger(__name__)


def tell_sharing(engine: Engine) -> None:
    """Warn of how processes, and models, share what is read, where that may not be as it was meant."""
    _tell_parted(engine)
    _tell_overlaps(engine)


def _tell_parted(engine: Engine) -> None:
    """Warn when the group has parted labels from their predictions."""
    plans, held = engine.plans.values(), engine.state.partitions
    if not held or all(plan.labels is None for plan in plans):
        return
    for model in parted(plans, held, engine.source.partitions()):
        log.warning(
            "labels and predictions of the same partitions are read by different processes: "
            "give their topics the same number of partitions, or labels stay unmatched",
            model=model,
        )


def _tell_overlaps(engine: Engine) -> None:
    """Warn of what patterns bring together that was hardly meant to be."""
    for topic in sorted({tp.topic for tp in engine.state.partitions}):
        readers = [plan for plan in engine.plans.values() if topic in plan.topics]
        if is_unforeseen(topic, readers):
            log.warning(
                "patterns of several models match a topic: every message counts for each model that has "
                "no fields.model",
                topic=topic,
                models=[plan.name for plan in readers],
            )
        for plan in readers:
            if topic in plan.label_topics and topic not in plan.settings.shared_topics:
                log.warning(
                    "a pattern of topics and one of labels_topics match a topic: it is read for predictions, "
                    "its labels are not joined",
                    topic=topic,
                    model=plan.name,
                )


def is_unforeseen(topic: str, readers: Sequence[ModelPlan]) -> bool:
    """Whether a pattern brings several models to a topic whose messages need not say whose they are."""
    by_pattern = any(topic not in plan.settings.topics for plan in readers)
    return len(readers) > 1 and by_pattern and not all(plan.shares_topics for plan in readers)


def parted(
    plans: Iterable[ModelPlan], held: Collection[TopicPartition], every: Iterable[TopicPartition]
) -> tuple[str, ...]:
    """Name the models of which this process has some labels and another their predictions, or the reverse.

    ``held`` is what this process reads, ``every`` what all read together. Who has everything has both.
    """
    held, others = frozenset(held), frozenset(every) - frozenset(held)
    found = []
    for plan in plans:
        if plan.labels is None or not any(tp.topic in plan.all_topics for tp in others):
            continue
        topics = plan.all_topics.among({tp.topic for tp in held | others})
        numbers = {frozenset(tp.partition for tp in held if tp.topic == topic) for topic in topics}
        if len(numbers) > 1:
            found.append(plan.name)
    return tuple(found)
