from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from detectors.counts import CategoricalCounts, NumericCounts
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.profile import Profile, summarise
from detectors.reference import Reference, build
from detectors.reference_wire import decode, encode

Make = Callable[..., Reference]
HOUR_MS = 3_600_000


def frame(rows: int = 400, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": rng.normal(size=rows),
            "holes": np.where(rng.random(rows) < 0.2, np.nan, rng.integers(0, 5, rows)),
            "category": rng.choice(["a", "b", "c"], rows),
            "flag": rng.random(rows) < 0.5,
            "text": [f"text {i}" for i in range(rows)],
            "time": pd.date_range("2019-01-01", periods=rows, freq="h").astype(str),
            "nothing": pd.Series([None] * rows, dtype=object),
        }
    )


def test_the_same_data_gives_the_same_id_whenever_and_wherever_it_is_built(make_reference: Make) -> None:
    first, second = make_reference(frame()), make_reference(frame())
    assert first.id == second.id == first.content_hash[:12]
    columns = columns_from_frame(frame(), first.dictionary)
    later = datetime(2030, 1, 1, tzinfo=UTC)
    third = build(columns, first.dictionary, model="m", version="1", source="elsewhere", built_at=later)
    assert third.id == first.id


def test_whatever_verdicts_depend_on_changes_the_id(make_reference: Make) -> None:
    plain, dictionary = frame(), infer(frame())
    stricter = msgspec.structs.replace(dictionary.features["number"], max=9.0)
    times = np.arange(400) * (HOUR_MS // 40)
    ids = np.array([str(i) for i in range(400)], object)
    others = [
        make_reference(frame(seed=2), dictionary),
        make_reference(plain, Dictionary({**dictionary.features, "number": stricter})),
        make_reference(plain, dictionary, grid_size=64),
        make_reference(plain, dictionary, ids=ids),
        make_reference(plain, dictionary, times_ms=times, window_ms=HOUR_MS),
        make_reference(plain, dictionary, times_ms=times, window_ms=2 * HOUR_MS),
    ]
    assert len({make_reference(plain, dictionary).id, *(one.id for one in others)}) == 7


def test_every_kind_is_counted_as_it_should_be(make_reference: Make) -> None:
    counts = make_reference(frame()).profile.counts
    assert isinstance(counts["number"], NumericCounts)
    assert counts["holes"].null > 0
    assert isinstance(counts["flag"], CategoricalCounts)
    assert isinstance(counts["text"], CategoricalCounts)
    assert (len(counts["text"].known), counts["text"].n) == (0, 400)
    assert "nothing" not in counts


@pytest.mark.parametrize("given", [{}, {"times_ms": np.arange(400) * 60_000, "window_ms": HOUR_MS}])
def test_the_wire_form_is_exact(make_reference: Make, given: dict[str, Any]) -> None:
    original = make_reference(frame(), ids=np.array([str(i // 2) for i in range(400)], object), **given)
    assert decode(encode(original)) == original


def test_a_decoded_reference_counts_like_the_original(make_reference: Make) -> None:
    original = make_reference(frame())
    decoded = decode(encode(original))
    columns = columns_from_frame(frame(seed=3), original.dictionary)
    assert summarise(decoded, columns) == summarise(original, columns)
    assert Profile.empty(decoded).merge(decoded.profile) == original.profile


def test_another_version_and_damage_are_refused(make_reference: Make) -> None:
    data = bytearray(encode(make_reference(frame())))
    with pytest.raises(ValueError, match="damaged"):
        decode(bytes(data[: len(data) // 2]))
    data[1] = 9
    with pytest.raises(ValueError, match=r"version 9.*build it again"):
        decode(bytes(data))


def test_a_label_may_be_absent_but_a_feature_may_not(make_reference: Make) -> None:
    label = Feature("y", Kind.NUMERIC, "int", role=Role.LABEL)
    number = Feature("number", Kind.NUMERIC, "float")
    rows = frame()[["number"]]
    built = make_reference(rows, Dictionary({"number": number, "y": label}))
    assert list(built.grids) == ["number"]
    with pytest.raises(ValueError, match=r"no column 'x'.*add the column"):
        make_reference(rows, Dictionary({"number": number, "x": Feature("x", Kind.TEXT, "str")}))


def test_a_column_of_another_type_altogether_is_refused(make_reference: Make) -> None:
    wrong = Dictionary({"category": Feature("category", Kind.NUMERIC, "float")})
    with pytest.raises(
        ValueError, match="none of the reference's 400 values of 'category' is of type 'float'"
    ):
        make_reference(frame(), wrong)


@pytest.mark.parametrize("rows", [pd.DataFrame(), pd.DataFrame({"x": pd.Series([], dtype=float)})])
def test_a_reference_without_rows_is_refused(make_reference: Make, rows: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no rows"):
        make_reference(rows)


@pytest.mark.parametrize("cells", [[1.0], [np.nan, np.nan], [np.inf, -np.inf, np.nan], [3.0] * 50])
def test_thin_columns_can_still_be_a_reference(make_reference: Make, cells: list[float]) -> None:
    built = make_reference(pd.DataFrame({"x": cells}))
    assert built.profile.counts["x"].rows == len(cells)
    assert decode(encode(built)) == built


def test_the_id_is_pinned_so_that_an_upgrade_does_not_orphan_references(make_reference: Make) -> None:
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.5], "c": ["a", "b", "a"]})
    assert make_reference(rows).id == "e23f4711c6cc"
    assert replace(make_reference(rows), source="").id == "e23f4711c6cc"
