"""Files through the engine, with labels from files of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from detectors.reference import Reference
from monitor.clock import ManualClock
from monitor.config import Config, parse
from monitor.errors import ConfigError, DataError
from monitor.references import built
from monitor.replaying import Replayed, replay_files
from monitor.store.base import Store
from monitor.store.sql import open_store
from monitor.telling import Speaking
from tests.monitor.worlds import NOW, START_MS

CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite://"
[models.loans]
topics = ["predictions"]
windows_up_to = "1h"
"""
ROWS = 600


@pytest.fixture
def store() -> Iterator[Store]:
    made = open_store("sqlite://")
    made.upgrade_schema()
    yield made
    made.close_connections()


def frame(rows: int = ROWS, seed: int = 1) -> pd.DataFrame:
    """Give a row every 12 seconds, nine of ten predicted rightly."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(rows)],
            "timestamp": START_MS + 12_000 * np.arange(rows),
            "age": rng.normal(40.0, 10.0, rows),
            "prediction": np.where(np.arange(rows) % 10 == 0, 1 - label, label),
            "label": label,
        }
    )


@pytest.fixture
def training(tmp_path: Path) -> Path:
    file = tmp_path / "training.parquet"
    frame(2_000, seed=2).to_parquet(file)
    return file


def config(more: str = "") -> Config:
    return parse(CONFIG + more)


def known(settings: Config, training: Path) -> Reference:
    return built("loans", settings.models["loans"], training, NOW)


def saved(folder: Path, name: str, rows: pd.DataFrame) -> Path:
    file = folder / name
    rows.to_parquet(file)
    return file


def replayed(
    settings: Config,
    training: Path,
    store: Store,
    paths: list[Path],
    labels: list[Path],
    read: list[int] | None = None,
) -> Replayed:
    clock = ManualClock(NOW)
    advance = None if read is None else read.append
    return replay_files(
        settings, "loans", known(settings, training), paths, store, clock, Speaking(), advance, labels
    )


def test_labels_are_counted_apart_from_the_rows(tmp_path: Path, training: Path, store: Store) -> None:
    rows = frame()
    log = saved(tmp_path, "log.parquet", rows.drop(columns="label"))
    labels = saved(tmp_path, "labels.parquet", rows[["id", "timestamp", "label"]].iloc[:500])
    read: list[int] = []
    assert replayed(config(), training, store, [log], [labels], read) == Replayed(ROWS, 0, 2, 500)
    assert sum(read) == ROWS + 500
    assert replayed(config(), training, store, [log], [labels]) == Replayed(0, 0, 0, 0)


def test_without_label_files_the_topics_of_labels_in_the_configuration_are_not_needed(
    tmp_path: Path, store: Store
) -> None:
    """Neither is a label in the reference."""
    unlabelled = saved(tmp_path, "training.parquet", frame(2_000, seed=2).drop(columns="label"))
    log = saved(tmp_path, "log.parquet", frame().drop(columns="label"))
    settings = config('labels_topics = ["labels"]\n')
    assert replayed(settings, unlabelled, store, [log], []) == Replayed(ROWS, 0, 2, 0)
    with pytest.raises(ConfigError, match="the reference has no label column"):
        replayed(settings, unlabelled, store, [log], [log])


def test_label_files_are_read_by_the_paths_of_labels(tmp_path: Path, training: Path, store: Store) -> None:
    rows = frame()
    log = saved(tmp_path, "log.parquet", rows.drop(columns="label"))
    settings = config('[models.loans.labels_fields]\nid = "loan.id"\nlabel = "paid"\ntimestamp = "seen"\n')
    table = pd.DataFrame({"loan.id": rows["id"], "paid": rows["label"], "seen": "2026-01-05T00:00:00Z"})
    lines = tmp_path / "labels.jsonl"
    odd = {"label": 1}, {"loan": {"id": "r1"}, "paid": 1, "seen": "soon"}
    lines.write_text("".join(json.dumps(row) + "\n" for row in odd))
    done = replayed(settings, training, store, [log], [saved(tmp_path, "labels.parquet", table), lines])
    assert done == Replayed(ROWS, 2, 2, ROWS)
    assert {(row["reason"], row["topic"].split(".")[0]) for row in store.view("rejects")} == {
        ("no_id", "labels"),
        ("bad_timestamp", "labels"),
    }


def test_labels_may_be_in_the_file_of_the_predictions(tmp_path: Path, training: Path, store: Store) -> None:
    log = saved(tmp_path, "log.parquet", frame())
    assert replayed(config(), training, store, [log], [log]) == Replayed(ROWS, 0, 2, ROWS)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('[models.loans.fields]\nid = "$key"', r'models.loans.fields.id: "\$key" is not in files'),
        (
            '[models.loans.labels_fields]\nid = "$headers.x"',
            r'labels_fields.id: "\$headers.x" is not in files',
        ),
        ('[models.loans.fields]\nlabel = ""', "models.loans.fields.label: is off, but labels_topics need it"),
        ('[models.loans.fields]\nid = ""', "models.loans.fields.id: is off, but labels_topics need it"),
    ],
)
def test_places_that_files_do_not_have_are_told(
    tmp_path: Path, training: Path, store: Store, more: str, told: str
) -> None:
    log = saved(tmp_path, "log.parquet", frame())
    with pytest.raises(ConfigError, match=told):
        replayed(config(more), training, store, [log], [log])


def test_a_label_file_that_is_not_there_is_named(tmp_path: Path, training: Path, store: Store) -> None:
    log = saved(tmp_path, "log.parquet", frame())
    with pytest.raises(DataError, match=r"nowhere.csv: there is no such file"):
        replayed(config(), training, store, [log], [tmp_path / "nowhere.csv"])
