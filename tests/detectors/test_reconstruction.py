from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from detectors.columns import Column, Presence
from detectors.counts import NumericCounts
from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.frames import columns_from_frame
from detectors.grid import Grid, numeric_grid
from detectors.inference import infer
from detectors.kolmogorov import KolmogorovSmirnov
from detectors.profile import Profile, decode, encode, summarise
from detectors.profile_size import bounds, size_bytes
from detectors.reconstruction import NAME, off
from detectors.reconstruction_fit import LEAST_ROWS, MAX_FEATURES, RIDGE, fitted
from detectors.reference import Reference, build
from detectors.reference_wire import decode as decode_reference
from detectors.reference_wire import encode as encode_reference
from tests.detectors.conftest import BUILT_AT, reference_of

Make = Callable[..., Reference]
Floats = NDArray[np.float64]
FEATURES = tuple("abcdef")


def frame(rows: int, seed: int, together: float = 0.7) -> pd.DataFrame:
    """Six features that one hidden variable moves so much; each by itself is normal, whatever `together`."""
    rng = np.random.default_rng(seed)
    hidden, own = rng.normal(size=(rows, 1)), rng.normal(size=(rows, len(FEATURES)))
    values = np.sqrt(together) * hidden + np.sqrt(1.0 - together) * own
    return pd.DataFrame(values, columns=list(FEATURES)).assign(plan="basic")


@pytest.fixture(scope="module")
def known() -> Reference:
    return reference_of(frame(4_000, seed=1), multivariate=True)


def profile(known: Reference, rows: pd.DataFrame) -> Profile:
    return summarise(known, columns_from_frame(rows, known.dictionary))


def errors(known: Reference, rows: pd.DataFrame) -> Floats:
    column = error_column(known, rows)
    found: Floats = np.asarray(column.values)
    return found


def error_column(known: Reference, rows: pd.DataFrame) -> Column:
    assert known.reconstruction is not None
    columns = columns_from_frame(rows, known.dictionary)
    return known.reconstruction.added(known.grids, columns)[0][NAME]


def p_value(known: Reference, rows: pd.DataFrame, name: str = NAME) -> float:
    found = profile(known, rows).counts[name]
    result = KolmogorovSmirnov().compare(known.profile.counts[name], found, known.grids[name], 1.0)
    assert result.p_value is not None
    return result.p_value


def scores_of_ranks(reference: Floats, values: Floats) -> Floats:
    """Normal scores by scipy's own ranks: of values that the reference has, at its middle ranks."""
    ranks = (stats.rankdata(reference) - 0.5) / len(reference)
    normal = np.rint(100 * np.clip(stats.norm.ppf(ranks), -3, 3)) / 100
    found: Floats = np.interp(values, np.sort(reference), np.sort(normal))
    return found


def by_regressions(reference: Floats, rows: Floats) -> Floats:
    """Each row's mean squared residual, by a ridge regression of each score on all others."""
    unit = (reference - reference.mean(axis=0)) / reference.std(axis=0)
    new = (rows - reference.mean(axis=0)) / reference.std(axis=0)
    n, d = unit.shape
    squares = np.zeros(len(rows))
    for j in range(d):
        others = [i for i in range(d) if i != j]
        penal = np.sqrt(n * RIDGE) * np.eye(d - 1)
        design = np.vstack([unit[:, others], penal])
        target = np.append(unit[:, j], np.zeros(d - 1))
        slopes, *_ = np.linalg.lstsq(design, target)
        loss = ((target - design @ slopes) ** 2).sum() / n + RIDGE
        squares += (new[:, j] - new[:, others] @ slopes) ** 2 / loss
    found: Floats = squares / d
    return found


def test_errors_are_those_of_a_regression_of_each_feature_on_all_others() -> None:
    rng = np.random.default_rng(2)
    rows = frame(1_500, seed=3)
    rows["e"] = np.exp(3.0 * rows["e"])  # far from normal, and so are whole numbers
    rows["f"] = rng.poisson(np.exp(rows["f"]))
    small = reference_of(rows, multivariate=True)
    kept = rows.sample(200, random_state=4)
    found = errors(small, kept)
    raw = rows[list(FEATURES)].to_numpy()
    before = np.column_stack([scores_of_ranks(raw[:, j], raw[:, j]) for j in range(6)])
    now = np.column_stack(
        [scores_of_ranks(raw[:, j], kept[name].to_numpy()) for j, name in enumerate(FEATURES)]
    )
    wanted = by_regressions(before, now)
    assert found == pytest.approx(wanted, rel=0.02, abs=0.01)
    assert wanted.mean() == pytest.approx(1.0, abs=0.1)


def test_the_references_own_errors_are_by_what_other_rows_say() -> None:
    rows = pd.DataFrame(np.random.default_rng(5).normal(size=(600, 40)))
    rows.columns = [f"x{i}" for i in range(40)]
    few = reference_of(rows, multivariate=True)
    assert few.profile.residuals is not None
    honest = few.profile.residuals.means().mean()
    flattering = errors(few, rows).mean()
    fresh = pd.DataFrame(np.random.default_rng(6).normal(size=(20_000, 40)), columns=rows.columns)
    new = errors(few, fresh).mean()
    assert flattering < 0.97 * new, "rows that something was learned from fit it better"
    assert honest == pytest.approx(new, rel=0.02)


