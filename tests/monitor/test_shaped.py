"""Messages of several rows through the engine: the same results as the same rows logged one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monitor.clock import ManualClock
from monitor.config import Config
from monitor.errors import DataError
from monitor.references import built
from monitor.replaying import Replayed, replay_files
from monitor.store.base import Store, View
from monitor.telling import Speaking
from tests.monitor.decode.logs import as_csv
from tests.monitor.labelled_worlds import labelled_reference, rows_of_hours
from tests.monitor.worlds import NOW, config, new_store

HOURS, PER_HOUR = 5, 60
LABELS = 'labels_topics = ["labels"]\nlabels_horizon = "10d"\n'
CAPTURED = """
[models.loans.fields]
preset = "sagemaker-capture"
feature_names = ["age", "country"]
prediction = "captureData.endpointOutput.data.0"
score = "captureData.endpointOutput.data.1"
[models.loans.labels_fields]
preset = "sagemaker-groundtruth"
"""
VIEWS: tuple[View, ...] = ("drift_history", "performance_history", "label_history", "window_history")


def events() -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the rows in events of one to four; all rows of an event have the time of its first."""
    rows, sizes = rows_of_hours(HOURS, PER_HOUR, 3, lambda hour: 0.1 if hour < 3 else 0.4), count()
    while len(rows):
        number = next(sizes)
        event, rows = rows.iloc[: 1 + number % 4], rows.iloc[1 + number % 4 :]
        yield f"event-{number}", event.assign(time_ms=event["time_ms"].iloc[0])


def cells(event: pd.DataFrame, *columns: str) -> str:
    return as_csv(event[list(columns)].astype(object).to_numpy().tolist())


def captured(name: str, event: pd.DataFrame) -> dict[str, Any]:
    inside, out = cells(event, "age", "country"), cells(event, "prediction", "score")
    time = pd.Timestamp(event["time_ms"].iloc[0], unit="ms", tz="UTC").isoformat()
    return {
        "captureData": {
            "endpointInput": {"mode": "INPUT", "data": inside, "encoding": "CSV"},
            "endpointOutput": {"mode": "OUTPUT", "data": out, "encoding": "CSV"},
        },
        "eventMetadata": {"eventId": name, "inferenceTime": time},
    }


def truth(name: str, event: pd.DataFrame) -> dict[str, Any]:
    return {
        "groundTruthData": {"data": cells(event, "label"), "encoding": "CSV"},
        "eventMetadata": {"eventId": name},
    }


def lines(path: Path, *messages: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(message) + "\n" for message in messages))
    return path


def plain(name: str, event: pd.DataFrame) -> pd.DataFrame:
    ids = [f"{name}#{i}" for i in range(len(event))]
    return event.assign(id=ids).rename(columns={"time_ms": "timestamp"})


def replayed(settings: Config, store: Store, rows: Path, labels: Path) -> Replayed:
    known, clock = labelled_reference(), ManualClock(NOW)
    return replay_files(settings, "loans", known, [rows], store, clock, Speaking(), labels=[labels])


def results(store: Store) -> dict[str, list[tuple[str, ...]]]:
    return {view: sorted(map(told, store.view(view))) for view in VIEWS}


def told(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Give all but when it was found, and by which of the configurations that have to come to the same."""
    return tuple(
        str(value) for name, value in row.items() if not name.endswith("_at") and name != "config_hash"
    )


@pytest.mark.parametrize("batch_rows", [40_000, 7])
def test_events_with_labels_come_to_the_same_results_as_their_rows(tmp_path: Path, batch_rows: int) -> None:
    frame = pd.concat([plain(name, event) for name, event in events()])
    frame.drop(columns="label").to_parquet(tmp_path / "rows.parquet")
    frame[["id", "label"]].to_parquet(tmp_path / "labels.parquet")
    one_by_one, together = new_store(), new_store()
    tables = tmp_path / "rows.parquet", tmp_path / "labels.parquet"
    expected = replayed(config(LABELS), one_by_one, *tables)
    settings = config(f"{LABELS}{CAPTURED}[limits]\nbatch_rows = {batch_rows}\n")
    rows = lines(tmp_path / "rows.jsonl", *(captured(*each) for each in events()))
    labels = lines(tmp_path / "labels.jsonl", *(truth(*each) for each in events()))
    done = replayed(settings, together, rows, labels)
    assert (done.rows, done.labels, done.rejected) == (HOURS * PER_HOUR, HOURS * PER_HOUR, 0)
    assert done == expected
    assert results(together) == results(one_by_one)
    assert any(
        "realised" in str(row) or "accuracy" in str(row) for row in results(together)["performance_history"]
    )


def test_tables_are_replayed_as_the_rows_that_messages_would_have_been_made_into(tmp_path: Path) -> None:
    frame = pd.concat([plain(name, event) for name, event in events()])
    frame.drop(columns="label").to_parquet(tmp_path / "rows.parquet")
    frame[["id", "label"]].to_parquet(tmp_path / "labels.parquet")
    tables = tmp_path / "rows.parquet", tmp_path / "labels.parquet"
    one, other = new_store(), new_store()
    assert replayed(config(LABELS + CAPTURED), one, *tables) == replayed(config(LABELS), other, *tables)
    assert results(one) == results(other)


def test_tables_and_messages_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("age,country\n1,DE\n")
    (tmp_path / "rows.jsonl").write_text("{}\n")
    files = [tmp_path / "rows.csv", tmp_path / "rows.jsonl"]
    settings = config(LABELS + CAPTURED)
    with pytest.raises(DataError, match="give tables or messages, not both together"):
        replay_files(
            settings, "loans", labelled_reference(), files, new_store(), ManualClock(NOW), Speaking()
        )


def test_a_reference_can_be_built_from_messages_and_from_a_table(tmp_path: Path) -> None:
    settings = config(CAPTURED).models["loans"]
    rows = lines(tmp_path / "rows.jsonl", *(captured(*each) for each in events()))
    frame = pd.concat([plain(name, event) for name, event in events()])
    frame.drop(columns="label").to_parquet(tmp_path / "rows.parquet")
    of_messages = built("loans", settings, rows, NOW)
    of_table = built("loans", settings, tmp_path / "rows.parquet", NOW)
    assert of_messages.dictionary == of_table.dictionary
    assert set(of_messages.grids) == {"age", "country", "prediction", "score"}
    assert of_messages.profile == of_table.profile
