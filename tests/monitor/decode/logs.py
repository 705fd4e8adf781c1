"""The same rows as each system logs them: a generator of messages per preset, by its documented format."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from cloudevents.core.bindings.kafka import KafkaMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from monitor.source.base import Message

START = datetime(2026, 1, 1, tzinfo=UTC)
START_MS = int(START.timestamp()) * 1000
NAMES = ("age", "plan", "visits")


@dataclass(frozen=True, slots=True)
class Logged:
    """One row, and the answer of the model."""

    age: float
    plan: str
    visits: int
    prediction: int

    @property
    def cells(self) -> list[Any]:
        return [self.age, self.plan, self.visits]

    @property
    def named(self) -> dict[str, Any]:
        return dict(zip(NAMES, self.cells, strict=True))


def rows(rng: Random, n: int) -> list[Logged]:
    return [
        Logged(
            round(rng.gauss(40, 10), 2),
            rng.choice(("basic", "pro, old", "3")),
            rng.randrange(9),
            rng.randrange(2),
        )
        for _ in range(n)
    ]


Headers = Mapping[str, str]
Make = Callable[[Random, int, Sequence[Logged]], tuple[Any, Headers]]


def messages(make: Make, rng: Random, batches: Sequence[Sequence[Logged]]) -> Iterator[Message]:
    for number, batch in enumerate(batches):
        value, headers = make(rng, number, batch)
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        pairs = [(name, text.encode()) for name, text in headers.items()]
        yield Message(number, body, timestamp=START_MS + number * 1000, headers=pairs)


def moment(number: int) -> str:
    return (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def event_headers(rng: Random, number: int, kind: str = "request") -> Headers:
    """A CloudEvent's attributes, as a Knative sink or an HTTP bridge writes them."""
    prefix = rng.choice(("ce_", "ce-", "Ce-", "CE_"))
    attributes = {
        "specversion": "1.0",
        "id": f"event-{number}",
        "time": moment(number),
        "source": "http://localhost:9081/",
        "type": f"org.kubeflow.serving.inference.{kind}",
        "inferenceservicename": "churn",
        "endpoint": "default",
    }
    return {prefix + name: text for name, text in attributes.items()} | {"content-type": "application/json"}


def v1_body(rng: Random, batch: Sequence[Logged]) -> dict[str, Any]:
    as_objects = rng.random() < 0.5
    return {"instances": [row.named if as_objects else row.cells for row in batch]}


def column(batch: Sequence[Logged], name: str) -> list[Any]:
    return [row.named[name] for row in batch]


def v2_body(rng: Random, batch: Sequence[Logged]) -> dict[str, Any]:
    shape = [len(batch)] if rng.random() < 0.5 else [len(batch), 1]
    types = dict(zip(NAMES, ("FP64", "BYTES", "INT64"), strict=True))
    return {
        "id": "of-the-body",
        "inputs": [
            {
                "name": name,
                "shape": shape,
                "datatype": types[name],
                "data": [row.named[name] for row in batch],
            }
            for name in NAMES
        ],
    }


def kserve_v1(rng: Random, number: int, batch: Sequence[Logged]) -> tuple[Any, Headers]:
    return v1_body(rng, batch), event_headers(rng, number)


def kserve_v2(rng: Random, number: int, batch: Sequence[Logged]) -> tuple[Any, Headers]:
    return v2_body(rng, batch), event_headers(rng, number)


def kserve_blob(rng: Random, number: int, batch: Sequence[Logged]) -> tuple[Any, Headers]:
    body = rng.choice((v1_body, v2_body))(rng, batch)
    logged = {
        "id": f"event-{number}",
        "bytes": base64.b64encode(json.dumps(body).encode()).decode(),
        "reqType": "org.kubeflow.serving.inference.request",
        "contentType": "application/json",
        "inferenceService": "churn",
        "namespace": "models",
        "component": "predictor",
        "endpoint": "default",
        "occurrenceTime": moment(number),
    }
    return logged, {}


