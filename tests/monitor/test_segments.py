"""The same verdicts for parts of the log: equal to what the raw rows of each part give."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.budget import alpha, holm
from detectors.catalogue import detector
from detectors.counts import count
from detectors.dictionary import Kind
from detectors.frames import columns_from_frame
from detectors.reference import Reference
from detectors.result import TestResult, Verdict
from detectors.segments import grids_within
from monitor.compile import model_plan
from monitor.errors import ConfigError
from monitor.levels import rules_for, segment_rules_for, shares
from monitor.source.base import Chunk, TopicPartition
from monitor.store.base import Store
from tests.monitor.worlds import (
    HOUR_MS,
    START_MS,
    chunk,
    config,
    log,
    new_engine,
    new_store,
    payload,
    plan,
    reference,
    rows_of,
    training_frame,
)

P0, P1 = TopicPartition("predictions", 0), TopicPartition("predictions", 1)
PARTED = 'segments = ["country", "owner"]\n'
GERMANY = 'segments = ["country"]\n'
PER_HOUR, HOURS = 160, 4
VIEWS = ("drift_history", "quality_history", "window_history", "alert_history")
Row = dict[str, Any]


def stream(moved: tuple[str, ...] = ("DE",), from_hour: int = 2, per_hour: int = PER_HOUR) -> list[bytes]:
    """Rows in time order; from an hour on, ages in these countries are 25 years higher."""
    rows = []
    for i, row in enumerate(training_frame(per_hour * HOURS, seed=5).to_dict("records")):
        is_moved = row["country"] in moved and i >= from_hour * per_hour
        features = {"age": row["age"] + 25.0 * is_moved, "country": row["country"], "owner": row["owner"]}
        at_ms = START_MS + i * (HOUR_MS // per_hour)
        rows.append(payload(f"r{i}", at_ms, features, prediction=row["prediction"], score=row["score"]))
    return rows


STREAM = stream()


def played(
    rows: list[bytes], extra: str = PARTED, cuts: list[int] | None = None, restart_at: int = -1
) -> Store:
    """Feed the rows over two partitions, cut anywhere, and judge all of them."""
    store, plans = new_store(), {"loans": plan(extra)}
    engine = new_engine(store, [P0, P1], plans)
    for number, (begin, end) in enumerate(pairwise([0, *sorted(cuts or []), len(rows)])):
        if number == restart_at:
            engine.take(parts(rows, begin, min(end, begin + 40)))  # counted, never committed
            engine = new_engine(store, [P0, P1], plans)
        engine.take(parts(rows, begin, end))
        engine.commit()
        engine.close_windows()
    engine.close_windows(everything=True)
    return store


def parts(rows: list[bytes], begin: int, end: int) -> list[Chunk]:
    """Even rows are partition 0's, odd ones partition 1's."""
    chunks = []
    for which, partition in enumerate((P0, P1)):
        mine = [i for i in range(begin, end) if i % 2 == which]
        if mine:
            chunks.append(chunk(partition, [rows[i] for i in mine], mine[0] // 2))
    return chunks


def drift(store: Store, **wanted: object) -> list[Row]:
    found = rows_of(store, "drift_history")
    return [row for row in found if all(row[key] == value for key, value in wanted.items())]


@pytest.fixture(scope="module")
def calm_run() -> dict[str, list[Row]]:
    store = played(STREAM)
    return {view: rows_of(store, view) for view in VIEWS}


def frame_of(rows: list[bytes]) -> pd.DataFrame:
    messages = [msgspec.json.decode(row) for row in rows]
    frame = pd.DataFrame([one["features"] for one in messages])
    for name in ("timestamp", "prediction", "score"):
        frame[name] = [one[name] for one in messages]
    return frame


def compared(
    known: Reference, name: str, training: pd.DataFrame, log_rows: pd.DataFrame, kind: str
) -> TestResult:
    """Test raw rows against raw rows, on the reference's grid."""
    grid = known.grids[name]
    before, now = (
        count(grid, columns_from_frame(frame, known.dictionary)[name]) for frame in (training, log_rows)
    )
    return detector(kind).compare(before, now, grid, 1.0)


