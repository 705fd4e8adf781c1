from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.columns import Column, Columns
from detectors.counts import MAX_UNSEEN, Counts, NumericCounts, count
from detectors.counts_difference import difference
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.frames import columns_from_frame
from detectors.grid import CategoricalGrid, Grid, NumericGrid
from detectors.inference import infer
from detectors.profile import Profile, decode, encode, summarise
from detectors.profile_size import bounds, size_bytes
from detectors.reference import FixedLayout, Reference
from detectors.reference_wire import decode as decode_reference
from detectors.reference_wire import encode as encode_reference
from detectors.segments import MAX_TEXT, Segment, grids_within, names_of, without

FEATURES = (
    Feature("number", Kind.NUMERIC, "float"),
    Feature("country", Kind.CATEGORICAL, "str"),
    Feature("plan", Kind.CATEGORICAL, "str"),
    Feature("text", Kind.TEXT, "str"),
    Feature("label", Kind.NUMERIC, "int", role=Role.LABEL),
)
GRIDS: Mapping[str, Grid] = {
    "number": NumericGrid(np.array([0.0, 1.0])),
    "country": CategoricalGrid(("DE", "FR", "PT")),
    "plan": CategoricalGrid(("basic",)),
    "text": CategoricalGrid((), is_open=True),
    "label": NumericGrid(np.array([0.0, 1.0])),
}
SEGMENTS = {"country": ("DE", "FR"), "plan": ("basic",)}
LAYOUT = FixedLayout(Dictionary({one.name: one for one in FEATURES}), GRIDS, None, SEGMENTS)
Row = tuple[float | None, str | None, str]
ROWS = st.lists(
    st.tuples(
        st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, np.nan, np.inf]),
        st.none() | st.sampled_from(["DE", "FR", "PT", "new", ""]),
        st.sampled_from(["basic", "gold", "lead"]),
    ),
    max_size=12,
)
Make = Callable[..., Reference]


def column(cells: list[str | None]) -> Column:
    values = np.empty(len(cells), object)
    values[:] = cells
    return Column(values, np.array([2 if cell is None else 0 for cell in cells], np.uint8))


def columns(rows: list[Row]) -> Columns:
    numbers = [row[0] for row in rows]
    return {
        "number": Column(
            np.array([np.nan if cell is None else cell for cell in numbers], np.float64),
            np.array([2 if cell is None else 0 for cell in numbers], np.uint8),
        ),
        "country": column([row[1] for row in rows]),
        "plan": column([row[2] for row in rows]),
    }


def profile(rows: list[Row]) -> Profile:
    return summarise(LAYOUT, columns(rows))


def expected(rows: list[Row], at: int, value: str, feature: str) -> Segment:
    """Count only the rows of the segment."""
    mine = [row for row in rows if row[at] == value]
    part = columns(mine)
    grids = grids_within(LAYOUT.dictionary, GRIDS, feature)
    counts: dict[str, Counts] = {name: count(grid, part[name]) for name, grid in grids.items()}
    return Segment(len(mine), counts if mine else {})


@given(ROWS)
def test_a_segment_has_the_counts_of_its_own_rows(rows: list[Row]) -> None:
    found = profile(rows).segments
    assert list(found) == list(names_of(SEGMENTS)) == ["country=DE", "country=FR", "plan=basic"]
    assert found["country=DE"] == expected(rows, 1, "DE", "country")
    assert found["country=FR"] == expected(rows, 1, "FR", "country")
    assert found["plan=basic"] == expected(rows, 2, "basic", "plan")


def test_within_a_segment_its_own_feature_texts_and_labels_are_not_counted() -> None:
    assert list(profile([(0.0, "DE", "gold")]).segments["country=DE"].counts) == ["number", "plan"]


@given(st.lists(ROWS, max_size=5))
def test_segments_of_parts_add_up_to_those_of_the_union_in_any_order(parts: list[list[Row]]) -> None:
    together = profile([row for part in parts for row in part])
    for order in (parts, parts[::-1]):
        merged = reduce(Profile.merge, map(profile, order), Profile.empty(LAYOUT))
        assert merged.segments == together.segments


@given(ROWS)
def test_the_stored_form_is_exact(rows: list[Row]) -> None:
    assert decode(encode(profile(rows)), LAYOUT) == profile(rows)


