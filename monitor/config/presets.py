"""What each preset fills in: data alone, every key of it can be overridden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from monitor.decode.layout import Coding, FeatureForm, Format, Scalar

Preset = Literal[
    "nested",
    "flat",
    "none",
    "cloudevents",
    "kserve-v1",
    "kserve-v2",
    "kserve-blob",
    "seldon-v1",
    "mlflow",
    "sagemaker-capture",
    "sagemaker-groundtruth",
    "bentoml",
    "feast",
]
LabelsPreset = Literal["nested", "flat", "cloudevents", "sagemaker-groundtruth"]
"""The presets that labels' messages may have of their own."""
When = Mapping[str, Scalar | tuple[Scalar, ...]]


@dataclass(frozen=True, slots=True)
class Sides:
    """By which value requests and responses are told apart, and where in a response the answers are."""

    kind: str
    request: str
    response: str
    answers: str


@dataclass(frozen=True, slots=True)
class Filled:
    """The keys of `Fields` that a preset fills in; ``others`` are keys at the top that are no features.

    With ``sides`` a preset can `pair`; without pairing it reads what its ``when`` says.
    """

    paths: Mapping[str, str]
    explode: str = ""
    decode: Mapping[str, Coding] = field(default_factory=dict)
    when: When = field(default_factory=dict)
    is_cloudevent: bool = False
    form: FeatureForm = "plain"
    format: Format = "json"
    others: frozenset[str] = frozenset()
    sides: Sides | None = None
    pairs: bool = False

    @property
    def is_row(self) -> bool:
        """Whether each message is one row, whose keys are where they are in labels' messages too."""
        return not self.explode and self.form == "plain"

    @property
    def is_plain(self) -> bool:
        """Whether messages are rows as they are."""
        is_event = self.explode or self.decode or self.when or self.is_cloudevent or self.pairs
        return not is_event and self.form == "plain" and self.format == "json"


_FLAT = {
    "id": "request_id",
    "timestamp": "timestamp",
    "prediction": "prediction",
    "score": "score",
    "label": "label",
}
_NESTED = _FLAT | {"id": "id", "features": "features"}
_CLOUDEVENT = {"id": "$headers.ce_id", "timestamp": "$headers.ce_time or $timestamp"}
_REQUEST, _RESPONSE = "*.inference.request", "*.inference.response"
_REQUESTS: When = {"$headers.ce_type": _REQUEST}

PRESETS: Mapping[Preset, Filled] = {
    "nested": Filled(_NESTED),
    "flat": Filled(_FLAT),
    "none": Filled({}),
    "cloudevents": Filled(_NESTED | _CLOUDEVENT, is_cloudevent=True),
    "kserve-v1": Filled(
        _CLOUDEVENT,
        explode="instances",
        when=_REQUESTS,
        is_cloudevent=True,
        sides=Sides("$headers.ce_type", _REQUEST, _RESPONSE, "predictions"),
    ),
    "kserve-v2": Filled(
        _CLOUDEVENT | {"id": "$headers.ce_id or id"},
        explode="inputs",
        when=_REQUESTS,
        is_cloudevent=True,
        sides=Sides("$headers.ce_type", _REQUEST, _RESPONSE, "outputs"),
    ),
    "kserve-blob": Filled(
        {"id": "id", "timestamp": "occurrenceTime or $timestamp"},
        explode="bytes",
        decode={"bytes": "base64+json"},
        when={"reqType": _REQUEST},
        sides=Sides("reqType", _REQUEST, _RESPONSE, "bytes"),
    ),
    "seldon-v1": Filled(
        {"id": "$headers.requestid", "timestamp": "$timestamp"},
        explode="$value",
        when={"$headers.type": _REQUEST},
        sides=Sides("$headers.type", _REQUEST, _RESPONSE, "$value"),
    ),
    "mlflow": Filled(
        {
            "id": "client_request_id or databricks_request_id",
            "timestamp": "request_time or timestamp_ms",
            "prediction": "response",
        },
        explode="request",
        decode={"request": "json", "response": "json"},
        when={"status_code": 200},
    ),
    "sagemaker-capture": Filled(
        {
            "id": "eventMetadata.inferenceId or eventMetadata.eventId",
            "timestamp": "eventMetadata.inferenceTime",
            "prediction": "captureData.endpointOutput.data",
        },
        explode="captureData.endpointInput.data",
        decode={"captureData.endpointInput.data": "encoding", "captureData.endpointOutput.data": "encoding"},
    ),
    "sagemaker-groundtruth": Filled(
        {
            "id": "eventMetadata.eventId",
            "timestamp": "eventMetadata.inferenceTime or $timestamp",
            "label": "groundTruthData.data",
        },
        explode="groundTruthData.data",
        decode={"groundTruthData.data": "encoding"},
    ),
    "bentoml": Filled(_FLAT, others=frozenset({"trace_id"})),
    "feast": Filled({"id": "__request_id", "timestamp": "__log_timestamp"}, form="feast"),
}
