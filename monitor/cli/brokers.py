"""What Kafka has of the topics that the configuration names: nothing is read, nothing changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.cli.attempts import Attempt, State, tried
from monitor.config import Config, Model
from monitor.source.clients import client_of
from monitor.source.kafka.options import nearest
from monitor.topics import Topics

MOST_NAMED = 10

Partitions = Mapping[str, int]
"""How many partitions each topic has."""


def kafka(config: Config) -> Iterator[Attempt]:
    """Ask Kafka for its topics, and say how they fit what is to be read."""
    existing: dict[str, int] = {}

    def answers() -> str:
        client = client_of(config.kafka.client)
        existing.update(client.topics(config.kafka.bootstrap_servers, config.kafka.options))
        return f"{', '.join(config.kafka.bootstrap_servers)} answers"

    reached = tried("Kafka", answers)
    yield reached
    if reached.state is State.FAILED:
        return
    topics = config.topics()
    for name in sorted(topics.names):
        yield _topic(name, existing, config)
    for pattern in topics.patterns:
        yield _pattern(Topics((pattern,), topics.dead_letters), existing)
    for name, model in config.models.items():
        yield from _alike(name, model, topics, existing)
        yield from _co_partitioned(name, model, topics, existing)
    yield from _shared(config, existing)
    yield from _dead_letters(config, existing)


def _topic(topic: str, existing: Partitions, config: Config) -> Attempt:
    what = f"topic {topic}"
    if topic in existing:
        return Attempt(what, State.OK, _many(existing[topic]))
    keys = ", ".join(
        f"models.{name}.{key}"
        for name, model in config.models.items()
        for key in ("topics", "labels_topics")
        if topic in getattr(model, key)
    )
    servers = ", ".join(config.kafka.bootstrap_servers)
    text = f"topic {topic!r} is not there, or not visible, at {servers}{nearest(topic, existing)}"
    return Attempt(what, State.FAILED, f"{text}; create it, or correct {keys}")


def _many(partitions: int) -> str:
    if partitions == 1:
        return "1 partition"
    return f"{partitions} partitions, so up to {partitions} processes share it"


def _pattern(pattern: Topics, existing: Partitions) -> Attempt:
    found = pattern.among(existing)
    what = f"topics {pattern.entries[0]}"
    if not found:
        return Attempt(what, State.NOTE, "matches no topic yet: one that appears is read from its beginning")
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    told = ", ".join(f"{topic} ({existing[topic]})" for topic in found[:MOST_NAMED])
    return Attempt(what, State.OK, f"matches, with so many partitions: {told}{more}")


def _alike(name: str, model: Model, topics: Topics, existing: Partitions) -> Iterator[Attempt]:
    """Say which topics only patterns make topics of predictions and of labels alike."""
    shared = model.shared_topics
    for topic in topics.among(existing):
        if topic in model.prediction_topics and topic in model.label_topics and topic not in shared:
            text = (
                f"a pattern of models.{name}.topics and one of labels_topics match it: it is read for "
                "predictions, its labels are not joined; make the patterns exclude each other"
            )
            yield Attempt(f"topic {topic}", State.FAILED, text)


def _co_partitioned(name: str, model: Model, topics: Topics, existing: Partitions) -> Iterator[Attempt]:
    """Say whether labels can meet their predictions when several processes share the topics."""
    if not model.labels_topics:
        return
    of_model = (model.prediction_topics | model.label_topics).among(topics.among(existing))
    counts = {topic: existing[topic] for topic in of_model}
    what = f"labels of {name}"
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{topic} {count}" for topic, count in counts.items())
        text = (
            f"the topics have different numbers of partitions ({told}): give them the same number, "
            "or run one process only"
        )
        yield Attempt(what, State.FAILED, text)
    else:
        text = "with several processes, a label needs the same message key as its prediction"
        yield Attempt(what, State.NOTE, text)


def _shared(config: Config, existing: Partitions) -> Iterator[Attempt]:
    """Say which topics several models read by patterns without their messages saying whose they are."""
    for topic in config.topics().among(existing):
        readers = [name for name, model in config.models.items() if topic in model.prediction_topics]
        by_pattern = [name for name in readers if topic not in config.models[name].topics]
        unnamed = [name for name in readers if not config.models[name].fields.setting("model")]
        if by_pattern and len(readers) > 1 and unnamed:
            text = (
                f"is read by {', '.join(readers)}: every message counts for {', '.join(unnamed)}; "
                "set fields.model, or make the patterns narrower"
            )
            yield Attempt(f"topic {topic}", State.NOTE, text)


def _dead_letters(config: Config, existing: Partitions) -> Iterator[Attempt]:
    topics = config.topics()
    read = dict.fromkeys((*sorted(topics.names), *topics.among(existing)))
    for topic in sorted({dead for name in read if (dead := config.kafka.dead_letter_topic(name))}):
        what = f"dead letters {topic}"
        if topic in existing:
            yield Attempt(what, State.OK, "the topic is there")
        else:
            text = "the topic is not there yet: create it, unless the broker makes topics by itself"
            yield Attempt(what, State.NOTE, text)
