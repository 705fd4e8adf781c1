from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.columns import Column, Columns
from detectors.counts import MAX_UNSEEN
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.grid import CategoricalGrid, Grid, NumericGrid
from detectors.profile import (
    PRESENCE_ONLY,
    TABLE,
    Profile,
    decode,
    decode_parts,
    encode,
    encode_parts,
    summarise,
)
from detectors.reference import FixedLayout
from detectors.sample import Sample

FEATURES = (
    Feature("number", Kind.NUMERIC, "float", min=0.0),
    Feature("category", Kind.CATEGORICAL, "str"),
    Feature("text", Kind.TEXT, "str", pattern="a+"),
    Feature("time", Kind.DATETIME, "str", format="iso8601"),
    Feature("label", Kind.NUMERIC, "int", role=Role.LABEL),
)
GRIDS: Mapping[str, Grid] = {
    "number": NumericGrid(np.array([0.0, 1.0])),
    "category": CategoricalGrid(("a", "b")),
    "text": PRESENCE_ONLY,
    "time": PRESENCE_ONLY,
    "label": NumericGrid(np.array([0.0, 1.0])),
}
LAYOUT = FixedLayout(Dictionary({one.name: one for one in FEATURES}), GRIDS)
Row = tuple[float | None, str | None, str | None, str]

ROWS = st.lists(
    st.tuples(
        st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan, np.inf]),
        st.none() | st.sampled_from(["a", "b", "new", ""]),
        st.none() | st.sampled_from(["a", "aa", "b", ""]),
        st.sampled_from(["2019-03-31", "no time"]),
    ),
    max_size=8,
)


def column(cells: Sequence[float | str | None], *, is_number: bool = False) -> Column:
    codes = np.array([2 if cell is None else 0 for cell in cells], np.uint8)
    if is_number:
        return Column(np.array([np.nan if cell is None else float(cell) for cell in cells]), codes)
    return Column(texts(cells), codes)


def texts(cells: object) -> NDArray[np.object_]:
    listed = list(cells)  # type: ignore[call-overload]
    values = np.empty(len(listed), object)
    values[:] = listed
    return values


def columns(rows: list[Row]) -> Columns:
    return {
        "number": column([row[0] for row in rows], is_number=True),
        "category": column([row[1] for row in rows]),
        "text": column([row[2] for row in rows]),
        "time": column([row[3] for row in rows]),
    }


def profile(rows: list[Row]) -> Profile:
    names = {f"extra-{row[3]}": 1 for row in rows}
    ids = texts(str(row[1]) for row in rows)
    return summarise(
        LAYOUT, columns(rows), ids, Sample.of(len(rows), names, sum(row[0] is None for row in rows))
    )


def rows_only(rows: list[Row]) -> Profile:
    return summarise(LAYOUT, columns(rows), texts(str(row[1]) for row in rows))


@given(ROWS, ROWS, ROWS)
def test_merging_is_associative_and_commutative_and_has_an_identity(
    first: list[Row], second: list[Row], third: list[Row]
) -> None:
    a, b, c = profile(first), profile(second), profile(third)
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(Profile.empty(LAYOUT)) == a


@given(st.lists(ROWS, max_size=5))
def test_the_merged_profile_is_the_profile_of_the_union(parts: list[list[Row]]) -> None:
    merged = reduce(Profile.merge, map(rows_only, parts), Profile.empty(LAYOUT))
    assert merged == rows_only([row for part in parts for row in part])


@given(ROWS)
def test_the_wire_form_is_exact(rows: list[Row]) -> None:
    original = profile(rows)
    assert decode(encode(original), LAYOUT) == original


def test_no_rows_are_the_empty_profile() -> None:
    assert summarise(LAYOUT, columns([])) == summarise(LAYOUT, {}) == Profile.empty(LAYOUT)


def test_one_row_is_counted_once_everywhere() -> None:
    found = profile([(np.nan, "new", "b", "never")])
    assert found.rows == found.sample.rows == found.identifiers.rows == 1
    assert all(found.counts[name].rows == 1 for name in GRIDS if name != "label")
    assert (found.checks["text"].pattern, found.checks["time"].format) == (1, 1)


def test_a_feature_without_column_is_missing_but_a_label_is_only_late() -> None:
    given_columns = dict(columns([(1.0, "a", "a", "2019-03-31")] * 3))
    del given_columns["category"], given_columns["number"]
    found = summarise(LAYOUT, given_columns)
    assert found.counts["category"].missing == found.counts["number"].missing == 3
    assert found.counts["label"].rows == 0


def test_text_is_counted_but_not_by_value() -> None:
    found = profile([(0.0, "a", "a", "x"), (0.0, "a", "", "x"), (0.0, "a", None, "x")]).counts["text"]
    assert (found.n, found.null, found.rows) == (2, 1, 3)


def test_profiles_of_different_references_are_not_merged() -> None:
    other = FixedLayout(LAYOUT.dictionary, {"number": GRIDS["number"]})
    with pytest.raises(ValueError, match="only one of them has category"):
        Profile.empty(LAYOUT).merge(Profile.empty(other))


def test_parts_of_another_reference_or_version_are_refused() -> None:
    parts = encode_parts(Profile.empty(LAYOUT))
    with pytest.raises(ValueError, match="another reference: text"):
        decode_parts({name: part for name, part in parts.items() if name != "text"}, LAYOUT)
    with pytest.raises(ValueError, match=TABLE):
        decode_parts({name: part for name, part in parts.items() if name != TABLE}, LAYOUT)
    with pytest.raises(ValueError, match="version 7"):
        decode_parts(parts | {"text": parts["text"].replace(b"\x01", b"\x07", 1)}, LAYOUT)


def test_parts_that_others_add_under_a_colon_are_skipped() -> None:
    parts = encode_parts(Profile.empty(LAYOUT)) | {":others": b"?"}
    assert decode_parts(parts, LAYOUT) == Profile.empty(LAYOUT)


@given(st.permutations(range(6)))
def test_of_too_many_extra_columns_the_same_are_kept_in_any_order(order: list[int]) -> None:
    per_part = MAX_UNSEEN // 4
    parts = [Sample.of(1, {f"c{i}": 1 for i in range(n * per_part, (n + 1) * per_part)}) for n in order]
    merged = reduce(Sample.merge, parts, Sample())
    assert merged == Sample(6, merged.extra_columns, MAX_UNSEEN // 2, 0)
    assert len(merged.extra_columns) == MAX_UNSEEN
    assert merged == reduce(Sample.merge, (parts[at] for at in np.argsort(order).tolist()), Sample())


def test_one_sample_with_too_many_extra_columns_is_capped_at_once() -> None:
    sample = Sample.of(1, {f"c{i}": 1 for i in range(MAX_UNSEEN + 44)})
    assert (len(sample.extra_columns), sample.extra_other) == (MAX_UNSEEN, 44)
    assert sample == Sample.of(1, dict(reversed([(f"c{i}", 1) for i in range(MAX_UNSEEN + 44)])))


def test_names_that_are_no_unicode_or_endless_can_still_be_stored() -> None:
    sample = Sample.of(2, {"\ud800": 1, "x" * 1000: 1, "x" * 2000: 1})
    stored = summarise(LAYOUT, {}, None, sample)
    assert decode(encode(stored), LAYOUT).sample.extra_columns == {"\\ud800": 1, "x" * 200: 2}
