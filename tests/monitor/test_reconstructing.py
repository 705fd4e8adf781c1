"""Features that no longer go together all at once: a number a row, judged as any feature is."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alerts.notice import Context, Notice
from alerts.outgoing import Reason
from alerts.render import render
from detectors.budget import holm
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reconstruction import NAME
from detectors.reference import Reference, build
from detectors.result import Verdict
from monitor.calibrating import calibrate
from monitor.cli.findings import alert_of, drift_words
from monitor.comparing import compare, stretch
from monitor.compile import model_plan
from monitor.errors import ConfigError
from monitor.layouts import layout_of
from monitor.levels import rules_for
from monitor.plan import ModelPlan
from monitor.store.base import Store
from tests.monitor.worlds import (
    HOUR_MS,
    NOW,
    START_MS,
    config,
    payload,
    played_on_two,
    rows_of,
)

TABLE = "[models.loans.detectors]\n"
ON = TABLE + 'multivariate = ["reconstruction"]\n'
PER_HOUR, HOURS, BREAKS_AT = 400, 4, 2
VIEWS = ("drift_history", "quality_history", "alert_history", "window_history")
FEATURES = ("income", "rent", "savings", "age")


def frame(rows: int, seed: int, breaks_at: int | None = None) -> pd.DataFrame:
    """Four features that go together, until rent comes loose at a row; each by itself stays what it is."""
    rng = np.random.default_rng(seed)
    hidden, own, other = rng.normal(size=(rows, 1)), rng.normal(size=(rows, 4)), rng.normal(size=rows)
    values = np.sqrt(0.8) * hidden + np.sqrt(0.2) * own
    if breaks_at is not None:
        values[breaks_at:, 1] = other[breaks_at:]
    return pd.DataFrame(values.round(4), columns=list(FEATURES)).assign(country="DE")


@cache
def reference(*, multivariate: bool = True, **given: Any) -> Reference:
    rows = frame(5_000, seed=1)
    dictionary = infer(rows)
    return build(
        columns_from_frame(rows, dictionary),
        dictionary,
        model="loans",
        version="",
        source="test",
        built_at=NOW,
        multivariate=multivariate,
        **given,
    )


def plan(extra: str = ON, *, known: Reference | None = None) -> ModelPlan:
    wanted = config(extra)
    return model_plan("loans", wanted.models["loans"], wanted.alerts, known or reference(), 1 << 20)


def stream(rows: pd.DataFrame | None = None) -> list[bytes]:
    rows = frame(PER_HOUR * HOURS, seed=2, breaks_at=PER_HOUR * BREAKS_AT) if rows is None else rows
    step_ms = HOUR_MS * HOURS // len(rows)
    return [
        payload(f"r{i}", START_MS + i * step_ms, {str(name): value for name, value in row.items()})
        for i, row in enumerate(rows.to_dict("records"))
    ]


def played(
    of_plan: ModelPlan,
    step: int = PER_HOUR * HOURS,
    *,
    restarts: bool = False,
    log: list[bytes] | None = None,
) -> Store:
    return played_on_two(of_plan, log or stream(), step, restarts=restarts)


def errors(store: Store, detector: str = "ks") -> dict[int, dict[str, Any]]:
    """The rows about the reconstruction error, by hour."""
    rows = rows_of(store, "drift_history")
    return {
        row["window_start"].hour: row
        for row in rows
        if row["feature"] == NAME and row["detector"] == detector and row["multiple"] == 1
    }


def test_what_no_feature_shows_is_found_in_its_first_window() -> None:
    store = played(plan(ON + "sequential = []\n"))
    rows = rows_of(store, "drift_history")
    assert {row["feature"] for row in rows if row["verdict"] == Verdict.DRIFT} == {NAME}
    assert {row["shift"] for row in rows if row["feature"] == NAME} == {"covariate"}
    found = errors(store)
    assert [found[hour]["verdict"] for hour in range(HOURS)] == ["ok", "ok", "drift", "drift"]
    details = found[2]["details"]
    assert details["kind"] == "reconstruction"
    assert details["features"][0]["feature"] == "rent"
    assert details["error_reference"] == pytest.approx(1.0, abs=0.05)
    assert details["error_current"] > 1.5
    assert errors(store, "psi")[2]["statistic"] > errors(store, "psi")[1]["statistic"]


def test_evidence_adds_up_over_windows_as_of_any_feature() -> None:
    found = errors(played(plan()), "e_detector")
    assert [found[hour]["verdict"] for hour in range(HOURS)] == ["ok", "ok", "drift", "drift"]
    assert found[2]["details"]["features"][0]["feature"] == "rent"


def test_people_are_told_which_feature_came_loose() -> None:
    (row,) = played(plan()).view("alert_history")
    assert row["feature"] == NAME
    assert row["summary"].startswith("features no longer go together as they did: error 0.955 → 3.0")
    assert ", most of rent 0.956 → 7.0" in row["summary"]
    alert = alert_of(row)
    notice = Notice("loans", Reason.FIRST, (alert,), (), frozenset([alert.alert_id]), Context())
    message = render(notice)
    assert message.title == "[FIRING:1] loans: inputs drifted (reconstruction error)"
    assert "features no longer go together as they did" in message.text
    assert drift_words(errors(played(plan()))[3]).startswith("features no longer go together")


def test_batches_partitions_and_restarts_change_no_result() -> None:
    whole, cut = (
        {view: rows_of(store, view) for view in VIEWS}
        for store in (played(plan()), played(plan(), 170, restarts=True))
    )
    assert whole == cut


def test_it_is_one_more_test_among_those_that_share_the_level() -> None:
    rows = [row for row in rows_of(played(plan()), "drift_history") if row["window_start"].hour == 2]
    tests = [row for row in rows if row["detector"] in ("ks", "chi2") and row["multiple"] == 1]
    adjusted = {row["feature"]: row["adjusted_p"] for row in tests}
    assert adjusted.keys() == {*FEATURES, "country", NAME}
    assert tuple(adjusted.values()) == holm([row["p_value"] for row in tests])


def test_rows_without_an_error_are_nulls_and_no_fault_of_the_log() -> None:
    rows = frame(PER_HOUR * HOURS, seed=3).astype(object)
    rows.loc[::4, "age"] = None
    store = played(plan(known=reference()), log=stream(rows))
    assert {row["n_current"] for row in errors(store).values()} == {PER_HOUR * 3 // 4}
    assert {row["verdict"] for row in errors(store).values()} == {"ok"}
    quality = rows_of(store, "quality_history")
    assert NAME not in {row["feature"] for row in quality}
    assert {row["feature"] for row in quality if row["verdict"] == "fail"} == {"age"}


def test_messages_need_not_have_it_and_one_that_has_it_has_a_column_too_many() -> None:
    rows = frame(PER_HOUR * HOURS, seed=4)
    extra = rows_of(played(plan(), log=stream(rows.assign(**{NAME: 99.0}))), "quality_history")
    plain = rows_of(played(plan(), log=stream(rows)), "quality_history")
    assert {row["verdict"] for row in plain} == {"ok"}
    assert {row["check_name"] for row in extra if row["verdict"] == "warn"} == {
        "extra_column",
        "schema_drift",
    }
    assert errors(played(plan(), log=stream(rows.assign(**{NAME: 99.0}))))[0]["verdict"] == "ok"


def test_nobody_looks_for_it_in_messages() -> None:
    fields = plan().settings.fields.resolved("loans")
    leaves = {leaf.name for leaf in layout_of("loans", fields, reference().dictionary).leaves}
    assert leaves == {*FEATURES, "country"}


def test_off_it_is_not_tested_even_on_a_reference_that_has_it() -> None:
    off = played(plan(TABLE))
    assert NAME not in {row["feature"] for row in rows_of(off, "drift_history")}
    assert not rows_of(off, "alert_history")


def test_a_reference_without_it_is_refused_with_the_way_out() -> None:
    message = r"models.loans.detectors.multivariate: .*driftd reference build loans FILE"
    with pytest.raises(ConfigError, match=message):
        plan(known=reference(multivariate=False))


def test_stretches_are_compared_by_it_too() -> None:
    store, of = played(plan()), plan()
    early, late = (
        stretch(store, "loans", START_MS + a * HOUR_MS, START_MS + b * HOUR_MS, lambda _: of.reference)
        for a, b in ((0, 2), (2, 4))
    )
    found = compare("loans", "", of.reference, late, early, rules_for(of, 1))
    drifted = {one.feature: one for one in found.findings if one.verdict is Verdict.DRIFT}
    assert drifted.keys() == {NAME}
    assert drifted[NAME].details["features"][0]["feature"] == "rent"


def test_segments_have_it_without_naming_features() -> None:
    known = reference(segments=("country",))
    wanted = config('segments = ["country"]\n' + ON)
    of = model_plan("loans", wanted.models["loans"], wanted.alerts, known, 1 << 20)
    rows = [row for row in rows_of(played(of), "drift_history") if row["feature"] == NAME]
    moved = [row for row in rows if row["segment"] == "country=DE" and row["verdict"] == Verdict.DRIFT]
    assert moved
    assert {row["details"]["kind"] for row in moved} == {"numeric"}


def test_the_references_own_rows_are_replayed_with_the_errors_they_have_in_it() -> None:
    rows = frame(5_000, seed=1)
    times_ms = np.arange(5_000) * (HOUR_MS // 100)
    dictionary = infer(rows)
    columns = columns_from_frame(rows, dictionary)
    known = build(
        columns,
        dictionary,
        model="loans",
        version="",
        source="test",
        built_at=NOW,
        multivariate=True,
        times_ms=times_ms,
        window_ms=HOUR_MS,
    )
    found = calibrate(known, columns, times_ms, config(ON).models["loans"])
    (mine,) = [one for one in found.features if one.feature == NAME]
    assert mine.plain is not None
    assert mine.plain <= 0.06
    assert mine.alarms == 0
    off = calibrate(known, columns, times_ms, config(TABLE).models["loans"])
    assert NAME not in {one.feature for one in off.features}
