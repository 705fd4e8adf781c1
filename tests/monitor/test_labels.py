"""Labels through the engine: joined once and published when they are there, whatever the crashes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monitor.store.base import Store
from tests.monitor.labelled_worlds import OPEN, Reader, broker_with, halved, labelled_plan, rows_of_hours
from tests.monitor.worlds import HOUR_MS, START_MS, new_store, rows_of

HOURS = 12


@pytest.fixture(autouse=True)
def _closed_readers() -> Iterator[None]:
    yield
    for reader in tuple(OPEN):
        reader.close()


def read(
    store: Store,
    folder: Path,
    frame: pd.DataFrame,
    *,
    extra: str = "",
    seed: int = 0,
    crashes: float = 0.0,
    more: list[dict[str, Any]] | None = None,
    delay_hours: float = 1.5,
) -> None:
    delays = random.Random(5)
    broker = broker_with(frame, lambda _: int(delays.random() * 2 * delay_hours * HOUR_MS), more or [])
    Reader(store, broker, folder, labelled_plan(extra)).read_all(random.Random(seed), crashes)


PAIR = '[models.loans.fields]\npair = { kind = "side", request = "in", response = "out", within = "30m" }\n'


def test_labels_meet_rows_that_are_made_of_two_messages_whatever_the_crashes(tmp_path: Path) -> None:
    delays = random.Random(5)
    frame = rows_of_hours(5, 60, 3, lambda hour: 0.1 if hour < 3 else 0.45)
    before = [
        {"id": f"nobody{i}", "timestamp": START_MS, "label": 1} for i in range(320)
    ]  # so labels come later
    broker = broker_with(frame, lambda _: int(delays.random() * HOUR_MS), before)
    whole, crashed = new_store(), new_store()
    Reader(whole, broker, tmp_path / "whole", labelled_plan()).read_all(random.Random(1))
    reader = Reader(crashed, halved(broker, 4), tmp_path / "crashed", labelled_plan(PAIR))
    reader.batch = 16
    reader.read_all(random.Random(1), 0.1)
    assert sum(row["labelled"] for row in crashed.view("label_history")) == len(frame)
    for view in ("label_history", "performance_history", "drift_history"):
        unstable = ("revision", "note") if view == "performance_history" else ()
        assert rows_of(crashed, view, *unstable) == rows_of(whole, view, *unstable), view


def realised(store: Store, metric: str, multiple: int = 1) -> list[dict[str, Any]]:
    where = {"metric": metric, "is_estimate": False, "multiple": multiple}
    return store.view("performance_history", where=where, newest_first=False)


def test_every_window_has_the_accuracy_of_its_own_labels(tmp_path: Path) -> None:
    frame = rows_of_hours(HOURS, 60, 3, lambda _: 0.1)
    store = new_store()
    read(store, tmp_path, frame)
    right = frame["prediction"] == frame["label"]
    wanted = right.groupby((frame["time_ms"] - START_MS) // HOUR_MS).mean()
    rows = realised(store, "accuracy")
    assert [row["value"] for row in rows] == pytest.approx(wanted.tolist())
    assert {row["labelled_rows"] for row in rows} == {60}
    assert {row["verdict"] for row in rows} == {"ok"}
    labels = store.view("label_history", newest_first=False)
    assert [(row["rows"], row["labelled"], row["unmatched"]) for row in labels[:HOURS]] == [
        (60, 60, 0)
    ] * HOURS


@pytest.mark.parametrize("seed", range(4))
def test_batches_and_crashes_change_no_result(tmp_path: Path, seed: int) -> None:
    frame = rows_of_hours(HOURS, 60, 3, lambda hour: 0.1 if hour < 6 else 0.45)
    more: list[dict[str, Any]] = [
        {"id": "r5", "timestamp": START_MS + 5 * HOUR_MS, "label": 1 - int(frame["label"][5])},
        {"id": "r6", "timestamp": START_MS + 5 * HOUR_MS, "label": int(frame["label"][6])},
        {"id": "nobody", "timestamp": START_MS + 5 * HOUR_MS, "label": 1},
    ]
    plain, crashed = new_store(), new_store()
    read(plain, tmp_path / "plain", frame, more=more)
    read(crashed, tmp_path / "crashed", frame, more=more, seed=seed, crashes=0.3)
    for view in (
        "label_history",
        "performance_history",
        "drift_history",
        "quality_history",
        "window_history",
    ):
        unstable = ("revision", "note") if view == "performance_history" else ()
        assert rows_of(crashed, view, *unstable) == rows_of(plain, view, *unstable), view
    counts = {
        name: sum(row[name] for row in plain.view("label_history"))
        for name in ("duplicates", "corrected", "unmatched")
    }
    assert counts == {"duplicates": 1, "corrected": 1, "unmatched": 1}


def test_a_change_of_the_relation_is_a_concept_shift_and_no_covariate_shift(tmp_path: Path) -> None:
    frame = rows_of_hours(HOURS, 200, 4, lambda hour: 0.1 if hour < 6 else 0.4)
    store = new_store()
    read(store, tmp_path, frame)
    bad = store.view("drift_history", where={"verdict": "drift"}, newest_first=False)
    assert {row["shift"] for row in bad} == {"concept"}
    assert {row["detector"] for row in bad} == {"adwin", "residual"}
    found = next(row for row in bad if row["detector"] == "adwin" and row["feature"] == "loss")
    changed_ms = found["details"]["changed_at_ms"]
    assert abs(changed_ms - (START_MS + 6 * HOUR_MS)) < HOUR_MS
    assert found["details"]["before"] == pytest.approx(0.1, abs=0.03)
    assert realised(store, "accuracy")[-1]["verdict"] == "drift"
    assert realised(store, "accuracy")[-1]["direction"] == "worse"
    alerts = {(row["shift"], row["feature"], row["status"]) for row in store.view("alert_history")}
    assert ("concept", "loss", "firing") in alerts
    assert ("performance", "accuracy", "firing") in alerts


def test_results_wait_for_labels_and_say_so_when_they_do_not_come(tmp_path: Path) -> None:
    frame = rows_of_hours(HOURS, 60, 3, lambda _: 0.1)
    broker = broker_with(frame.head(6 * 60), lambda _: HOUR_MS)
    rest = broker_with(frame, lambda _: HOUR_MS)
    for partition, log in rest.logs.items():
        if partition.topic == "predictions":
            for message in log.messages[6 * 60 :]:
                broker.append(partition, message.value, timestamp=message.timestamp)
    store = new_store()
    reader = Reader(store, broker, tmp_path, labelled_plan())
    reader.catch_up()
    assert len(realised(store, "accuracy")) == 6
    reader.write(everything=True)
    reader.close()
    missing = store.view("quality_history", where={"check_name": "label_ratio", "verdict": "fail"})
    assert len(missing) == 6


def test_a_label_that_is_corrected_after_publication_is_a_revision(tmp_path: Path) -> None:
    frame = rows_of_hours(2, 60, 3, lambda _: 0.1)
    broker = broker_with(frame, lambda _: 1000)
    store = new_store()
    reader = Reader(store, broker, tmp_path, labelled_plan())
    reader.catch_up()
    reader.write(everything=True)
    before = realised(store, "accuracy")[0]
    wrong = next(i for i in range(60) if frame["prediction"][i] != frame["label"][i])
    value = b'{"id": "r%d", "timestamp": %d, "label": %d}' % (
        wrong,
        START_MS + 3 * HOUR_MS,
        frame["prediction"][wrong],
    )
    broker.append(next(tp for tp in broker.logs if tp.topic == "labels"), value, timestamp=START_MS)
    reader.catch_up()
    after = realised(store, "accuracy")[0]
    assert after["value"] == pytest.approx(before["value"] + 1 / 60)
    assert after["revision"] == before["revision"] + 1
    old = store.view("performance_revisions", where={"metric": "accuracy", "multiple": 1})
    assert [row["value"] for row in old] == pytest.approx([before["value"]])
    reader.close()


def test_windows_stay_open_while_the_table_is_restored(tmp_path: Path) -> None:
    frame = rows_of_hours(3, 60, 3, lambda _: 0.1)
    broker = broker_with(frame, lambda _: HOUR_MS)
    store = new_store()
    first = Reader(store, broker, tmp_path / "first", labelled_plan())
    first.turn(1)
    first.turn(90)
    first.turn(90)
    first.write()
    before = store.view("window_history")
    first.close()
    second = Reader(store, broker, tmp_path / "second", labelled_plan())
    second.turn(1)
    assert second.engine.restoring > 0
    for _ in range(3):
        second.turn(10)
        second.write()
    assert second.engine.restoring > 0
    assert store.view("window_history") == before
    assert not any(row["caught_up"] for row in store.progress_rows())
    second.read_all(random.Random(3))
    assert [row["rows"] for row in store.view("window_history", newest_first=False)] == [60, 60, 60]
    assert {row["late"] for row in store.view("window_history")} == {0}


def test_a_lost_disk_is_restored_from_the_topics(tmp_path: Path) -> None:
    frame = rows_of_hours(HOURS, 60, 3, lambda _: 0.1)
    broker = broker_with(frame, lambda _: 3 * HOUR_MS)
    plain, lost = new_store(), new_store()
    Reader(plain, broker, tmp_path / "plain", labelled_plan()).read_all(random.Random(1))
    first = Reader(lost, broker, tmp_path / "first", labelled_plan())
    for _ in range(3):
        first.turn(150)
        first.write()
    first.close()
    second = Reader(lost, broker, tmp_path / "second", labelled_plan())
    second.turn(1)
    second.turn(1)
    assert second.engine.restoring > 0
    second.read_all(random.Random(2))
    for view in ("label_history", "performance_history"):
        assert rows_of(lost, view, "revision") == rows_of(plain, view, "revision")
