"""Drift that no single feature shows: features that no longer go together."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from alerts.notice import Context, Notice
from alerts.outgoing import Reason
from alerts.render import render
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from detectors.result import Verdict
from monitor.cli.findings import alert_of, drift_words, subject
from monitor.compile import model_plan
from monitor.errors import ConfigError
from monitor.levels import level_over_lengths, shares
from monitor.plan import ModelPlan
from monitor.source.base import TopicPartition
from monitor.store.base import Store
from tests.monitor.worlds import (
    HOUR_MS,
    NOW,
    START_MS,
    chunk,
    config,
    new_engine,
    new_store,
    payload,
    played_on_two,
    rows_of,
)

P0 = TopicPartition("predictions", 0)
PAIRS = '[models.loans.detectors]\npairs = ["correlation"]\n'
PER_HOUR, HOURS, BREAKS_AT = 400, 4, 2
VIEWS = ("drift_history", "alert_history", "window_history")


def frame(rows: int, seed: int, breaks_at: int | None = None) -> pd.DataFrame:
    """Income and rent go together, up to a row; each by itself stays what it is."""
    rng = np.random.default_rng(seed)
    income, own = rng.normal(size=(2, rows))
    together = np.where(np.arange(rows) < (rows if breaks_at is None else breaks_at), 0.8, -0.2)
    rent = together * income + np.sqrt(1 - together**2) * own
    return pd.DataFrame({"income": income.round(4), "rent": rent.round(4), "country": "DE"})


@cache
def reference(*, pairs: bool = True) -> Reference:
    rows = frame(5_000, seed=1)
    dictionary = infer(rows)
    columns = columns_from_frame(rows, dictionary)
    return build(columns, dictionary, model="loans", version="", source="test", built_at=NOW, pairs=pairs)


def plan(extra: str = PAIRS, *, known: Reference | None = None) -> ModelPlan:
    wanted = config(extra)
    return model_plan("loans", wanted.models["loans"], wanted.alerts, known or reference(), 1 << 20)


def stream() -> list[bytes]:
    rows = frame(PER_HOUR * HOURS, seed=2, breaks_at=PER_HOUR * BREAKS_AT).to_dict("records")
    step_ms = HOUR_MS // PER_HOUR
    return [
        payload(f"r{i}", START_MS + i * step_ms, {str(name): value for name, value in row.items()})
        for i, row in enumerate(rows)
    ]


def played(of_plan: ModelPlan, step: int = PER_HOUR * HOURS, *, restarts: bool = False) -> Store:
    return played_on_two(of_plan, stream(), step, restarts=restarts)


def test_the_pair_that_came_apart_is_found_where_no_feature_is() -> None:
    store = played(plan())
    rows = rows_of(store, "drift_history")
    assert {row["detector"] for row in rows if row["verdict"] == Verdict.DRIFT} == {"correlation"}
    found = {
        row["window_start"].hour: row
        for row in rows
        if row["detector"] == "correlation" and row["multiple"] == 1
    }
    assert [found[hour]["verdict"] for hour in range(HOURS)] == ["ok", "ok", "drift", "drift"]
    (pair,) = found[2]["details"]["pairs"]
    assert (pair["one"], pair["other"]) == ("income", "rent")
    assert (pair["before"], pair["after"]) == (pytest.approx(0.8, abs=0.03), pytest.approx(-0.2, abs=0.12))
    assert found[2]["effect"] == pytest.approx(1.0, abs=0.12)
    assert drift_words(found[1]).startswith("of all pairs the least likely correlation is off by 0.0")
    assert subject(found[1]) == "pairs of features"


def test_people_are_told_which_pair_it_is() -> None:
    store = played(plan())
    (row,) = store.view("alert_history")
    assert row["feature"] == ""
    assert row["summary"].startswith("correlation of income and rent 0.79 → -0.")
    alert = alert_of(row)
    notice = Notice("loans", Reason.FIRST, (alert,), (), frozenset([alert.alert_id]), Context())
    message = render(notice)
    assert message.title == "[FIRING:1] loans: inputs drifted (pairs of features)"
    assert "correlation of income and rent" in message.text


def test_batches_and_restarts_change_no_result() -> None:
    whole, cut = (
        {view: rows_of(store, view) for view in VIEWS}
        for store in (played(plan()), played(plan(), 170, restarts=True))
    )
    assert whole == cut


def test_pairs_have_one_part_of_the_budget_for_all_lengths() -> None:
    on, off = plan(), plan("")
    assert shares(on) == shares(off) + 1
    rows = [row for row in rows_of(played(on), "drift_history") if row["detector"] == "correlation"]
    assert {row["threshold"] for row in rows if row["multiple"] == 1} == {level_over_lengths(on, 1)}


def test_pairs_that_nobody_asks_for_are_not_summed_up() -> None:
    off = plan("")
    assert off.reference.pairing is None
    assert not [row for row in rows_of(played(off), "drift_history") if row["detector"] == "correlation"]


def test_a_reference_without_pairs_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        ConfigError, match=r"models.loans.detectors.pairs: .*driftd reference build loans FILE"
    ):
        plan(known=reference(pairs=False))


def test_too_few_rows_are_inconclusive() -> None:
    store = new_store()
    engine = new_engine(store, [P0], {"loans": plan()})
    engine.take([chunk(P0, stream()[:100])])
    engine.commit()
    engine.close_windows(everything=True)
    (row,) = [row for row in rows_of(store, "drift_history") if row["detector"] == "correlation"]
    assert (row["verdict"], row["p_value"]) == (Verdict.INCONCLUSIVE, None)
    assert "100 rows" in row["note"]
