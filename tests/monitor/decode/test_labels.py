"""Labels in messages of their own, and in the messages of predictions."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import Column, Presence
from monitor.decode.decoder import Batch, Decoder
from monitor.decode.layout import Cell, Layout, Leaf, Meta
from monitor.decode.payload import Reason
from monitor.decode.times import UNKNOWN_TIME, UNREADABLE
from monitor.source.base import Chunk, Message, TopicPartition

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MS = 1_767_225_600_000
LABELS = TopicPartition("labels", 0)
PREDICTIONS = TopicPartition("predictions", 0)
BOTH = TopicPartition("both", 0)
LABEL = Leaf("paid", ("label",), Cell.TEXT, ("?",))
LEAVES = (
    Leaf("age", ("features", "age"), Cell.NUMBER),
    Leaf("plan", ("features", "plan"), Cell.TEXT),
    Leaf("prediction", ("prediction",), Cell.TEXT),
)
WHOLE = {"features": {"age": 1.5, "plan": "a"}, "prediction": "yes"}


def layout(leaves: tuple[Leaf, ...] = (), **changes: object) -> Layout:
    of_labels = not leaves
    settings: dict[str, object] = {
        "leaves": leaves,
        "features": frozenset({"age", "plan"}) if leaves else frozenset(),
        "id": ("id",),
        "timestamp": ("ts",),
        "timestamp_unit": "s",
        "model": None,
        "model_name": "loans",
        "container": None if of_labels else ("features",),
        "other_keys": frozenset(),
        "label": LABEL,
        "label_topics": None if of_labels else frozenset({"both"}),
        "id_required": of_labels,
        "timestamp_fallback": of_labels,
        "timestamp_optional": of_labels,
    }
    return Layout(**(settings | changes))  # type: ignore[arg-type]


def decoded(
    made: Layout, partition: TopicPartition, *payloads: object, times: tuple[int, ...] | None = None
) -> Batch:
    recorded = times or tuple(MS + 9_000 + i for i in range(len(payloads)))
    records = [
        Message(i, json.dumps(payload).encode(), timestamp=recorded[i]) for i, payload in enumerate(payloads)
    ]
    return Decoder(made, "loans", 2_000, 3_600_000).decode(Chunk(partition, records), NOW)


def labels(*payloads: object, times: tuple[int, ...] | None = None, **changes: object) -> Batch:
    return decoded(layout(**changes), LABELS, *payloads, times=times)  # type: ignore[arg-type]


def both(*payloads: object, times: tuple[int, ...] | None = None) -> Batch:
    return decoded(layout(LEAVES), BOTH, *payloads, times=times)


def given_labels(batch: Batch) -> list[object]:
    assert batch.labels is not None
    return list(batch.labels.values.tolist())


def test_a_label_has_an_id_a_value_and_a_time() -> None:
    batch = labels(
        {"id": 7, "label": "yes", "ts": MS / 1000}, {"id": "b", "label": "no", "ts": MS / 1000 + 1}
    )
    assert batch.ids is not None
    assert batch.ids.tolist() == ["7", "b"]
    assert given_labels(batch) == ["yes", "no"]
    assert batch.times_ms.tolist() == [MS, MS + 1_000]
    assert (batch.columns, batch.label_only, batch.rejects) == ({}, None, ())


@pytest.mark.parametrize("payload", [{}, {"id": None}, {"id": ""}, {"id": True}, {"id": {"x": 1}}])
def test_a_label_without_an_id_is_rejected(payload: dict[str, object]) -> None:
    batch = labels({"id": "a", "label": "yes"}, {"label": "no"} | payload, {"id": 0, "label": "no"})
    assert [(reject.offset, reject.reason) for reject in batch.rejects] == [(1, Reason.NO_ID)]
    assert batch.offsets.tolist() == [0, 2]
    assert given_labels(batch) == ["yes", "no"]


def test_labels_whose_id_is_switched_off_are_all_rejected() -> None:
    batch = labels({"id": "a", "label": "yes"}, id=None)
    assert [reject.reason for reject in batch.rejects] == [Reason.NO_ID]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({}, Presence.MISSING),
        ({"label": None}, Presence.NULL),
        ({"label": "?"}, Presence.NULL),
        ({"label": 5}, Presence.BAD_TYPE),
    ],
)
def test_an_unusable_label_stays_a_row_with_its_defect(payload: dict[str, object], code: Presence) -> None:
    batch = labels({"id": "a"} | payload)
    assert batch.labels is not None
    assert batch.labels.count(code) == len(batch) == 1


@pytest.mark.parametrize("absent", [{}, {"ts": None}, {"ts": True}])
def test_a_label_without_a_time_has_that_of_its_record_in_milliseconds(absent: dict[str, object]) -> None:
    batch = labels({"id": "a", "label": "yes"} | absent, {"id": "b", "label": "no", "ts": MS / 1000})
    assert batch.times_ms.tolist() == [MS + 9_000, MS]


def test_a_label_without_any_time_has_a_known_stand_in_where_that_is_allowed() -> None:
    payload = {"id": "a", "label": "yes"}
    assert labels(payload, times=(-1,)).times_ms.tolist() == [UNKNOWN_TIME]
    strict = labels(payload, times=(-1,), timestamp_optional=False)
    assert [reject.reason for reject in strict.rejects] == [Reason.NO_TIMESTAMP]
    stricter = labels(payload, timestamp_fallback=False, timestamp_optional=False)
    assert [reject.reason for reject in stricter.rejects] == [Reason.NO_TIMESTAMP]
    assert UNKNOWN_TIME == np.iinfo(np.int64).min + 1 == UNREADABLE + 1


def test_a_time_that_cannot_be_read_is_not_replaced_by_the_records() -> None:
    batch = labels({"id": "a", "label": "yes", "ts": "soon"})
    assert [reject.reason for reject in batch.rejects] == [Reason.BAD_TIMESTAMP]


def test_a_record_of_the_future_is_rejected_with_its_time() -> None:
    batch = labels({"id": "a", "label": "yes"}, times=(4_000_000_000_000,))
    (reject,) = batch.rejects
    assert reject.reason == Reason.FUTURE_TIMESTAMP
    assert "4000000000000" in reject.detail


def test_labels_can_be_of_several_models_and_have_their_id_in_the_key() -> None:
    made = layout(model=("m",), id=Meta("key"), timestamp=Meta("timestamp"), timestamp_unit="ms")
    records = [
        Message(i, json.dumps({"label": "yes", "m": name}).encode(), key=key, timestamp=MS)
        for i, (name, key) in enumerate([("loans", b"k"), ("cars", None), ("loans", None)])
    ]
    batch = Decoder(made, "loans", 2_000, 0).decode(Chunk(LABELS, records), NOW)
    assert batch.ids is not None
    assert (batch.ids.tolist(), batch.times_ms.tolist(), batch.others_at) == (["k"], [MS], (1,))
    assert [(reject.offset, reject.reason) for reject in batch.rejects] == [(2, Reason.NO_ID)]


# -- labels among predictions -------------------------------------------------------------------------------


def test_only_topics_of_labels_are_asked_for_labels() -> None:
    payload = {"id": "a", "ts": 1_767_225_600, "label": "yes"} | WHOLE
    assert decoded(layout(LEAVES), PREDICTIONS, payload).labels is None
    assert decoded(layout(LEAVES), PREDICTIONS, payload).label_only is None
    batch = both(payload)
    assert given_labels(batch) == ["yes"]
    assert batch.label_only is not None
    assert batch.label_only.tolist() == [False]


def test_a_row_is_a_label_alone_when_it_has_an_id_a_label_and_no_key_of_a_prediction() -> None:
    at = {"ts": MS / 1000}
    batch = both(
        {"id": "0", "label": "yes"} | at,
        {"id": "1", "label": "yes"} | at | WHOLE,
        {"id": "2", "label": "yes", "prediction": None} | at,
        {"id": "3", "label": "yes", "features": {"plan": None}} | at,
        {"id": "4", "label": None} | at,
        {"id": "5"} | at,
        {"id": "6", "label": "no", "features": {}} | at,
    )
    assert batch.label_only is not None
    assert batch.label_only.tolist() == [True, False, False, False, False, False, True]
    assert batch.rejects == ()


def test_a_label_alone_needs_an_id_but_no_time_and_a_prediction_needs_a_time_but_no_id() -> None:
    batch = both(
        {"label": "yes", "ts": MS / 1000},
        {"id": "1", "label": "yes"},
        {"id": "2", "label": "yes"},
        {"id": "3"} | WHOLE,
        {"ts": MS / 1000} | WHOLE,
        times=(MS, MS + 5, -1, MS, MS),
    )
    assert [(reject.offset, reject.reason) for reject in batch.rejects] == [
        (0, Reason.NO_ID),
        (3, Reason.NO_TIMESTAMP),
    ]
    assert batch.offsets.tolist() == [1, 2, 4]
    assert batch.times_ms.tolist() == [MS + 5, UNKNOWN_TIME, MS]


def test_a_label_alone_is_no_row_with_an_odd_number_of_features() -> None:
    made = layout(LEAVES, container=(), timestamp=Meta("timestamp"), timestamp_unit="ms")
    records = [
        Message(offset, json.dumps(payload).encode(), timestamp=MS)
        for offset, payload in ((0, {"id": "a", "label": "yes"}), (256, {"id": "b"} | WHOLE))
    ]
    batch = Decoder(made, "loans", 2_000, 0).decode(Chunk(BOTH, records), NOW)
    assert [row.index for row in batch.sampled] == [1]
    assert batch.label_only is not None
    (row,) = batch.take(~batch.label_only).sampled
    assert row.index == 0


ROWS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["a", "", None, 5]),
        "ts": st.sampled_from([MS / 1000, None, "x"]),
        "label": st.sampled_from(["yes", "?", None, 5]),
        "prediction": st.sampled_from(["yes", None]),
        "features": st.sampled_from([{}, {"age": 1}, {"plan": None}]),
    },
)


@given(st.lists(ROWS, max_size=10))
def test_every_message_of_a_shared_topic_is_a_prediction_a_label_or_a_reject(
    rows: list[dict[str, object]],
) -> None:
    batch = both(*rows)
    assert len(batch) + len(batch.rejects) == len(rows)
    assert batch.label_only is not None
    for place, offset in enumerate(batch.offsets.tolist()):
        row = rows[offset]
        features = row.get("features", {})
        assert isinstance(features, dict)
        alone = row.get("label") == "yes" and "prediction" not in row and not features
        assert batch.label_only[place] == alone
        assert not alone or row.get("id")


@given(st.lists(st.booleans(), min_size=4, max_size=4))
def test_some_rows_of_a_batch_are_what_they_were_in_the_whole(mask: list[bool]) -> None:
    rows = [{"id": str(i), "ts": MS / 1000 + i, "label": "yes"} | WHOLE for i in range(3)]
    batch = both(*rows, {"id": "3", "label": "no"}, {"bad": 1})
    chosen = np.array(mask)
    part = batch.take(chosen)
    places = np.flatnonzero(chosen)
    assert part.offsets.tolist() == places.tolist()
    assert part.times_ms.tolist() == batch.times_ms[places].tolist()
    assert part.ids is not None
    assert part.ids.tolist() == [str(i) for i in places]
    assert part.labels is not None
    assert batch.labels is not None
    assert part.labels.values.tolist() == batch.labels.values[places].tolist()
    assert part.label_only is not None
    assert part.label_only.tolist() == [i == 3 for i in places]
    assert all(len(column) == len(places) for column in part.columns.values())
    assert [batch.sampled[0].index] == [0]
    assert [row.index for row in part.sampled] == ([0] if mask[0] else [])
    assert (part.rejects, part.partition) == (batch.rejects, batch.partition)


def test_a_batch_of_which_all_rows_are_taken_is_not_copied() -> None:
    batch = both({"id": "a", "ts": MS / 1000} | WHOLE)
    assert batch.take(np.array([True])) is batch
    assert isinstance(batch.columns["age"], Column)