@given(ROWS, ROWS)
def test_of_a_segment_that_a_part_did_not_look_for_nothing_is_known(
    first: list[Row], then: list[Row]
) -> None:
    before = FixedLayout(LAYOUT.dictionary, GRIDS, None, {"country": ("FR",)})
    old = encode(summarise(before, columns(first)))
    merged = Profile.empty(LAYOUT).merge(decode(old, LAYOUT)).merge(profile(then))
    assert list(merged.segments) == ["country=FR"]
    assert merged.segments["country=FR"] == expected([*first, *then], 1, "FR", "country")
    assert merged.counts == profile([*first, *then]).counts
    assert decode(encode(merged), before) == merged


@given(ROWS)
def test_what_is_left_without_some_segments_are_the_counts_of_the_other_rows(rows: list[Row]) -> None:
    whole = profile(rows)
    rest = columns([row for row in rows if row[1] not in ("DE", "FR")])
    left = without(whole.counts, [whole.segments[f"country={value}"] for value in ("DE", "FR")], "plan")
    assert left == count(GRIDS["plan"], rest["plan"])


@given(ROWS, ROWS)
def test_taking_numbers_away_leaves_the_others(kept: list[Row], gone: list[Row]) -> None:
    both, part, left = (
        count(GRIDS["number"], columns(rows)["number"]) for rows in ([*kept, *gone], gone, kept)
    )
    found = difference(both, part)
    assert (found.on.tolist(), found.between.tolist()) == (left.on.tolist(), left.between.tolist())  # type: ignore[union-attr]
    assert found.tallies() == left.tallies()


def test_taking_categories_away_keeps_the_total_right_where_names_were_dropped() -> None:
    grid = CategoricalGrid(("a",))
    gone = [f"new {i}" for i in range(MAX_UNSEEN)]
    kept = [f"other {i}" for i in range(MAX_UNSEEN)]
    left = difference(count(grid, column([*gone, *kept])), count(grid, column([*gone])))
    assert left.n == MAX_UNSEEN
    assert min(left.tallies()) >= 0


def frame(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    country = rng.choice(["DE", "FR", "PT"], rows, p=(0.6, 0.3, 0.1)).astype(object)
    country[:5] = "\x00broken"
    country[5:11] = "x" * (MAX_TEXT + 1)
    return pd.DataFrame({"number": rng.normal(size=rows), "country": country, "flag": rng.random(rows) < 0.5})


def test_the_most_frequent_values_that_make_a_name_become_segments(
    make_reference: Make,
) -> None:
    assert make_reference(frame(), segments=("country",)).segments == {"country": ("DE", "FR", "PT")}
    two = make_reference(frame(), segments=("country", "flag"), max_segments=2)
    assert two.segments["country"] == ("DE", "FR")
    assert set(two.segments["flag"]) == {"true", "false"}
    assert two.profile.segments["country=DE"].rows == (frame()["country"] == "DE").sum()


def test_a_reference_keeps_its_segments_and_they_change_its_id(make_reference: Make) -> None:
    plain, parted = make_reference(frame()), make_reference(frame(), segments=("country",))
    assert plain.id != parted.id
    kept = decode_reference(encode_reference(parted))
    assert kept.segments == parted.segments
    assert kept.profile == parted.profile
    moved = frame()
    is_german = moved["country"] == "DE"
    moved.loc[is_german, "flag"] = moved.loc[is_german, "flag"].to_numpy()[::-1]
    others = make_reference(moved, segments=("flag",))
    assert others.profile.counts == parted.profile.counts
    assert others.id != make_reference(frame(), segments=("flag",)).id, "segments differ and so do verdicts"


@pytest.mark.parametrize(
    ("feature", "why"),
    [
        ("contry", "there is no feature 'contry'; categorical ones are country, flag"),
        ("number", "is numeric"),
    ],
)
def test_what_cannot_part_the_rows_is_refused_with_the_way_out(
    make_reference: Make, feature: str, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        make_reference(frame(), segments=(feature,))


def test_outputs_do_not_part_the_rows(make_reference: Make) -> None:
    known = infer(frame(), {"flag": Role.PREDICTION})
    with pytest.raises(ValueError, match="'flag' is prediction"):
        make_reference(frame(), known, segments=("flag",))


@pytest.mark.parametrize("rows", [0, 1, 3, 40, 400])
def test_no_profile_with_segments_takes_more_than_its_bounds_say(make_reference: Make, rows: int) -> None:
    reference = make_reference(frame(), segments=("country", "flag"))
    log = frame()[::-1][:rows]
    found = summarise(reference, columns_from_frame(log, reference.dictionary))
    assert size_bytes(found) <= bounds(reference).of(1, rows)
    arrays = [
        counts.on.nbytes
        for segment in found.segments.values()
        for counts in segment.counts.values()
        if isinstance(counts, NumericCounts)
    ]
    assert size_bytes(found) >= sum(arrays)
