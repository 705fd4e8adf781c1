"""Where an experiment's variant and metric may be in a message."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from monitor.config import parse
from monitor.decode.decoder import Batch
from monitor.errors import ConfigError
from monitor.source.base import Chunk, Message, TopicPartition
from tests.monitor.experiment.worlds import EXPERIMENT
from tests.monitor.labelled_worlds import labelled_plan
from tests.monitor.worlds import CONFIG, NOW, START_MS

AT = TopicPartition("predictions", 0)
ROW = {
    "id": "r1",
    "timestamp": START_MS,
    "features": {"age": 40.0, "country": "DE"},
    "prediction": 1,
    "score": 0.9,
}
TWO = '[models.loans.experiment]\ncontrol = "v1"\ntreatments = ["v2"]\n'


def read(fields: str, *rows: dict[str, Any], headers: tuple[tuple[str, bytes], ...] = ()) -> Batch:
    plan = labelled_plan(f"[models.loans.fields]\n{fields}\n{TWO}")
    messages = [Message(i, json.dumps(row).encode(), headers=headers) for i, row in enumerate(rows)]
    return plan.decoder.decode(Chunk(AT, messages), NOW)


def variants(batch: Batch) -> list[str | None]:
    assert batch.variants is not None
    found: list[str | None] = batch.variants.tolist()
    return found


def test_variants_are_texts_as_categories_are() -> None:
    rows = [ROW | {"by": by} for by in ("v2", 7, 7.0, 2.5, None, ["v1"], "é\x00")]
    assert variants(read('variant = "by"', *rows, ROW)) == ["v2", "7", "7", "2.5", None, None, "é\x00", None]


def test_a_variant_may_be_in_a_header_or_among_the_features() -> None:
    assert variants(read('variant = "$headers.Model-Version"', ROW, headers=(("model-version", b"v2"),))) == [
        "v2"
    ]
    assert variants(read('variant = "features.country"', ROW)) == ["DE"]


def test_a_feature_that_tells_the_variant_is_not_checked_as_an_input() -> None:
    plan = labelled_plan(f'[models.loans.fields]\nvariant = "features.country"\n{TWO}')
    assert plan.reference.experiment is not None
    assert plan.reference.experiment.columns == ("age", "prediction", "score")


def test_a_metric_is_a_number_or_true_or_false() -> None:
    values: list[Any] = [2.5, 3, True, False, None, "4", {}, 10**400]
    rows = [ROW | {"paid": value} for value in values]
    found = read('variant = "by"\nmetric = "paid"', *rows, ROW).metric
    assert found is not None
    assert found[:4].tolist() == [2.5, 3.0, 1.0, 0.0]
    assert all(math.isnan(value) for value in found[4:])


def test_rows_of_one_message_may_have_metrics_of_their_own() -> None:
    fields = 'explode = "rows"\nfeatures = "rows"\nprediction = "out"\nscore = "scores"\n'
    fields += 'variant = "by"\nmetric = "paid"'
    message = {
        "id": "m", "timestamp": START_MS, "by": "v2", "rows": [ROW["features"]] * 2, "out": [1, 0],
        "scores": [0.9, 0.2], "paid": [3, None],
    }  # fmt: skip
    batch = read(fields, message)
    assert variants(batch) == ["v2", "v2"]
    assert batch.metric is not None
    assert batch.metric[0] == 3.0
    assert math.isnan(batch.metric[1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('variant = "variant"', ""), "fields.variant: is needed for the experiment"),
        (
            ('variant = "variant"', 'variant = "variant"\nmetric = "paid"'),
            "labels_fields.metric: is given in fields too",
        ),
        (('treatments = ["v2"]', 'treatments = ["v1"]'), '"v1" is among the treatments too'),
        (('treatments = ["v2"]', "treatments = []"), "name at least one variant beside the control"),
        (
            ('treatments = ["v2"]', 'treatments = ["v2"]\nsplit = { v1 = 1, v3 = 1 }'),
            '"v2", "v3" is in only one of them',
        ),
        (
            ('metric = "revenue"\n[models.loans.exp', 'metric = "a..b"\n[models.loans.exp'),
            "labels_fields.metric",
        ),
        ((TWO + 'metric = "revenue"', ""), "labels_fields.metric: is never used"),
    ],
)  # fmt: skip
def test_mistakes_are_named(change: tuple[str, str], said: str) -> None:
    assert change[0] in EXPERIMENT
    with pytest.raises(ConfigError) as raised:
        parse(CONFIG + 'labels_topics = ["labels"]\n' + EXPERIMENT.replace(*change))
    assert said in str(raised.value)
