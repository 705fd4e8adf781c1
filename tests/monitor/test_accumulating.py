"""E-detectors in the service: small shifts that last, under the model's lock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alerts.evidence import summary
from detectors.reference import Reference
from detectors.result import Verdict
from monitor.backfill import backfill, counted
from monitor.cli.findings import alert_of
from monitor.clock import ManualClock
from monitor.config import Config
from monitor.store.base import Store
from monitor.store.sql import open_store
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, config, reference, training_frame

ASKED = """
false_alarms = "1 per 1000h"
min_effect = 0.02
"""
HOURS, BEGUN, PER_HOUR = 70, 40, 200


@pytest.fixture
def store() -> Iterator[Store]:
    made = open_store("sqlite://")
    made.upgrade_schema()
    yield made
    made.close_connections()


def log(shift: float) -> pd.DataFrame:
    """Seventy hours; from the forty-first on everybody is a little older."""
    rows = training_frame(HOURS * PER_HOUR, seed=21)
    hours = np.arange(len(rows)) // PER_HOUR
    rows["timestamp"] = START_MS + np.arange(len(rows)) * (HOUR_MS // PER_HOUR)
    rows["age"] += np.where(hours >= BEGUN, shift, 0.0)
    return rows


def judge(store: Store, settled: Config, rows: pd.DataFrame, known: Reference, name: str = "rows") -> None:
    fields = settled.models["loans"].fields.resolved("loans")
    windows = counted(rows, fields, known, HOUR_MS)
    backfill(settled, "loans", known, windows, store, ManualClock(NOW), name)


def found(store: Store, feature: str, detector: str = "e_detector") -> list[tuple[int, str]]:
    rows = store.view(
        "drift_history", where={"feature": feature, "detector": detector, "multiple": 1}, newest_first=False
    )
    return [
        (int(row["window_start"].timestamp() * 1000 - START_MS) // HOUR_MS, row["verdict"]) for row in rows
    ]


def test_a_small_shift_that_lasts_is_seen_which_no_single_window_shows(store: Store) -> None:
    judge(store, config(ASKED), log(shift=1.5), reference())
    drifted = [hour for hour, verdict in found(store, "age") if verdict == Verdict.DRIFT]
    assert BEGUN < drifted[0] <= BEGUN + 12
    assert drifted == list(range(drifted[0], HOURS))
    assert not [hour for hour, verdict in found(store, "age", "ks") if verdict == Verdict.DRIFT]
    for feature in ("country", "owner", "score", "prediction"):
        assert {verdict for _, verdict in found(store, feature)} == {Verdict.OK}


def test_the_alarm_says_how_much_moved_and_when_it_began(store: Store) -> None:
    judge(store, config(ASKED), log(shift=1.5), reference())
    alert = next(row for row in store.view("alert_history") if row["feature"] == "age")
    began = alert["annotations"]["details"]["changed_at_ms"]
    assert abs((began - START_MS) // HOUR_MS - BEGUN) <= 3
    said = summary(alert_of(alert))
    assert "of rows moved" in said
    assert " since 2 Jan 2026 1" in said


def test_rows_that_resemble_each_other_are_evidence_of_less(store: Store) -> None:
    known = replace(reference(), longer_effects={"age": (2.0, 25.0, 5.0)})
    judge(store, config(ASKED), log(shift=1.5), known)
    assert {verdict for _, verdict in found(store, "age")} == {Verdict.OK}
    first = store.view(
        "drift_history", where={"feature": "age", "detector": "e_detector"}, newest_first=False
    )[0]
    assert first["n_reference"] == round(known.profile.counts["age"].n / 25.0)


def test_without_a_shift_nothing_is_said(store: Store) -> None:
    judge(store, config(ASKED), log(shift=0.0), reference())
    assert {verdict for _, verdict in found(store, "age")} == {Verdict.OK}
    assert len(found(store, "age")) == HOURS


def test_it_can_be_turned_off(store: Store) -> None:
    judge(store, config("[models.loans.detectors]\nsequential = []\n"), log(shift=1.5), reference())
    assert not found(store, "age")


def test_windows_that_come_in_two_goes_say_the_same(store: Store) -> None:
    rows = log(shift=1.5)
    judge(store, config(ASKED), rows, reference())
    halved = open_store("sqlite://")
    halved.upgrade_schema()
    half = 45 * PER_HOUR
    judge(halved, config(ASKED), rows[:half], reference(), "first")
    judge(halved, config(ASKED), rows[half:], reference(), "second")
    figures = [
        [
            (row["feature"], row["window_start"], row["statistic"], row["effect"])
            for row in each.view("drift_history", where={"detector": "e_detector"}, newest_first=False)
        ]
        for each in (store, halved)
    ]
    halved.close_connections()
    assert figures[0] == figures[1]


def test_another_reference_begins_anew_and_says_so(store: Store) -> None:
    rows = log(shift=0.0)
    judge(store, config(ASKED), rows[: 30 * PER_HOUR], reference(), "first")
    judge(store, config(ASKED), rows[30 * PER_HOUR :], reference(seed=9), "second")
    verdicts = dict(found(store, "age"))
    assert verdicts[30] == Verdict.ERROR
    assert {verdict for hour, verdict in verdicts.items() if hour != 30} == {Verdict.OK}
    notes = store.view("drift_history", where={"verdict": "error", "feature": "age"})
    assert notes[0]["note"] == f"begins anew: its state was of reference {reference().id}"