def seldon_v1(rng: Random, number: int, batch: Sequence[Logged]) -> tuple[Any, Headers]:
    data: dict[str, Any] = {"ndarray": [row.cells for row in batch]}
    if rng.random() < 0.5:
        data["names"] = list(NAMES)
    headers = {
        "type": "io.seldon.serving.inference.request",
        "requestid": f"event-{number}",
        "modelid": "classifier",
        "inferenceservicename": "churn",
        "content-type": "application/json",
    }
    return {"data": data}, headers


def mlflow(rng: Random, number: int, batch: Sequence[Logged]) -> tuple[Any, Headers]:
    request = rng.choice(
        (
            {"dataframe_split": {"columns": list(NAMES), "data": [row.cells for row in batch]}},
            {"dataframe_records": [row.named for row in batch]},
            {"inputs": {name: column(batch, name) for name in NAMES}},
            {"instances": [row.cells for row in batch]},
        )
    )
    logged = {
        "client_request_id": rng.choice((None, f"event-{number}")),
        "databricks_request_id": f"event-{number}",
        "timestamp_ms": START_MS + number * 1000,
        "status_code": 200,
        "request": json.dumps(request),
        "response": json.dumps({"predictions": [row.prediction for row in batch]}),
        "request_metadata": {"model_name": "churn", "model_version": "3", "endpoint_name": "churn"},
    }
    return logged, {}


def as_csv(lines: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def sagemaker_capture(rng: Random, number: int, batch: Sequence[Logged]) -> tuple[Any, Headers]:
    inside = rng.choice((as_csv([row.cells for row in batch]), json.dumps(v1_body(rng, batch))))
    encoding = "CSV" if not inside.startswith("{") else "JSON"
    if rng.random() < 0.3:
        inside, encoding = base64.b64encode(inside.encode()).decode(), "BASE64"
    out = as_csv([[row.prediction] for row in batch])
    logged = {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": inside,
                "encoding": encoding,
            },
            "endpointOutput": {
                "observedContentType": "text/csv",
                "mode": "OUTPUT",
                "data": out,
                "encoding": "CSV",
            },
        },
        "eventMetadata": {"eventId": f"event-{number}", "inferenceTime": moment(number)},
        "eventVersion": "0",
    }
    return logged, {}


def bentoml(rng: Random, number: int, batch: Sequence[Logged]) -> tuple[Any, Headers]:
    del rng
    (row,) = batch
    logged = {"timestamp": moment(number)[:-1] + ".250000", "request_id": f"event-{number}", "trace_id": "7"}
    return logged | row.named | {"prediction": row.prediction}, {}


def feast(rng: Random, number: int, batch: Sequence[Logged]) -> tuple[Any, Headers]:
    (row,) = batch
    present = rng.choice((1, "PRESENT"))
    logged: dict[str, Any] = {"__request_id": f"event-{number}", "__log_timestamp": moment(number)}
    logged |= {"__log_date": moment(number)[:10], "customer": 7}
    for name, value in row.named.items():
        logged |= {
            f"stats__{name}": value,
            f"stats__{name}__timestamp": moment(0),
            f"stats__{name}__status": present,
        }
    return logged, {}


def of_cloudevents(rng: Random, number: int, batch: Sequence[Logged]) -> tuple[Any, Headers]:
    """Let the CloudEvents SDK write the event, in either of its modes."""
    (row,) = batch
    event = CloudEvent(
        {
            "id": f"event-{number}",
            "source": "models/churn",
            "type": "org.example.prediction",
            "specversion": "1.0",
            "time": START + timedelta(seconds=number),
            "datacontenttype": "application/json",
        },
        {"features": row.named, "prediction": row.prediction},
    )
    made: KafkaMessage = rng.choice((to_binary_event, to_structured_event))(event)
    return made.value, {name: text.decode() for name, text in made.headers.items()}