@pytest.mark.parametrize("multiple", [1, 2])
def test_what_is_said_of_a_segment_is_what_its_raw_rows_give(
    calm_run: dict[str, list[Row]], multiple: int
) -> None:
    known, training, logged = reference(1, ("country", "owner")), training_frame(), frame_of(STREAM)
    starts = range(0, HOURS, multiple)
    for start in starts:
        begin_ms = START_MS + start * HOUR_MS
        inside = logged[logged["timestamp"].between(begin_ms, begin_ms + multiple * HOUR_MS - 1)]
        found = [
            row
            for row in calm_run["drift_history"]
            if row["segment"] and row["multiple"] == multiple
            if row["window_start"].timestamp() * 1000 == begin_ms
        ]
        assert {row["segment"] for row in found} == {
            "country=DE", "country=FR", "country=PT", "owner=false", "owner=true",
        }  # fmt: skip
        for row in found:
            feature, _, value = row["segment"].partition("=")
            here = {"true": True, "false": False}.get(value, value)
            before, now = training[training[feature] == here], inside[inside[feature] == here]
            assert row["feature"] in grids_within(known.dictionary, known.grids, feature)
            expected = compared(known, row["feature"], before, now, row["detector"])
            assert (row["n_reference"], row["n_current"]) == (expected.n_reference, expected.n_current)
            assert row["statistic"] == pytest.approx(expected.statistic, abs=1e-12)
            if expected.n_current >= 20:
                assert row["p_value"] == (
                    None if expected.p_value is None else pytest.approx(expected.p_value)
                )
        tested = [row for row in found if row["p_value"] is not None]
        adjusted = holm([row["p_value"] for row in tested])
        assert [row["adjusted_p"] for row in tested] == [pytest.approx(p) for p in adjusted]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8, unique=True), st.integers(-1, 5))
def test_segments_are_the_same_whatever_the_batches_and_restarts(
    calm_run: dict[str, list[Row]], cuts: list[int], restart_at: int
) -> None:
    store = played(STREAM, cuts=cuts, restart_at=restart_at)
    assert {view: rows_of(store, view) for view in VIEWS} == calm_run


def test_a_segment_is_counted_once_beside_the_whole_and_in_no_other_window(
    calm_run: dict[str, list[Row]],
) -> None:
    assert {row["segment"] for row in calm_run["window_history"]} == {""}
    ages = [
        row
        for row in calm_run["drift_history"]
        if (row["feature"], row["detector"], row["multiple"]) == ("age", "ks", 1)
    ]
    whole = sum(row["n_current"] for row in ages if not row["segment"])
    assert whole == len(STREAM)
    for feature in ("country", "owner"):
        assert sum(row["n_current"] for row in ages if row["segment"].startswith(feature)) == whole


def test_the_segment_that_moved_is_named_and_the_others_are_not(calm_run: dict[str, list[Row]]) -> None:
    drifted = [row for row in calm_run["drift_history"] if row["verdict"] == Verdict.DRIFT]
    by_country = {row["segment"] for row in drifted if row["segment"].startswith("country")}
    assert by_country == {"country=DE"}
    whole = [row for row in drifted if not row["segment"] and row["detector"] != "e_detector"]
    assert whole
    assert all(row["details"]["only_in"] == ["country=DE"] for row in whole)
    alerts = {row["segment"]: row for row in calm_run["alert_history"] if row["shift"] == "covariate"}
    assert alerts[""]["summary"].endswith(", only in country=DE")
    assert alerts["country=DE"]["summary"].endswith(", in country=DE"), "the whole moved, too"


def test_what_moved_everywhere_is_not_said_to_be_somewhere_only() -> None:
    store = played(stream(moved=("DE", "FR", "PT")), GERMANY)
    drifted = drift(store, verdict=Verdict.DRIFT, feature="age")
    assert {row["segment"] for row in drifted} >= {"", "country=DE", "country=FR"}
    assert not any("only_in" in row["details"] for row in drifted)


def test_a_drift_that_drowns_in_the_whole_is_found_in_its_segment() -> None:
    rows = stream(moved=("PT",), from_hour=0, per_hour=400)
    extra = GERMANY + "min_effect = 0.25\n"
    drifted = drift(played(rows, extra), verdict=Verdict.DRIFT)
    assert {(row["segment"], row["feature"]) for row in drifted} == {("country=PT", "age")}
    assert all(row["details"]["only_in"] == ["country=PT"] for row in drifted)
    assert not drift(played(rows, "min_effect = 0.25\n"), verdict=Verdict.DRIFT)


def test_of_two_countries_that_moved_none_is_said_to_be_the_only_one() -> None:
    store = played(stream(moved=("FR", "PT"), from_hour=0), GERMANY + "min_effect = 0.6\n")
    drifted = drift(store, verdict=Verdict.DRIFT)
    assert {row["segment"] for row in drifted} == {"country=FR", "country=PT"}
    assert not any("only_in" in row["details"] for row in drifted)


