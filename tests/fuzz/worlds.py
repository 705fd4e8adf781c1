"""A model with features of every kind, some of them named by an attacker, for decoders to be fuzzed with."""

from __future__ import annotations

from functools import cache

import msgspec
import numpy as np
import pandas as pd

from detectors.dictionary import ISO8601, Dictionary, Feature, Kind, Role
from detectors.frames import columns_from_frame
from detectors.reference import Reference, build
from monitor.compile import model_plan
from monitor.decode.decoder import Decoder
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition
from tests.fuzz.grammar import FEATURES
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, config

MOST_BYTES = 20_000
FIELDS = """
labels_topics = ["labels", "both"]
labels_horizon = "10d"
[models.loans.fields]
id = "id"
timestamp = "ts"
model = "model"
features = "features"
prediction = "prediction"
score = "score"
label = "label"
"""
TOPICS = tuple(TopicPartition(topic, 0) for topic in ("predictions", "labels", "both"))

_KINDS = {
    "age": Feature("age", Kind.NUMERIC, "float", missing_values=(-1.0, "N/A"), min=0.0),
    "rooms": Feature("rooms", Kind.NUMERIC, "int", max=9.0),
    "country": Feature("country", Kind.CATEGORICAL, "str", missing_values=("N/A",), pattern="[A-Z]{2}"),
    "zone": Feature("zone", Kind.CATEGORICAL, "int", missing_values=(7, "N/A")),
    "owner": Feature("owner", Kind.BOOLEAN, "bool"),
    "'; DROP TABLE x; --": Feature("'; DROP TABLE x; --", Kind.CATEGORICAL, "float"),
    'a"b\\c': Feature('a"b\\c', Kind.DATETIME, "str", format=ISO8601),
    "<b>&amp;": Feature("<b>&amp;", Kind.TEXT, "str", pattern=".{0,80}"),
    "ä\u0301": Feature("ä\u0301", Kind.DATETIME, "str", format="%Y-%m-%d"),
}
_OUTPUTS = {
    "prediction": Feature("prediction", Kind.CATEGORICAL, "str", Role.PREDICTION),
    "score": Feature("score", Kind.NUMERIC, "float", Role.SCORE),
    "label": Feature("label", Kind.CATEGORICAL, "str", Role.LABEL),
}


def _frame(rows: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    score = rng.random(rows).round(3)
    columns: dict[str, object] = {
        "age": rng.normal(40.0, 10.0, rows).round(2).clip(0.0),
        "rooms": rng.integers(0, 5, rows),
        "country": rng.choice(np.array(["DE", "FR", "PT"]), rows),
        "zone": rng.integers(0, 5, rows),
        "owner": rng.random(rows) < 0.5,
        "'; DROP TABLE x; --": rng.integers(0, 5, rows).astype(float),
        "score": score,
        "prediction": np.where(score > 0.5, "true", "DE"),
        "label": np.where(rng.random(rows) < score, "true", "DE"),
    }
    columns |= {name: rng.choice(np.array(["2026-01-01", "x"]), rows) for name in FEATURES[6:] if name}
    return pd.DataFrame(columns)


PLAIN = ("age", "rooms", "country", "zone", "owner", "<b>&amp;", "ä\u0301")
"""Features whose names the fast way can look for."""


@cache
def reference(*, is_plain: bool) -> Reference:
    kinds = {name: feature for name, feature in _KINDS.items() if not is_plain or name in PLAIN}
    dictionary = Dictionary(kinds | _OUTPUTS)
    frame = _frame()
    times = START_MS - 1000 * HOUR_MS + np.arange(len(frame), dtype=np.int64) * HOUR_MS // 30
    return build(
        columns_from_frame(frame, dictionary),
        dictionary,
        model="loans",
        version="",
        source="fuzz",
        built_at=NOW,
        times_ms=times,
        window_ms=HOUR_MS,
    )


@cache
def plan(*, is_plain: bool) -> ModelPlan:
    """Compile the model: one whose messages the fast way reads, or one that is always read carefully."""
    settings = config(FIELDS)
    model = msgspec.structs.replace(settings.models["loans"], topics=("predictions", "both"))
    return model_plan("loans", model, settings.alerts, reference(is_plain=is_plain), MOST_BYTES)


def decoder(plan: ModelPlan, at: TopicPartition) -> Decoder:
    """Give what reads this topic."""
    assert plan.labels is not None
    return plan.labels.decoder if at.topic == "labels" else plan.decoder
