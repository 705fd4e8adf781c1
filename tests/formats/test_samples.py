"""A hundred messages of each system, written by its own library, come out as the rows that it was given.

Sacred has no file here: a run keeps figures of an experiment by step, no calls of a model that serves. Its
runs are sources of references, and of nothing that comes over Kafka.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from detectors.dictionary import Dictionary, Feature, Kind, Role
from monitor.clock import ManualClock
from monitor.compile import decoder_of
from monitor.config import parse
from monitor.decode.decoder import Batch
from monitor.layouts import layout_of
from monitor.registry.client import Registry
from monitor.source.base import Chunk, Message, TopicPartition
from tests.formats.logged import Row, hundred
from tests.services.schema_registry import SchemaRegistry, running

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
KINDS = {
    "age": (Kind.NUMERIC, "float"),
    "plan": (Kind.CATEGORICAL, "str"),
    "visits": (Kind.NUMERIC, "int"),
    "owner": (Kind.CATEGORICAL, "bool"),
}
FIELDS = {
    "bentoml": 'preset = "bentoml"\nprediction = "pred"',
    "mlflow": 'preset = "mlflow"',
    "feast": 'preset = "feast"',
    "cloudevents": 'preset = "cloudevents"',
    "avro": 'format = "avro"',
    "json-schema": 'format = "json-schema"',
    "protobuf": 'format = "protobuf"',
}
WITHOUT_PREDICTION = {"feast"}
WITH_SCORE = {"cloudevents", "avro", "json-schema", "protobuf"}


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    """A registry that knows what that of the serializers knew."""
    with running() as served:
        for schema_id, told in json.loads((SAMPLES / "schemas.json").read_text()).items():
            guid = served.add(int(schema_id), told["schema"], told["schemaType"], told["references"])
            served.known[f"/schemas/guids/{told['guid']}"] = served.known[f"/schemas/guids/{guid}"]
        yield served


def messages(name: str) -> list[Message]:
    lines = (SAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [_message(offset, line) for offset, line in enumerate(lines)]


def _message(offset: int, line: str) -> Message:
    told: dict[str, Any] = json.loads(line)
    if "$key" not in told:
        return Message(offset, line.encode())
    value = told["$value"].encode() if "$value" in told else base64.b64decode(told["$value_base64"])
    headers = [(name, text.encode()) for name, text in told["$headers"].items()]
    headers += [(name, base64.b64decode(text)) for name, text in told.get("$headers_base64", {}).items()]
    return Message(offset, value, told["$key"].encode(), told["$timestamp"], headers)


def decoded(name: str, registry: SchemaRegistry) -> Batch:
    settings = parse(
        f"""
        [kafka]
        bootstrap_servers = ["localhost:9092"]
        [database]
        url = "sqlite://"
        [registry]
        url = "{registry.url}"
        [models.churn]
        topics = ["logged"]
        [models.churn.fields]
        {FIELDS[name]}
        """
    ).models["churn"]
    prefix = "stats__" if name == "feast" else ""
    known = {f"{prefix}{feature}": Feature(f"{prefix}{feature}", *KINDS[feature]) for feature in KINDS}  # type: ignore[arg-type]
    if name not in WITHOUT_PREDICTION:
        known["prediction"] = Feature("prediction", Kind.CATEGORICAL, "int", Role.PREDICTION)
    if name in WITH_SCORE:
        known["score"] = Feature("score", Kind.NUMERIC, "float", Role.SCORE)
    layout = layout_of("churn", settings.fields.resolved("churn"), Dictionary(known))
    client = Registry(registry.url, 5.0, ManualClock(NOW))
    decoder = decoder_of("churn", "fields", layout, settings, 1 << 20, 100, client)
    return decoder.decode(Chunk(TopicPartition("logged", 0), messages(name)), NOW)


def wanted(row: Row, name: str) -> tuple[Any, ...]:
    cells = [row.age, row.plan, float(row.visits), "true" if row.owner else "false"]
    cells += [] if name in WITHOUT_PREDICTION else [str(row.prediction)]
    return (*cells, *([row.score] if name in WITH_SCORE else []))


@pytest.mark.parametrize("name", FIELDS)
def test_a_hundred_messages_of_the_systems_own_library_are_the_rows_it_was_given(
    name: str, registry: SchemaRegistry
) -> None:
    batch = decoded(name, registry)
    assert batch.rejects == ()
    assert all(column.presence is None for column in batch.columns.values())
    columns = [column.values.tolist() for column in batch.columns.values()]
    assert list(zip(*columns, strict=True)) == [wanted(row, name) for row in hundred()]


@pytest.mark.parametrize("name", FIELDS)
def test_their_ids_and_times_are_those_of_the_calls(name: str, registry: SchemaRegistry) -> None:
    batch = decoded(name, registry)
    assert batch.ids is not None
    if name == "bentoml":  # which numbers calls and looks at the clock itself
        lines = [json.loads(message.value or b"") for message in messages(name)]
        at = [datetime.fromisoformat(line["timestamp"]).replace(tzinfo=UTC) for line in lines]
        assert batch.ids.tolist() == [line["request_id"] for line in lines]
        assert batch.times_ms.tolist() == [int(each.timestamp() * 1000) for each in at]
        return
    assert batch.ids.tolist() == [row.id + "#0" * (name == "mlflow") for row in hundred()]
    assert batch.times_ms.tolist() == [row.time_ms for row in hundred()]


def test_calls_that_the_server_refused_are_passed_over(registry: SchemaRegistry) -> None:
    assert decoded("mlflow", registry).filtered == 10


def test_each_file_says_which_versions_wrote_it() -> None:
    for path in SAMPLES.glob("*.jsonl"):
        versions = path.with_suffix(".versions.txt").read_text().splitlines()
        assert len(versions) >= 2, path
        assert versions[0].startswith("Python "), path