def test_small_segments_wait_for_longer_windows() -> None:
    store = played(stream(from_hour=0, per_hour=60), GERMANY)
    portuguese = drift(store, segment="country=PT", feature="age", detector="ks")
    assert {row["verdict"] for row in portuguese if row["multiple"] == 1} == {Verdict.INCONCLUSIVE}
    assert {row["note"] for row in portuguese if row["multiple"] == 1 if row["n_current"] == 12} <= {
        "12 rows, min_rows is 20"
    }
    assert {row["verdict"] for row in portuguese if row["multiple"] == 2} == {Verdict.OK}


def test_a_segment_that_the_reference_hardly_has_is_inconclusive() -> None:
    known = reference(1, ("country",))
    part = known.profile.segments["country=PT"]
    few = {name: replace(counts, **_scaled(counts)) for name, counts in part.counts.items()}
    segments = {**known.profile.segments, "country=PT": replace(part, rows=3, counts=few)}
    scarce = replace(known, profile=replace(known.profile, segments=segments))
    of_plan = replace(plan(GERMANY), reference=scarce)
    store = new_store()
    engine = new_engine(store, [P0], {"loans": of_plan})
    engine.take([chunk(P0, STREAM)])
    engine.commit()
    engine.close_windows(everything=True)
    found = drift(store, segment="country=PT")
    assert {row["verdict"] for row in found if row["detector"] in ("ks", "chi2")} == {Verdict.INCONCLUSIVE}
    assert any("rows in the reference, min_rows is 20" in row["note"] for row in found)


def _scaled(counts: Any) -> dict[str, Any]:
    names = ("on", "between") if hasattr(counts, "on") else ("known",)
    return {
        name: np.minimum(getattr(counts, name), 1) * (np.arange(len(getattr(counts, name))) < 3)
        for name in names
    }


def test_segments_share_one_part_of_the_budget_among_all_lengths() -> None:
    plain, parted = plan(), plan(PARTED)
    assert shares(parted) == shares(plain) + 1
    for multiple in parted.multiples:
        level = alpha(parted.budget, HOUR_MS / 1000, multiple, shares(parted) * len(parted.multiples))
        assert segment_rules_for(parted, multiple).level == level
        assert rules_for(parted, multiple).level > level


def test_a_reference_without_the_segments_is_refused_with_the_way_out() -> None:
    wanted = config(GERMANY)
    with pytest.raises(
        ConfigError, match=r"models.loans.segments: .*'country'.*driftd reference build loans FILE"
    ):
        model_plan("loans", wanted.models["loans"], wanted.alerts, reference(), 1_000)


def test_a_reference_with_more_segments_than_are_wanted_is_used_for_those_that_are() -> None:
    wanted = config(GERMANY + "max_segments = 2\n")
    found = model_plan(
        "loans", wanted.models["loans"], wanted.alerts, reference(1, ("owner", "country")), 1_000
    )
    assert found.reference.segments == {"country": ("DE", "FR")}
    assert set(found.reference.profile.segments) == {"country=DE", "country=FR"}
    assert found.reference.id == reference(1, ("owner", "country")).id


def test_a_window_that_began_before_segments_were_wanted_has_none_and_the_next_one_has() -> None:
    store, known = new_store(), reference(1, ("country",))
    before, after = (replace(_of(extra, known)) for extra in ("", GERMANY))
    engine = new_engine(store, [P0], {"loans": before})
    engine.take([chunk(P0, STREAM[:100])])
    engine.commit()
    engine = new_engine(store, [P0], {"loans": after})
    engine.take([chunk(P0, STREAM[100:], 100)])
    engine.commit()
    engine.close_windows(everything=True)
    starts = {row["window_start"].hour for row in drift(store, segment="country=DE", multiple=1)}
    assert starts == set(range(1, HOURS))
    assert {row["window_start"].hour for row in drift(store, segment="", multiple=1)} == set(range(HOURS))
    assert {row["window_start"].hour for row in drift(store, segment="country=DE", multiple=2)} == {2}


def _of(extra: str, known: Reference) -> Any:
    wanted = config(extra)
    return model_plan("loans", wanted.models["loans"], wanted.alerts, known, 1 << 20)


def test_models_without_segments_count_none() -> None:
    store = new_store()
    engine = new_engine(store, [P0])
    engine.take([chunk(P0, log(1))])
    opened = next(iter(engine.state.partitions[P0].open.values()))
    assert opened.profile is not None
    assert opened.profile.segments == {}
    assert all(feature.kind is not Kind.IGNORE for feature in plan().reference.dictionary.used().values())
