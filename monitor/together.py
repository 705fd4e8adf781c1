"""Whether labels come to the process that has their predictions."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from monitor.engine import Engine
from monitor.log import logger
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition

log = logger(__name__)


def tell_parted(engine: Engine) -> None:
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
        numbers = {frozenset(tp.partition for tp in held if tp.topic == topic) for topic in plan.all_topics}
        if len(numbers) > 1:
            found.append(plan.name)
    return tuple(found)
