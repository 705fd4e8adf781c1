"""History counted in pieces, in any order, is judged as files read row by row are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from detectors.reference import Reference
from monitor.backfill import Counted, backfill, counted
from monitor.clock import ManualClock
from monitor.config import Config, parse
from monitor.errors import DataError
from monitor.references import built
from monitor.replaying import replay_files
from monitor.store.base import Store
from monitor.store.sql import open_store
from monitor.telling import Speaking
from tests.data import car_loan
from tests.monitor.worlds import NOW

CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite://"
[models.car_loan]
topics = ["predictions"]
window = "1d"
windows_up_to = "4d"
lateness = "2d"
[models.car_loan.fields]
preset = "flat"
prediction = "y_pred"
score = "y_pred_proba"
label = "repaid"
id = "id"
"""
VIEWS = ("drift_history", "quality_history", "performance_history", "window_history", "alert_history")
LAYOUT = {"extra_column", "schema_drift"}  # of single messages; a table has one layout
WHEN = {"evaluated_at", "closed_at", "opened_at", "fired_at", "resolved_at"}


def new_store() -> Store:
    store = open_store("sqlite://")
    store.upgrade_schema()
    return store


@pytest.fixture
def store() -> Iterator[Store]:
    made = new_store()
    yield made
    made.close_connections()


@pytest.fixture(scope="module")
def config() -> Config:
    return parse(CONFIG)


@pytest.fixture(scope="module")
def reference(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    path = car_loan.write_dirty("reference", tmp_path_factory.mktemp("reference"))
    return built("car_loan", config.models["car_loan"], path, NOW)


def windows(frame: pd.DataFrame, config: Config, reference: Reference, pieces: int) -> list[Counted]:
    """Count as a cluster would: pieces of the rows, then their sums by window."""
    rng = np.random.default_rng(pieces)
    dealt = rng.integers(0, pieces, len(frame))
    settings = config.models["car_loan"]
    fields = settings.fields.resolved("car_loan")
    parts: dict[int, list[Counted]] = defaultdict(list)
    for piece in range(pieces):
        for part in counted(frame[dealt == piece], fields, reference, settings.window.ms):
            parts[part.start_ms].append(part)
    return [reduce(Counted.merge, parts[start]) for start in sorted(parts)]


def rows_of(store: Store, view: Any) -> list[dict[str, Any]]:
    rows = [row for row in store.view(view, newest_first=False) if row.get("check_name") not in LAYOUT]
    return sorted(({name: value for name, value in row.items() if name not in WHEN} for row in rows), key=str)


def test_history_counted_in_pieces_is_judged_as_the_same_rows_replayed(
    config: Config, reference: Reference, store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "analysis.parquet"
    frame = car_loan.dirty("analysis").iloc[20_000:30_000]  # the drift begins in the middle
    frame.to_parquet(path)
    assert backfill(
        config, "car_loan", reference, windows(frame, config, reference, 3), store, ManualClock(NOW), "years"
    )
    replayed = new_store()
    replay_files(config, "car_loan", reference, [path], replayed, ManualClock(NOW), Speaking())
    for view in VIEWS:
        expected = rows_of(replayed, view)
        assert rows_of(store, view) == expected, view
    assert any(row["verdict"] == "drift" for row in rows_of(store, "drift_history"))
    assert any(row["verdict"] == "fail" for row in rows_of(store, "quality_history"))
    replayed.close_connections()


def test_an_interrupted_backfill_is_gone_on_with(config: Config, reference: Reference, store: Store) -> None:
    found = windows(car_loan.clean("analysis").iloc[:12_000], config, reference, 1)
    clock = ManualClock(NOW)

    def torn() -> Iterator[Counted]:
        yield from found[:40]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backfill(config, "car_loan", reference, torn(), store, clock, "years")
    backfill(config, "car_loan", reference, found, store, clock, "years")
    assert backfill(config, "car_loan", reference, found, store, clock, "years") == 0
    whole = new_store()
    backfill(config, "car_loan", reference, found, whole, clock, "years")
    for view in VIEWS:
        assert rows_of(store, view) == rows_of(whole, view), view
    whole.close_connections()


def test_history_from_before_what_is_judged_is_refused(
    config: Config, reference: Reference, store: Store
) -> None:
    found = windows(car_loan.clean("analysis"), config, reference, 1)
    backfill(config, "car_loan", reference, islice(found, 10, 20), store, ManualClock(NOW), "later")
    with pytest.raises(DataError, match=r"judged up to .* this history begins at .*goes in before"):
        backfill(config, "car_loan", reference, found[:10], store, ManualClock(NOW), "earlier")


def test_a_table_without_timestamps_is_refused(config: Config, reference: Reference) -> None:
    fields = config.models["car_loan"].fields.resolved("car_loan")
    with pytest.raises(DataError, match="none of the columns car_value is the timestamp"):
        list(counted(pd.DataFrame({"car_value": [1.0]}), fields, reference, 3_600_000))


def test_rows_without_a_readable_time_are_left_out(config: Config, reference: Reference) -> None:
    frame = car_loan.clean("analysis").head(3)
    frame["timestamp"] = frame["timestamp"].astype(object)
    frame.loc[1, "timestamp"] = None
    fields = config.models["car_loan"].fields.resolved("car_loan")
    assert sum(part.profile.rows for part in counted(frame, fields, reference, 3_600_000)) == 2