def test_the_parts_that_tell_each_other_are_stretches_of_time_where_times_are_known() -> None:
    rows = frame(1_000, seed=7).sample(frac=1.0, random_state=8)
    steps = np.argsort(np.argsort(rows.index.to_numpy()))  # the time of each row
    timed = reference_of(rows, multivariate=True, times_ms=steps * 1_000, window_ms=3_600_000)
    plain = reference_of(rows, multivariate=True)
    assert timed.reconstruction == plain.reconstruction
    times_ms = np.arange(1_000) * 1_000
    ordered = reference_of(rows.sort_index(), multivariate=True, times_ms=times_ms, window_ms=3_600_000)
    assert timed.profile.counts[NAME] == ordered.profile.counts[NAME]
    assert timed.profile.counts[NAME] != plain.profile.counts[NAME]
    assert timed.profile.residuals is not None
    assert timed.profile.residuals.rows == 1_000


def test_relations_that_break_are_found_where_no_feature_moved(known: Reference) -> None:
    rows = frame(1_000, seed=9, together=0.4)
    assert min(p_value(known, rows, name) for name in FEATURES) > 0.01
    assert p_value(known, rows) < 1e-10


def test_relations_that_tighten_are_found_too(known: Reference) -> None:
    assert p_value(known, frame(1_000, seed=10, together=0.9)) < 1e-10


def test_the_feature_that_came_loose_is_named_first(known: Reference) -> None:
    rows = frame(1_000, seed=11)
    rows["c"] = rows["c"].sample(frac=1.0, random_state=12).to_numpy()
    assert known.reconstruction is not None
    told = off(known.reconstruction, known.profile.residuals, profile(known, rows).residuals)
    assert told["kind"] == "reconstruction"
    assert told["error_current"] > 1.3 * told["error_reference"]
    first, second = told["features"][:2]
    assert first["feature"] == "c"
    assert first["reference"] == pytest.approx(1.0, abs=0.1)
    assert first["current"] > 2.0 > second["current"]


@pytest.mark.parametrize("features", [6, 30])
def test_without_drift_small_p_values_are_as_rare_as_they_should_be(features: int) -> None:
    """At 5 %, with as many new rows as the reference has, where errors that flatter would tell most."""
    rng = np.random.default_rng(13)
    mixing = rng.normal(size=(features, features)) + 2.0 * np.eye(features)
    found = np.array([p_of_new_rows(rng, mixing) for _ in range(60)])
    assert (found < 0.05).sum() <= 8, "of 60, 3 are wanted; more than 8 in one of 200 runs"
    assert 18 <= (found < 0.5).sum() <= 42


def p_of_new_rows(rng: np.random.Generator, mixing: Floats, rows: int = 1_500) -> float:
    """Learn from rows, and compare the errors of as many others with theirs."""
    before, new = (
        {
            f"x{i}": Column(values)
            for i, values in enumerate((rng.normal(size=(rows, len(mixing))) @ mixing).T)
        }
        for _ in range(2)
    )
    grids: dict[str, Grid] = {name: numeric_grid(column.values) for name, column in before.items()}
    numeric = {name: Feature(name, Kind.NUMERIC, "float") for name in before}
    learned = fitted(Dictionary(numeric), grids, before, None)
    errors_before, errors_new = learned.columns[NAME], learned.reconstruction.added(grids, new)[0][NAME]
    return float(stats.ks_2samp(errors_before.values, errors_new.values, method="asymp").pvalue)


def test_rows_with_an_absent_or_infinite_value_have_no_error(known: Reference) -> None:
    rows = frame(6, seed=14)
    rows.loc[1, "a"], rows.loc[2, "b"], rows.loc[4, "plan"] = np.nan, np.inf, None
    found = error_column(known, rows)
    assert found.presence is not None
    assert found.presence.tolist() == [0, Presence.NULL, Presence.NULL, 0, 0, 0]
    counted = profile(known, rows)
    numbers = counted.counts[NAME]
    assert isinstance(numbers, NumericCounts)
    assert (numbers.n, numbers.null, numbers.rows) == (4, 2, 6)
    assert counted.residuals is not None
    assert counted.residuals.rows == 4


def test_a_batch_without_one_of_the_columns_has_no_errors(known: Reference) -> None:
    assert np.isnan(errors(known, frame(5, seed=15).drop(columns="d"))).all()
    none = summarise(known, {})
    assert none.residuals is not None
    assert none.residuals.rows == 0


