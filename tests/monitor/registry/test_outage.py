"""The service's loop while the schema registry is away: it waits, says so, and counts every row once."""

from __future__ import annotations

import io
import json
import struct
import threading
from collections.abc import Iterator

import fastavro
import pytest

from monitor.clock import ManualClock
from monitor.compile import model_plan
from monitor.plan import ModelPlan
from monitor.registry.client import Registry
from monitor.source.memory import MemoryBroker, MemorySource
from tests.monitor.test_service_outages import ONE, OTHER, ROWS, counted, ends, loop_of, turn
from tests.monitor.worlds import NOW, config, log, new_store, reference
from tests.services.schema_registry import SchemaRegistry, running

FEATURES = [
    {"name": "age", "type": "double"},
    {"name": "country", "type": "string"},
    {"name": "owner", "type": "boolean"},
]
SCHEMA = {
    "type": "record",
    "name": "Logged",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "timestamp", "type": "long"},
        {"name": "features", "type": {"type": "record", "name": "Features", "fields": FEATURES}},
        {"name": "prediction", "type": "int"},
        {"name": "score", "type": "double"},
    ],
}


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    with running() as served:
        for schema_id in (1, 2):
            served.add(schema_id, json.dumps(SCHEMA))
        yield served


def topic(second_from: int) -> MemoryBroker:
    """The log in Avro; rows from this one on were written with the second schema."""
    broker, schema = MemoryBroker(), fastavro.parse_schema(json.loads(json.dumps(SCHEMA)))
    broker.create("predictions", 2)
    for number, value in enumerate(log(hours=4, per_hour=ROWS // 4)):
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, schema, json.loads(value))
        frame = b"\x00" + struct.pack(">I", 1 + (number >= second_from))
        broker.append((ONE, OTHER)[number % 2], frame + stream.getvalue(), timestamp=0)
    return broker


def plan_of(registry: SchemaRegistry) -> ModelPlan:
    settings = config(f'fields = {{ format = "avro" }}\n[registry]\nurl = "{registry.url}"\n')
    client = Registry(registry.url, 5.0, ManualClock(NOW))
    loans = settings.models["loans"]
    return model_plan("loans", loans, settings.alerts, reference(), 1 << 20, registry=client)


@pytest.mark.parametrize("known", [0, ROWS // 2])
def test_an_outage_of_the_registry_is_waited_out_and_no_row_is_lost_or_counted_twice(
    registry: SchemaRegistry, known: int
) -> None:
    store, source = new_store(), MemorySource(topic(known), ["predictions"])
    loop = loop_of(store, source, plan_of(registry))
    if known:
        turn(loop, lambda: bool(registry.asked))  # the first schema is known, the second will be asked for
    registry.failing = 503
    for _ in range(15):
        loop.turn(threading.Event())
    assert "answered 503" in loop._health.reasons()["registry"]
    assert sum(ends(store)) <= known
    registry.failing = None
    turn(loop, lambda: sum(ends(store)) == ROWS)
    assert counted(store) == ROWS
    assert store.view("rejects") == []
    assert "registry" not in loop._health.reasons()
