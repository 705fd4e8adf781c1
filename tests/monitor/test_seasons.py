"""Windows judged against their own hours: nothing is said of a cycle, and much of what hides in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.profile import Profile, summarise
from detectors.reference import Reference, build
from detectors.result import Verdict
from detectors.season import Hours
from monitor.backfill import backfill, counted
from monitor.calibrating import FeatureCalibration, calibrate
from monitor.clock import ManualClock
from monitor.comparing import compare, stretch
from monitor.compile import model_plan
from monitor.config import parse
from monitor.config.model import Detectors, Model
from monitor.errors import ConfigError
from monitor.findings import Finding
from monitor.judge import Rules, judge
from monitor.source.base import Chunk, TopicPartition
from monitor.store.base import Store
from monitor.windows import Span
from tests.monitor.worlds import CONFIG, HOUR_MS, NOW, START_MS, chunk, config, new_engine, new_store, payload
from tests.monitor.worlds import rows_of as view_rows

DAY_MS = 24 * HOUR_MS
LATER_MS = START_MS + 40 * DAY_MS
P0, P1 = TopicPartition("predictions", 0), TopicPartition("predictions", 1)
SEASON = 'season = "hour_of_day"\n'
PER_HOUR = 60
LENGTHS = (1, 2, 4, 8, 16, 32, 64)
LEVEL = 0.01


def stream(
    days: float, start_ms: int, seed: int, later_by: int = 0, per_hour: int = PER_HOUR
) -> pd.DataFrame:
    """Ages swing by ten years each day; with ``later_by`` so many hours later than they used to."""
    rng = np.random.default_rng(seed)
    n = int(days * 24 * per_hour)
    times_ms = start_ms + np.arange(n) * HOUR_MS // per_hour
    hours = times_ms // HOUR_MS % 24 - later_by
    ages = rng.normal(40.0, 10.0, n) + 10.0 * np.sin(2 * np.pi * hours / 24)
    frame = {"timestamp": times_ms, "age": ages.round(3), "country": rng.choice(["DE", "FR"], n)}
    return pd.DataFrame(frame)


def built(rows: pd.DataFrame, season: Hours | None = Hours.OF_DAY, grid_size: int = 500) -> Reference:
    frame = rows.drop(columns="timestamp")
    dictionary = infer(frame)
    return build(
        columns_from_frame(frame, dictionary),
        dictionary,
        model="loans",
        version="",
        source="test",
        built_at=NOW,
        grid_size=grid_size,
        times_ms=rows["timestamp"].to_numpy(),
        window_ms=HOUR_MS,
        season=season,
    )


TRAINING = stream(20, START_MS, 1)


@cache
def reference(season: Hours | None = Hours.OF_DAY, grid_size: int = 500) -> Reference:
    return built(TRAINING, season, grid_size)


def windows_of(rows: pd.DataFrame, known: Reference) -> Iterator[tuple[Span, Profile]]:
    """Whole windows of all lengths, as the service adds them up."""
    singles = [
        summarise(known, columns_from_frame(part, known.dictionary), times_ms=part["timestamp"].to_numpy())
        for _, part in rows.groupby(rows["timestamp"] // HOUR_MS)
    ]
    start_ms = int(rows["timestamp"].iloc[0])
    for multiple in LENGTHS:
        if multiple > 1:
            singles = [one.merge(other) for one, other in zip(singles[::2], singles[1::2], strict=False)]
        for number, each in enumerate(singles):
            begin_ms = start_ms + number * multiple * HOUR_MS
            yield Span(begin_ms, begin_ms + multiple * HOUR_MS, multiple), each


def judged(rows: pd.DataFrame, known: Reference, level: float = LEVEL) -> Iterator[Finding]:
    """The tests of ages."""
    detectors = Detectors(categorical=(), distances=())
    for span, profile in windows_of(rows, known):
        rules = Rules(level, 0.0, 50, detectors, span.multiple)
        yield from judge("loans", "", known, profile, span, rules)


def drifted(found: Iterator[Finding]) -> list[Finding]:
    return [one for one in found if one.verdict is Verdict.DRIFT]


def test_a_cyclic_stream_raises_no_more_than_its_levels_allow() -> None:
    """Six references, six days of each: 1,710 windows at 1 % each, so 17 false alarms are allowed."""
    alarms = windows = 0
    for seed in range(6):
        known = built(stream(20, START_MS, 100 + seed))
        found = list(judged(stream(6, LATER_MS, 200 + seed), known))
        windows += len(found)
        alarms += len(drifted(iter(found)))
    assert windows == 6 * (144 + 72 + 36 + 18 + 9 + 4 + 2)
    assert alarms <= 17 + 2 * 17**0.5


def test_a_shift_inside_the_cycle_is_found_in_its_first_hour_which_no_window_of_a_whole_reference_shows() -> (
    None
):
    """The day begins six hours later: each day as a whole looks as before."""
    moved = stream(4, LATER_MS, 3, later_by=6)
    found = drifted(judged(moved, reference(), level=1e-5))
    assert found[0].start_ms == LATER_MS
    assert len([one for one in found if one.multiple == 1]) > 60
    assert not drifted(judged(moved, reference(None), level=1e-3))


def test_without_its_design_effect_a_whole_reference_takes_every_hour_for_drift() -> None:
    """So it is not that windows are too small."""
    naive = replace(reference(None), design_effect={}, longer_effects={})
    assert len(drifted(judged(stream(2, LATER_MS, 4), naive, level=1e-5))) > 20


def test_too_few_rows_of_the_same_hours_are_inconclusive() -> None:
    known = reference()
    (span, profile), *_ = windows_of(stream(1, LATER_MS, 5, per_hour=2_000), known)
    rules = Rules(LEVEL, 0.0, 1_500, Detectors(categorical=(), distances=()), 1)
    (found,) = judge("loans", "", known, profile, span, rules)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.result.note == "1200 rows in the reference, min_rows is 1500"


# -- through the service ------------------------------------------------------------------------------------


def messages(rows: pd.DataFrame) -> list[bytes]:
    return [
        payload(f"r{i}", row["timestamp"], {"age": row["age"], "country": row["country"]})
        for i, row in enumerate(rows.to_dict("records"))
    ]


def played(values: list[bytes], known: Reference, extra: str = SEASON, cuts: tuple[int, ...] = ()) -> Store:
    """Feed messages over two partitions, cut anywhere, and judge all of them."""
    settings = config(extra)
    plan = model_plan("loans", settings.models["loans"], settings.alerts, known, 1_000_000)
    store = new_store()
    engine = new_engine(store, [P0, P1], {"loans": plan})
    for begin, end in pairwise([0, *cuts, len(values)]):
        engine.take(parts(values, begin, end))
        engine.commit()
        engine.close_windows()
    engine.close_windows(everything=True)
    return store


def parts(values: list[bytes], begin: int, end: int) -> list[Chunk]:
    mine = [(which, [i for i in range(begin, end) if i % 2 == which]) for which in (0, 1)]
    return [chunk((P0, P1)[which], [values[i] for i in at], at[0] // 2) for which, at in mine if at]


LOG = stream(0.25, LATER_MS, 6)


@pytest.fixture(scope="module")
def calm_run() -> list[dict[str, Any]]:
    return view_rows(played(messages(LOG), reference(grid_size=100_000)), "drift_history")


@pytest.mark.parametrize("multiple", [1, 2])
def test_what_is_said_of_a_window_is_what_the_raw_rows_of_its_hours_give(
    calm_run: list[dict[str, Any]], multiple: int
) -> None:
    for hour in range(0, 6, multiple):
        rows = [_rows(frame, range(hour, hour + multiple)) for frame in (TRAINING, LOG)]
        oracle = ks_2samp(rows[0], rows[1], method="exact")
        (found,) = (
            row
            for row in calm_run
            if (row["feature"], row["detector"], row["multiple"]) == ("age", "ks", multiple)
            and row["window_start"].timestamp() * 1000 == LATER_MS + hour * HOUR_MS
        )
        assert (found["n_reference"], found["n_current"]) == (len(rows[0]), len(rows[1]))
        assert found["statistic"] == pytest.approx(oracle.statistic, abs=1e-12)
        assert found["p_value"] == pytest.approx(oracle.pvalue, rel=1e-6)


def _rows(frame: pd.DataFrame, hours: range) -> pd.Series[float]:
    found: pd.Series[float] = frame["age"][(frame["timestamp"] // HOUR_MS % 24).isin(hours)]
    return found


def test_results_do_not_depend_on_batches_or_partitions(calm_run: list[dict[str, Any]]) -> None:
    again = played(messages(LOG), reference(grid_size=100_000), cuts=(7, 61, 180, 181))
    assert view_rows(again, "drift_history") == calm_run


def test_windows_of_a_day_are_judged_by_the_hours_that_their_rows_are_of() -> None:
    """Half the rows are of the night, when ages are as the reference's nights are."""
    rows = stream(1, LATER_MS, 7)
    night = rows[(rows.index % 2 == 0) | (rows["timestamp"] // HOUR_MS % 24 >= 12)].reset_index(drop=True)
    extra = SEASON + "[models.loans.detectors]\nsequential = []\n"
    for known, season, is_calm in (
        (reference(), extra, True),
        (built(TRAINING, None), extra[len(SEASON) :], False),
    ):
        calm = replace(known, longer_effects={}, design_effect={})
        text = CONFIG.replace('"1h"', '"1d"') + season
        settings = parse(text)
        plan = model_plan("loans", settings.models["loans"], settings.alerts, calm, 1_000_000)
        store = new_store()
        engine = new_engine(store, [P0], {"loans": plan})
        engine.take([chunk(P0, messages(night))])
        engine.commit()
        engine.close_windows(everything=True)
        (found,) = store.view("drift_history", where={"feature": "age", "detector": "ks"})
        assert (found["p_value"] > 0.01) is is_calm


def test_windows_whose_hours_were_not_counted_are_judged_against_the_whole() -> None:
    """They were counted before `season` was set, and the next process counts on."""
    settings = config(SEASON).models["loans"]
    store = new_store()
    without = model_plan("loans", config().models["loans"], config().alerts, reference(), 1_000_000)
    first = new_engine(store, [P0], {"loans": without})
    values = messages(LOG)
    first.take([chunk(P0, values[:30])])
    first.commit()
    plan = model_plan("loans", settings, config(SEASON).alerts, reference(), 1_000_000)
    then = new_engine(store, [P0], {"loans": plan})
    then.take([chunk(P0, values[30:], 30)])
    then.commit()
    then.close_windows(everything=True)
    rows = store.view("drift_history", where={"feature": "age", "detector": "ks"}, newest_first=False)
    of = {(row["window_start"].hour, row["multiple"]): row["n_reference"] for row in rows}
    whole, hour = len(TRAINING), 20 * PER_HOUR
    assert of == {(0, 1): whole, (0, 2): whole, (1, 1): hour, (2, 1): hour, (2, 2): 2 * hour, (3, 1): hour,
                  (4, 1): hour, (4, 2): 2 * hour, (5, 1): hour}  # fmt: skip


def test_history_is_compared_with_the_hours_that_it_is_of() -> None:
    store = played(messages(LOG), reference())

    def find(reference_id: str) -> Reference | None:
        return reference() if reference_id == reference().id else None

    current, other = (
        stretch(store, "loans", LATER_MS + begin * HOUR_MS, LATER_MS + end * HOUR_MS, find)
        for begin, end in ((0, 3), (3, 6))
    )
    rules = Rules(LEVEL, 0.0, 50, Detectors())
    for against, sizes in ((None, 3 * 20 * PER_HOUR), (other, 3 * PER_HOUR)):
        found = compare("loans", "", reference(), current, against, rules)
        assert {one.result.n_reference for one in found.findings} == {sizes}
    plain = replace(reference(), seasonal=None)
    assert compare("loans", "", plain, current, other, rules) == found  # hours that differ are what was asked


def test_small_shifts_that_last_are_seen_beside_a_cycle() -> None:
    """Ages are three years higher after two days, while they swing by ten each day."""
    rows = stream(5, LATER_MS, 9)
    rows["age"] += np.where(rows.index >= 2 * 24 * PER_HOUR, 3.0, 0.0)
    budget = 'false_alarms = "1 per 1000h"\n'
    found = evidence(rows, SEASON + budget)
    assert {found[hour]["verdict"] for hour in range(48)} == {Verdict.OK}
    (first, *_) = [hour for hour, row in found.items() if row["verdict"] == Verdict.DRIFT]
    assert 48 < first < 60
    changed = found[first]["details"]["changed_at_ms"]
    assert abs((changed - LATER_MS) / HOUR_MS - 48) <= 3
    assert {row["verdict"] for row in evidence(rows, budget).values()} == {Verdict.OK}


def test_evidence_of_windows_whose_hours_are_unknown_is_left_out_and_another_season_begins_anew() -> None:
    store = new_store()
    for number, extra in enumerate(("", SEASON)):
        settings = config(extra)
        plan = model_plan("loans", settings.models["loans"], settings.alerts, reference(), 1_000_000)
        engine = new_engine(store, [P0], {"loans": plan})
        engine.take([chunk(P0, messages(LOG)[number * 120 : number * 120 + 150], number * 150)])
        engine.commit()
        engine.close_windows()
    engine.close_windows(everything=True)
    where = {"feature": "age", "detector": "e_detector"}
    rows = store.view("drift_history", where=where, newest_first=False)
    assert [row["note"].partition(":")[0] for row in rows] == ["", "", "begins anew", "", ""]
    assert (rows[2]["verdict"], rows[2]["statistic"]) == (Verdict.ERROR, 0.0)
    assert rows[3]["statistic"] != 0.0


def evidence(rows: pd.DataFrame, extra: str) -> dict[int, dict[str, Any]]:
    """What the e-detector of ages says at each hour."""
    store, settings = new_store(), config(extra)
    windows = counted(rows, settings.models["loans"].fields.resolved("loans"), reference(), HOUR_MS)
    backfill(settings, "loans", reference(), windows, store, ManualClock(NOW), "rows")
    where = {"feature": "age", "detector": "e_detector"}
    found = store.view("drift_history", where=where, newest_first=False)
    return {round((row["window_start"].timestamp() * 1000 - LATER_MS) / HOUR_MS): row for row in found}


@pytest.mark.parametrize(
    ("extra", "known", "said"),
    [
        (SEASON, None, "the reference has no season: build it again"),
        ('season = "hour_of_week"\n', Hours.OF_DAY, 'the reference has season "hour_of_day" in UTC: build'),
        (
            SEASON + 'time_zone = "Europe/Lisbon"\n',
            Hours.OF_DAY,
            'is "hour_of_day" in Europe/Lisbon, the ref',
        ),
    ],
)
def test_a_reference_of_another_season_is_refused_with_the_way_out(
    extra: str, known: Hours | None, said: str
) -> None:
    settings = config(extra)
    with pytest.raises(ConfigError, match=said):
        model_plan("loans", settings.models["loans"], settings.alerts, reference(known), 1_000_000)


def test_a_season_that_is_not_asked_for_is_left_aside() -> None:
    settings = config()
    plan = model_plan("loans", settings.models["loans"], settings.alerts, reference(), 1_000_000)
    assert plan.reference.season is None


# -- the reference's own windows ----------------------------------------------------------------------------


def calibrated(season: Hours | None) -> Mapping[str, FeatureCalibration]:
    rows = stream(8, START_MS, 8)
    known = built(rows, season)
    columns = columns_from_frame(rows.drop(columns="timestamp"), known.dictionary)
    found = calibrate(known, columns, rows["timestamp"].to_numpy(), Model(topics=("t",)))
    return {one.feature: one for one in found.features}


def test_calibration_says_what_a_season_would_be_good_for_and_with_one_it_is() -> None:
    without = calibrated(None)
    plain, seasonal = without["age"], calibrated(Hours.OF_DAY)["age"]
    assert without["country"].in_season is None
    assert plain.cycle is not None
    assert plain.cycle.name == "day"
    assert plain.design_effect > 15.0
    assert plain.in_season == seasonal.design_effect == 1.0
    assert plain.plain is not None
    assert plain.plain > 0.5
    assert seasonal.plain is not None
    assert seasonal.plain <= 0.03
    assert seasonal.cycle is None


def test_no_row_is_compared_with_itself_in_season_either() -> None:
    """One hour of three is higher by so much that p is below 1 % against the others, not against all."""
    even = np.linspace(0.0, 1.0, 200)
    hours = [even + (9.0 if hour % 24 >= 12 else 0.0) for hour in range(24 * 3)]
    hours[30] = even + 0.165
    rows = pd.DataFrame({"age": np.concatenate(hours)})
    rows["timestamp"] = START_MS + np.arange(len(rows)) * HOUR_MS // 200
    known = replace(built(rows), longer_effects={})
    assert known.seasonal is not None
    known = replace(known, seasonal=replace(known.seasonal, effects={}))
    columns = columns_from_frame(rows[["age"]], known.dictionary)
    (found,) = calibrate(known, columns, rows["timestamp"].to_numpy(), Model(topics=("t",))).features
    within = ks_2samp(hours[30], np.concatenate([hours[6], hours[30], hours[54]])).pvalue
    without = ks_2samp(hours[30], np.concatenate([hours[6], hours[54]])).pvalue
    assert without < 0.01 < within
    assert found.plain == 1 / 72
