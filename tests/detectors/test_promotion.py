"""A reference made of windows is what their raw rows would have made, on the old numeric grid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as with_rules
from scipy.stats import chi2_contingency, ks_2samp

from detectors.catalogue import detector
from detectors.counts import CategoricalCounts, NumericCounts
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.frames import columns_from_frame
from detectors.grid import CategoricalGrid
from detectors.profile import Profile, summarise
from detectors.promotion import Between, Regrid, other_meaning, promoted, redescribed
from detectors.reference import Reference, build
from detectors.reference_wire import decode, encode

AT = datetime(2026, 1, 1, tzinfo=UTC)
DICTIONARY = Dictionary(
    {
        "age": Feature("age", Kind.NUMERIC, "float", max=100.0),
        "plan": Feature("plan", Kind.CATEGORICAL, "str"),
        "open": Feature("open", Kind.CATEGORICAL, "str"),
        "text": Feature("text", Kind.TEXT, "str"),
        "gone": Feature("gone", Kind.IGNORE, "str"),
    }
)
WINDOW_MS = 1_000


def frame(rows: int, seed: int, age: float = 40.0, plans: tuple[str, ...] = ("a", "b", "c")) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": np.where(rng.random(rows) < 0.05, np.nan, rng.normal(age, 10.0, rows).round(1)),
            "plan": rng.choice(np.array(plans), rows),
            "open": rng.choice(np.array([f"o{i}" for i in range(40)]), rows),
            "text": "some text",
        }
    )


def built(rows: pd.DataFrame, **options: object) -> Reference:
    columns = columns_from_frame(rows, DICTIONARY)
    given: dict[str, object] = {"grid_size": 2048, "segments": ("plan",), "max_categories": 30} | options
    return build(columns, DICTIONARY, model="m", version="1", source="rows", built_at=AT, **given)  # type: ignore[arg-type]


OLD = built(frame(3_000, 1))


def windows_of(rows: pd.DataFrame, size: int, reference: Reference = OLD) -> list[Profile]:
    return [
        summarise(reference, columns_from_frame(rows[begin : begin + size], DICTIONARY))
        for begin in range(0, len(rows), size)
    ]


def sum_of(parts: list[Profile], reference: Reference = OLD) -> Profile:
    whole = Profile.empty(reference)
    for part in parts:
        whole = whole.merge(part)
    return whole


def promote(
    parts: list[Profile], reference: Reference = OLD, dictionary: Dictionary = DICTIONARY
) -> Reference:
    regrid = Regrid.of(reference, sum_of(parts, reference), max_categories=30)
    whole = regrid.profile(sum_of(parts, reference))
    between = Between.of(whole, WINDOW_MS)
    for number, part in enumerate(parts):
        between.add(number * WINDOW_MS, part.rows, regrid.profile(part))
    return promoted(reference, regrid, whole, between, dictionary, version="1", source="windows", built_at=AT)


DRIFTED = frame(1_200, 2, age=60.0, plans=("b", "d", "d", "e"))


def test_what_is_counted_is_what_the_raw_rows_give_on_the_new_grids() -> None:
    new = promote(windows_of(DRIFTED, 100))
    raw = summarise(new, columns_from_frame(DRIFTED, DICTIONARY))
    assert new.profile.counts == raw.counts
    assert new.profile.segments == raw.segments
    assert set(new.segments["plan"]) == {"a", "b", "c"}
    assert new.rows == len(DRIFTED)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    size=st.integers(1, 400),
    plans=st.sets(st.sampled_from("abcdefgh"), min_size=1),
)
def test_each_window_goes_to_the_new_grids_without_loss(seed: int, size: int, plans: set[str]) -> None:
    rows = frame(400, seed, age=55.0, plans=tuple(sorted(plans)))
    parts = windows_of(rows, size)
    regrid = Regrid.of(OLD, sum_of(parts), max_categories=30)
    new = promote(parts)
    moved = [regrid.profile(part) for part in parts]
    for begin, part in zip(range(0, len(rows), size), moved, strict=True):
        assert (
            part.counts == summarise(new, columns_from_frame(rows[begin : begin + size], DICTIONARY)).counts
        )
    assert sum_of(moved, new) == new.profile


def test_the_stretch_itself_and_rows_like_it_are_no_drift_and_a_further_shift_is() -> None:
    new = promote(windows_of(DRIFTED, 100))
    alike = frame(800, 7, age=60.0, plans=("b", "d", "d", "e"))
    further = frame(800, 4, age=65.0, plans=("b", "d", "e", "f"))
    p_values = {}
    for name, rows in (("alike", alike), ("further", further)):
        now = summarise(new, columns_from_frame(rows, DICTIONARY)).counts
        age = detector("ks", None).compare(new.profile.counts["age"], now["age"], new.grids["age"])
        plan = detector("chi2", None).compare(new.profile.counts["plan"], now["plan"], new.grids["plan"])
        exact = ks_2samp(DRIFTED["age"].dropna(), rows["age"].dropna()).statistic
        assert exact - age.bound - 1e-12 <= age.statistic <= exact + 1e-12
        names = sorted({*DRIFTED["plan"], *rows["plan"]})
        table = [[int((part["plan"] == one).sum()) for one in names] for part in (DRIFTED, rows)]
        assert plan.p_value == pytest.approx(chi2_contingency(table, correction=False).pvalue)
        p_values[name] = (age.p_value or 1.0, plan.p_value or 1.0)
    assert min(p_values["alike"]) > 0.01
    assert max(p_values["further"]) < 1e-6


def test_how_much_cannot_be_told_apart_is_said() -> None:
    far = promote(windows_of(frame(1_000, 5, age=300.0), 100))
    assert far.grids["age"].bound == 1.0  # type: ignore[union-attr]
    near = promote(windows_of(DRIFTED, 100))
    counts = near.profile.counts["age"]
    assert isinstance(counts, NumericCounts)
    assert near.grids["age"].bound == counts.between.max() / counts.n  # type: ignore[union-attr]


def test_new_categories_have_names_and_old_ones_stay_known() -> None:
    new = promote(windows_of(DRIFTED, 100))
    grid, counts = new.grids["plan"], new.profile.counts["plan"]
    assert isinstance(grid, CategoricalGrid)
    assert isinstance(counts, CategoricalCounts)
    assert grid.categories == ("d", *sorted("be", key=lambda one: -(DRIFTED["plan"] == one).sum()), "a", "c")
    assert not grid.is_open
    assert not counts.unseen
    opened = new.grids["open"]
    assert isinstance(opened, CategoricalGrid)
    assert opened.is_open
    assert len(opened.categories) == 30


def test_a_loss_model_finds_the_categories_that_it_knows_where_they_were() -> None:
    rows = frame(1_500, 6)
    rows["y"] = rows["age"].fillna(40.0) * 2.0
    rows["predicted"] = rows["y"] + np.random.default_rng(6).normal(0.0, 3.0, len(rows))
    features = dict(DICTIONARY.features)
    features["y"] = Feature("y", Kind.NUMERIC, "float", Role.LABEL)
    features["predicted"] = Feature("predicted", Kind.NUMERIC, "float", Role.PREDICTION)
    dictionary = Dictionary(features)
    old = build(
        columns_from_frame(rows, dictionary), dictionary, model="m", version="1", source="r", built_at=AT
    )
    assert old.performance is not None
    assert old.performance.loss_model is not None
    part = summarise(old, columns_from_frame(rows.assign(plan="z"), dictionary))
    new = promote([part], old, dictionary)
    before, after = old.grids["plan"], new.grids["plan"]
    assert isinstance(before, CategoricalGrid)
    assert isinstance(after, CategoricalGrid)
    assert after.categories == (*before.categories, "z")


def test_how_windows_differ_is_found_again_and_never_forgotten() -> None:
    rng = np.random.default_rng(7)
    rows = frame(6_000, 7)
    rows["age"] = (rows["age"].fillna(40.0) + rng.normal(0.0, 5.0, 120).repeat(50)).round(1)
    times = np.arange(len(rows)) * (WINDOW_MS // 50)
    raw = built(rows, times_ms=times, window_ms=WINDOW_MS)
    new = promote(windows_of(rows, 50))
    assert new.design_effect["age"] == pytest.approx(raw.design_effect["age"], rel=0.35)
    assert new.design_effect["age"] > 5.0
    assert new.design_effect["plan"] < 1.6
    calm = promote(windows_of(frame(2_000, 8), 50, new), new)
    assert calm.design_effect["age"] >= new.design_effect["age"]
    usual = new.rows_per_window
    assert usual is not None
    assert (usual.windows, usual.minimum, usual.maximum, usual.mean) == (120, 50, 50, 50.0)


def test_windows_without_rows_count_as_windows() -> None:
    between = Between.of(OLD.profile, WINDOW_MS)
    for number in (0, 1, 5):
        between.add(number * WINDOW_MS, 10, None)
    usual = between.rows_per_window()
    assert usual is not None
    assert (usual.windows, usual.minimum, usual.mean) == (6, 0, 5.0)
    assert between.effects("age") == ()


def test_it_is_stored_exactly_and_the_same_windows_have_the_same_id() -> None:
    new = promote(windows_of(DRIFTED, 100))
    assert decode(encode(new)) == new
    assert promote(windows_of(DRIFTED, 100)).id == new.id != OLD.id


def edited(**changes: object) -> Dictionary:
    return Dictionary({**DICTIONARY.features, "age": with_rules(DICTIONARY.features["age"], **changes)})


def test_what_is_for_people_keeps_the_id_and_a_rule_makes_another() -> None:
    described = redescribed(OLD, edited(description="years", owner="risk", source="crm", importance=2.0))
    assert (described.id, described.content_hash) == (OLD.id, OLD.content_hash)
    assert described.dictionary.features["age"].owner == "risk"
    older = replace(OLD, id="older", content_hash="older")  # of a version that hashed descriptions, too
    assert redescribed(older, edited(description="years")).id == "older"
    ruled = redescribed(OLD, edited(max=90.0))
    assert ruled.id != OLD.id
    assert ruled.profile == OLD.profile
    assert redescribed(ruled, DICTIONARY).id == OLD.id


def test_counts_are_not_given_another_meaning() -> None:
    with pytest.raises(
        ValueError, match=r"feature 'age': missing_values was \[\], and values were counted so"
    ):
        redescribed(OLD, edited(missing_values=(-1.0,)))
    without = Dictionary({name: one for name, one in DICTIONARY.features.items() if name != "plan"})
    more = Dictionary({**without.features, "new": Feature("new", Kind.NUMERIC, "float")})
    used = Dictionary({**more.features, "gone": Feature("gone", Kind.TEXT, "str")})
    assert [(feature, key) for feature, key, _ in other_meaning(DICTIONARY, used)] == [
        ("plan", ""), ("gone", "kind"), ("new", "kind"),
    ]  # fmt: skip