@settings(max_examples=25)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=6), st.randoms())
def test_parts_in_any_order_are_the_whole_exactly(known: Reference, cuts: list[int], random: Any) -> None:
    rows = frame(300, seed=16)
    rows.iloc[::7, 2] = np.nan
    edges = [0, *sorted(cuts), 300]
    parts = [profile(known, rows[a:b]) for a, b in pairwise(edges)]
    random.shuffle(parts)
    total = Profile.empty(known)
    for part in parts:
        total = total.merge(decode(encode(part), known))
    assert total == profile(known, rows)


def test_one_row_by_itself_has_the_error_that_it_has_in_a_batch(known: Reference) -> None:
    rows = frame(64, seed=17)
    alone = [errors(known, rows[i : i + 1])[0] for i in range(64)]
    assert alone == errors(known, rows).tolist()


def test_profiles_have_room_and_forget_what_was_not_summed_up(known: Reference) -> None:
    whole = profile(known, frame(300, seed=18))
    assert size_bytes(whole) <= bounds(known).of(1, 300)
    old = msgspec.msgpack.decode(encode(whole), type=dict[str, bytes])
    del old[":residuals"]
    read = decode(msgspec.msgpack.encode(old), known)
    assert read.residuals is None
    assert read.merge(whole).residuals is None
    assert off(known.reconstruction, read.residuals, whole.residuals) == {}  # type: ignore[arg-type]
    old[":residuals"] = msgspec.msgpack.encode((3, [1, 2]))
    with pytest.raises(ValueError, match="residuals are of 2 features, the reference has 6"):
        decode(msgspec.msgpack.encode(old), known)


def test_a_reference_keeps_what_it_learned_and_it_changes_its_id(known: Reference) -> None:
    plain = reference_of(frame(4_000, seed=1))
    assert plain.id != known.id
    assert NAME not in plain.grids
    kept = decode_reference(encode_reference(known))
    assert kept.reconstruction == known.reconstruction
    assert kept.profile == known.profile
    assert kept.dictionary.features[NAME].role is Role.DERIVED


def test_a_reference_built_with_its_own_dictionary_is_the_same(known: Reference) -> None:
    assert reference_of(frame(4_000, seed=1), known.dictionary, multivariate=True).id == known.id
    assert NAME not in reference_of(frame(4_000, seed=1), known.dictionary).dictionary.features


def test_features_that_are_often_absent_or_never_vary_are_left_out() -> None:
    rows = frame(1_000, seed=19).assign(still=1.0)
    rows.loc[::2, "a"] = np.nan
    rows.loc[1::4, "b"] = np.nan
    found = reference_of(rows, multivariate=True)
    assert found.reconstruction is not None
    assert found.reconstruction.names == ("b", "c", "d", "e", "f")
    assert found.profile.residuals is not None
    assert found.profile.residuals.rows == 750


def test_of_too_many_features_the_most_important_are_taken() -> None:
    rng = np.random.default_rng(20)
    names = [f"x{i}" for i in range(MAX_FEATURES + 5)]
    rows = pd.DataFrame(rng.normal(size=(1_200, len(names))), columns=names)
    features = dict(infer(rows).features)
    features["x104"] = msgspec.structs.replace(features["x104"], importance=1.0)
    found = reference_of(rows, Dictionary(features), multivariate=True).reconstruction
    assert found is not None
    assert len(found.names) == MAX_FEATURES
    assert found.names[-1] == "x104"
    few = reference_of(rows[:300], Dictionary(features), multivariate=True).reconstruction
    assert few is not None
    assert len(few.names) == 30, "ten rows for each"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (frame(500, seed=21)[["a", "plan"]], "there is 1, of 500 rows: leave it out"),
        (frame(500, seed=21)[["a"]].assign(b=2.0), "there is 1, of 500 rows"),
        (frame(500, seed=21)[["plan"]], "there are 0, of 500 rows"),
        (frame(LEAST_ROWS - 1, seed=21), "there are 0, of 199 rows"),
    ],
)
def test_too_few_features_or_rows_are_refused_with_the_reason(rows: pd.DataFrame, told: str) -> None:
    with pytest.raises(ValueError, match=f"multivariate: needs two numeric features .*{told}"):
        reference_of(rows, multivariate=True)


def test_a_feature_of_the_errors_name_is_refused() -> None:
    rows = frame(500, seed=22).rename(columns={"a": NAME})
    dictionary = infer(rows)
    with pytest.raises(ValueError, match="a feature 'reconstruction error' of its own: rename or ignore it"):
        build(
            columns_from_frame(rows, dictionary),
            dictionary,
            model="m",
            version="",
            source="",
            built_at=BUILT_AT,
            multivariate=True,
        )


def test_features_that_tell_each_other_exactly_do_no_harm() -> None:
    rows = frame(1_000, seed=23)
    rows["twin"], rows["mirror"] = rows["a"], -rows["b"]
    found = reference_of(rows, multivariate=True)
    assert np.isfinite(errors(found, rows)).all()
    broken = frame(500, seed=24).assign(mirror=lambda new: -new["b"])
    broken["twin"] = broken["a"].sample(frac=1.0, random_state=25).to_numpy()
    assert p_value(found, broken) < 1e-30
