"""Requests and responses of KServe on a real Kafka: one row of both, exactly once, through kills."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from uuid import uuid4

import pandas as pd
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from scipy.stats import ks_2samp

from monitor.source.base import TopicPartition
from tests.integration.running import World, position, run_to_the_end, service, world
from tests.monitor.worlds import HOUR_MS, START_MS, training_frame
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

HOURS, PER_HOUR, PARTITIONS, KILLS = 3, 2_000, 2, 2
UNANSWERED_1_IN = 50
"""Of the calls of the first hour: these never get a response."""
MODEL = """
lateness = "5m"
windows_up_to = "1h"
[models.loans.fields]
preset = "kserve-v2"
pair = { within = "5m" }
prediction = "outputs.prediction"
score = "outputs.score"
"""
TYPES = {"age": "FP64", "country": "BYTES", "owner": "BOOL", "prediction": "INT64", "score": "FP64"}
Headers = list[tuple[str, bytes]]


def tensors(cells: Mapping[str, object], names: Sequence[str]) -> list[dict[str, object]]:
    return [{"name": each, "shape": [1], "datatype": TYPES[each], "data": [cells[each]]} for each in names]


def half(call: str, kind: str, time_ms: int, body: object) -> tuple[str, bytes, Headers]:
    attributes = {
        "specversion": "1.0",
        "id": call,
        "time": datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(),
        "type": f"org.kubeflow.serving.inference.{kind}",
        "source": "http://localhost:9081/",
    }
    headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
    return call, json.dumps(body).encode(), headers


def halves(frame: pd.DataFrame, is_answered: Sequence[bool]) -> list[tuple[str, bytes, Headers]]:
    """Give requests, and their responses up to a hundred calls later or a few earlier."""
    rng = Random(5)
    placed: list[tuple[float, tuple[str, bytes, Headers]]] = []
    for i, cells in enumerate(json.loads(frame.to_json(orient="records"))):
        time_ms = START_MS + i * (HOUR_MS // PER_HOUR)
        asked = {"inputs": tensors(cells, ("age", "country", "owner"))}
        placed.append((i, half(f"c{i}", "request", time_ms, asked)))
        if is_answered[i]:
            answer = {"model_name": "loans", "outputs": tensors(cells, ("prediction", "score"))}
            after = rng.choice((0.1, 30, 100, -3))
            placed.append((i + after, half(f"c{i}", "response", time_ms + 20, answer)))
    return [each for _, each in sorted(placed, key=lambda each: each[0])]


def sent(bootstrap: str, messages: Sequence[tuple[str, bytes, Headers]]) -> str:
    topic = f"t-{uuid4().hex[:12]}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, linger_ms=20)
    for call, value, headers in messages:
        producer.send(topic, value, key=call.encode(), headers=headers)
    producer.flush()
    producer.close()
    return topic


def moved(at: World, begun: int, messages: int) -> bool:
    return begun == messages or position(at, PARTITIONS) > begun


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_call_is_one_row_of_what_was_asked_and_answered_though_the_service_is_killed(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = training_frame(rows=2_000)
    training.to_parquet(tmp_path / "training.parquet")
    frame = training_frame(rows=HOURS * PER_HOUR, seed=5)
    is_answered = [i >= PER_HOUR or i % UNANSWERED_1_IN > 0 for i in range(len(frame))]
    messages = halves(frame, is_answered)
    topic = sent(kafka_bootstrap, messages)
    at = world(
        tmp_path, kafka_bootstrap, postgres_databases.empty(), topic, tmp_path / "training.parquet", "", MODEL
    )
    rng, waited = Random(7), 0
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    for _ in range(KILLS):
        begun = position(at, PARTITIONS)
        with service(at) as process:
            until(partial(moved, at, begun, len(messages)), "a commit", 60.0, 0.02)
            threading.Event().wait(rng.uniform(0.0, 0.1))
            process.kill()
        waited += len(at.store.halves(partitions))
    run_to_the_end(at, len(messages), PARTITIONS)
    windows = at.store.view("window_history", newest_first=False)
    found = at.store.view("drift_history", where={"feature": "age", "detector": "ks"}, newest_first=False)
    answers = at.store.view("drift_history", where={"shift": "prior"}, newest_first=False)
    rejects = at.store.view("rejects")
    at.store.close_connections()
    assert waited > KILLS  # so there was something to lose
    answered = frame[is_answered]
    assert {row["reason"] for row in rejects} == {"unpaired"}
    assert len(rejects) == is_answered.count(False)
    assert [row["late"] for row in windows] == [0] * HOURS
    for hour, row in enumerate(windows):
        here = answered[answered.index // PER_HOUR == hour]
        assert row["rows"] == len(here)
        assert found[hour]["n_current"] == len(here)
        assert found[hour]["statistic"] == pytest.approx(
            ks_2samp(training["age"], here["age"]).statistic, abs=2e-3
        )
    assert {row["feature"] for row in answers} == {"prediction", "score"}
    assert {row["n_current"] for row in answers} == {row["rows"] for row in windows}
