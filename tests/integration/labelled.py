"""Predictions and their labels on two topics of a real Kafka, and a service that reads both."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from monitor.source.base import TopicPartition
from tests.integration.running import MONITOR, NOTHING_MORE, World, service, starts, topic_of, world
from tests.monitor.labelled_worlds import rows_of_hours
from tests.monitor.worlds import HOUR_MS
from tests.services.waiting import until

PARTITIONS = 2


def labelled_log(hours: int, per_hour: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Predictions; and labels in the order in which they come, some again, some anew, some of nobody."""
    frame = rows_of_hours(hours, per_hour, 3, lambda hour: 0.1 if hour < hours / 2 else 0.3)
    rng = np.random.default_rng(11)
    made, told = [], []
    for i, row in enumerate(frame.to_dict("records")):
        features = {"age": row["age"], "country": row["country"]}
        value = {"id": f"r{i}", "timestamp": row["time_ms"], "features": features}
        made.append(value | {"prediction": row["prediction"], "score": row["score"]})
        known_ms = int(row["time_ms"] + rng.integers(0, 6 * HOUR_MS))
        label = {"id": f"r{i}" if i % 500 else f"nobody{i}", "timestamp": known_ms, "label": row["label"]}
        told.append((known_ms, label))
        if i % 97 == 0:
            told.append((known_ms + HOUR_MS, label | {"timestamp": known_ms + HOUR_MS}))
        if i % 101 == 0:
            again = {"timestamp": known_ms + HOUR_MS, "label": 1 - row["label"]}
            told.append((known_ms + HOUR_MS, label | again))
    told.sort(key=lambda pair: pair[0])
    return made, [label for _, label in told]


def labelled_world(
    folder: Path,
    bootstrap: str,
    url: str,
    topics: tuple[str, str],
    training: Path,
    model: str,
) -> World:
    """Configure a service for these topics of predictions and labels, with a folder for the join."""
    predictions, labels = topics
    head = f'labels_topics = ["{labels}"]\n'
    at = world(folder, bootstrap, url, predictions, training, model=head + model)
    text = at.config.read_text()
    at.config.write_text(text.replace("[service]\n", f'[service]\nstate_dir = "{at.config.stem}-state"\n'))
    return at


def two_topics(
    bootstrap: str, predictions: Sequence[dict[str, Any]], labels: Sequence[dict[str, Any]]
) -> tuple[str, str]:
    """Make both topics; a label is in the partition of its prediction, as with equal keys."""
    made = [
        topic_of(
            bootstrap,
            [msgspec.json.encode(row) for row in rows],
            PARTITIONS,
            [zlib.crc32(str(row["id"]).encode()) for row in rows],
        )
        for rows in (predictions, labels)
    ]
    return made[0], made[1]


def read(at: World, topics: tuple[str, str]) -> int:
    """How many messages of both topics have been committed."""
    partitions = [TopicPartition(topic, i) for topic in topics for i in range(PARTITIONS)]
    return sum(at.store.cursors(partitions).values())


def run_until_settled(
    at: World,
    topics: tuple[str, str],
    messages: int,
    limit_s: float = 240.0,
    entry: Sequence[str] = MONITOR,
    environ: Mapping[str, str] = NOTHING_MORE,
    is_done: Callable[[], bool] = lambda: True,
) -> None:
    """Run until everything is read, judged, published and stepped through; then stop it by SIGTERM."""
    before = starts(at)

    def has_settled() -> bool:
        return starts(at) > before and read(at, topics) == messages and _is_settled(at) and is_done()

    with service(at, entry, environ) as process:
        until(
            lambda: process.poll() is not None or has_settled(), "everything read and settled", limit_s, 0.3
        )
        assert process.poll() is None, at.log.read_text()[-3_000:]
        process.terminate()
        assert process.wait(20) == 0, at.log.read_text()[-3_000:]


def _is_settled(at: World) -> bool:
    with at.store.lock("loans") as lock:
        if lock is None or lock.open_starts() or lock.learned_starts():
            return False
        published = lock.published_until_ms()
        closed = lock.closed_until_ms()
        return published == closed and not lock.joined_changed(published or 0, 1)
