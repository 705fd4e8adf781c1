from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.dictionary import Dictionary
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.pairs import MAX_FEATURES, Pairing, PairSums, spread
from detectors.profile import Profile, decode, encode, summarise
from detectors.profile_size import bounds, size_bytes
from detectors.reference import Reference
from detectors.reference_wire import decode as decode_reference
from detectors.reference_wire import encode as encode_reference
from detectors.relations import LEAST_ROWS, Relations, relations

Make = Callable[..., Reference]


def frame(rows: int, seed: int, together: float = 0.8) -> pd.DataFrame:
    """Two features that go together so much, one that is by itself, and one with holes."""
    rng = np.random.default_rng(seed)
    one, other, own = rng.normal(size=(3, rows))
    other = together * one + np.sqrt(1 - together**2) * other
    holes = np.where(rng.random(rows) < 0.2, np.nan, one - other)
    return pd.DataFrame({"one": one, "other": other, "own": own, "holes": holes, "plan": "basic"})


@pytest.fixture
def known(make_reference: Make) -> Reference:
    return make_reference(frame(4_000, seed=1), pairs=True)


def profile(known: Reference, rows: pd.DataFrame) -> Profile:
    return summarise(known, columns_from_frame(rows, known.dictionary))


def judged(known: Reference, rows: pd.DataFrame, **settings: Any) -> Relations:
    before, now = known.profile.pairs, profile(known, rows).pairs
    assert known.pairing is not None
    assert before is not None
    assert now is not None
    given_ = {"design_effect": {}, "min_rows": 50, "level": 1e-4, "least_change": 0.1, **settings}
    return relations(before, now, known.pairing, **given_)


def test_correlations_are_those_of_the_raw_rows_scores_and_close_to_the_values_own(known: Reference) -> None:
    rows = frame(500, seed=2)
    assert known.pairing is not None
    assert known.pairing.names == ("one", "other", "own", "holes")
    scores, present = known.pairing.matrix(known.grids, columns_from_frame(rows, known.dictionary))
    found = PairSums.of(scores, present).correlations()
    for i, j in ((0, 1), (0, 2), (1, 3)):
        both = (present[:, i] * present[:, j]) > 0
        assert found[i, j] == pytest.approx(np.corrcoef(scores[both, i], scores[both, j])[0, 1])
    assert found[0, 1] == pytest.approx(rows["one"].corr(rows["other"]), abs=0.02)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), st.randoms())
def test_sums_of_parts_are_those_of_the_whole_in_any_order(cuts: list[int], random: Any) -> None:
    rng = np.random.default_rng(sum(cuts))
    scores = rng.integers(-300, 301, (60, 3)).astype(float)
    known = (rng.random((60, 3)) < 0.8).astype(float)
    scores *= known
    edges = [0, *sorted(cuts), 60]
    parts = [PairSums.of(scores[a:b], known[a:b]) for a, b in pairwise(edges)]
    random.shuffle(parts)
    total = PairSums.empty(3)
    for part in parts:
        total = total.merge(part)
    assert total == PairSums.of(scores, known)


def test_profiles_carry_them_through_merge_and_store(known: Reference) -> None:
    rows = frame(300, seed=3)
    whole = profile(known, rows)
    halves = [profile(known, rows[:100]), profile(known, rows[100:])]
    assert halves[0].merge(halves[1]) == whole == halves[1].merge(halves[0])
    assert Profile.empty(known).merge(whole) == whole
    assert decode(encode(whole), known) == whole
    assert size_bytes(whole) <= bounds(known).of(1, 300)
    plain = replace(known, pairing=None)
    assert decode(encode(whole), plain).pairs is None
    old = decode(encode(profile(plain, rows)), known)
    assert old.pairs is None
    assert old.merge(whole).pairs is None, "of rows that were not summed up nothing is known"


def test_a_reference_keeps_its_pairs_and_they_change_its_id(make_reference: Make, known: Reference) -> None:
    assert make_reference(frame(4_000, seed=1)).id != known.id
    kept = decode_reference(encode_reference(known))
    assert kept.pairing == known.pairing
    assert kept.profile == known.profile


def test_pairs_that_come_apart_are_named_though_no_feature_moved(known: Reference) -> None:
    found = judged(known, frame(1_000, seed=4, together=0.0))
    (first, *others) = found.broken
    assert (first.one, first.other) == ("one", "other")
    assert first.before == pytest.approx(0.8, abs=0.03)
    assert first.after == pytest.approx(0.0, abs=0.1)
    assert all("own" not in (pair.one, pair.other) for pair in others)
    assert found.result.effect == pytest.approx(0.8, abs=0.12)
    assert found.result.p_value is not None
    assert found.result.p_value < 1e-10


def test_a_change_too_small_to_matter_is_none(known: Reference) -> None:
    rows = frame(100_000, seed=5, together=0.76)
    assert judged(known, rows).broken == ()
    assert judged(known, rows, least_change=0.01).broken


def test_monotone_changes_of_unit_and_outliers_are_no_change_of_relation(known: Reference) -> None:
    rows = frame(2_000, seed=6)
    rows.loc[:2, ["one", "other"]] = [1e12, -1e12]
    assert judged(known, rows).broken == ()


@pytest.mark.parametrize("rows", [0, 1, LEAST_ROWS - 1])
def test_too_few_rows_say_nothing(known: Reference, rows: int) -> None:
    found = judged(known, frame(rows, seed=7))
    assert found.result.p_value is None
    assert f"{rows} rows with a pair of values" in found.result.note


def test_a_reference_without_numbers_has_no_pairs(make_reference: Make) -> None:
    texts = make_reference(pd.DataFrame({"plan": ["a", "b"] * 50}), pairs=True)
    assert judged(texts, pd.DataFrame({"plan": ["a"] * 300})).broken == ()


def test_of_too_many_features_the_most_important_are_paired(make_reference: Make) -> None:
    rng = np.random.default_rng(8)
    rows = pd.DataFrame(
        rng.normal(size=(50, MAX_FEATURES + 5)), columns=[f"x{i}" for i in range(MAX_FEATURES + 5)]
    )
    features = dict(infer(rows).features)
    features["x104"] = msgspec.structs.replace(features["x104"], importance=1.0)
    found = make_reference(rows, Dictionary(features), pairs=True).pairing
    assert found is not None
    assert len(found.names) == MAX_FEATURES
    assert {"x0", "x98", "x104"} <= set(found.names)
    assert "x99" not in found.names


@pytest.mark.parametrize(
    ("tails", "size", "references"), [(False, 10_000, 6), (True, 10_000, 6), (False, 600, 60)]
)
def test_null_windows_are_called_broken_as_often_as_the_level_says(
    tails: bool, size: int, references: int
) -> None:
    """Wanted: 1 % of 600 windows; more than 13 would come by chance once in 200."""
    rng = np.random.default_rng(9)
    mix = np.linalg.cholesky(0.5 * np.eye(5) + 0.5)

    def rows(n: int) -> Any:
        values = rng.normal(size=(n, 5)) @ mix.T
        if tails:
            values *= np.sqrt(4.0 / rng.chisquare(4.0, size=(n, 1)))
        return np.rint(100.0 * np.clip(values, -3.0, 3.0)), np.ones((n, 5))

    hits = 0
    for _ in range(references):
        reference = rows(size)
        pairing = Pairing(tuple("abcde"), (), spread(*reference))
        before = PairSums.of(*reference)
        for _ in range(600 // references):
            found = relations(before, PairSums.of(*rows(300)), pairing, {}, 50, 0.01, 0.0)
            hits += bool(found.broken)
    assert hits <= 13
