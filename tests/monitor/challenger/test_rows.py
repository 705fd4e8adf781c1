from __future__ import annotations

import msgspec
import numpy as np
import pytest

from detectors.columns import Column
from detectors.dictionary import Dictionary, Feature, Kind
from monitor.challenger.rows import LabelledRow, SeenRow, WireRow, features_of, packed_features

DICTIONARY = Dictionary(
    {"age": Feature("age", Kind.NUMERIC, "float"), "plan": Feature("plan", Kind.CATEGORICAL, "str")}
)


def test_features_come_back_without_what_is_absent() -> None:
    columns = {
        "age": Column(np.array([1.0, np.nan, 3.0])),
        "plan": Column(np.array(["a", "b", None], object)),
    }
    packed = packed_features(DICTIONARY, columns, np.array([2, 0, 1]))
    assert [features_of(data) for data in packed] == [{"age": 3.0}, {"age": 1.0, "plan": "a"}, {"plan": "b"}]


def test_nothing_to_learn_gives_empty_rows() -> None:
    assert [features_of(data) for data in packed_features(Dictionary({}), {}, np.arange(2))] == [{}, {}]


def test_damaged_features_are_told() -> None:
    with pytest.raises(ValueError, match="features of 1 bytes are damaged"):
        features_of(b"\xc1")


def test_both_kinds_of_rows_keep_their_kind_on_the_wire() -> None:
    rows: list[WireRow] = [LabelledRow(5, b"x", 1, 0), SeenRow(6, b"y")]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(rows), type=list[WireRow]) == rows
