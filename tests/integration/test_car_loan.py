"""The car-loan log: where drift is known to begin, it is found, and nothing is said before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import SystemClock
from monitor.config import parse
from monitor.demo.car_loan import ANALYSIS, REFERENCE
from monitor.references import built
from monitor.replaying import replay_files
from monitor.rowmessages import messages
from monitor.store.base import Store
from monitor.store.sql import open_store
from monitor.telling import Speaking
from tests.data.car_loan import write_dirty
from tests.integration.running import results, run_to_the_end, topic_of, world
from tests.services.postgres_fixtures import Databases

DRIFT_BEGINS = datetime(2019, 3, 31, 3, tzinfo=UTC)
FIRST_FULL_WINDOW_ENDS = datetime(2019, 4, 2, tzinfo=UTC)
CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite://"
[models.loans]
topics = ["loans"]
window = "1d"
[models.loans.fields]
prediction = "y_pred"
score = "y_pred_proba"
label = "repaid"
"""


def replayed(reference: Path, analysis: Path) -> Store:
    config = parse(CONFIG)
    store = open_store("sqlite://")
    store.upgrade_schema()
    known = built("loans", config.models["loans"], reference, SystemClock().now())
    done = replay_files(config, "loans", known, [analysis], store, SystemClock(), Speaking())
    assert (done.rows, done.rejected, done.windows) == (50_000, 0, 304)
    return store


pytestmark = pytest.mark.xdist_group("car loan")  # one worker makes its worlds


@pytest.fixture(scope="module")
def clean() -> Iterator[Store]:
    store = replayed(REFERENCE, ANALYSIS)
    yield store
    store.close_connections()


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("dirty")
    store = replayed(write_dirty("reference", folder), write_dirty("analysis", folder))
    yield store
    store.close_connections()


def alerts_of(store: Store) -> list[dict[str, Any]]:
    return store.view("alert_history", newest_first=False)


def test_nobody_is_alarmed_before_the_drift_begins(clean: Store) -> None:
    assert min(alert["fired_at"] for alert in alerts_of(clean)) > DRIFT_BEGINS
    drifted = clean.view("drift_history", where={"verdict": "drift"}, until=DRIFT_BEGINS)
    assert all(row["window_end"] > DRIFT_BEGINS for row in drifted)


@pytest.mark.parametrize("feature", ["car_value", "loan_length", "salary_range"])
def test_the_features_that_drift_alarm_by_the_first_full_window(clean: Store, feature: str) -> None:
    fired = [alert["fired_at"] for alert in alerts_of(clean) if alert["feature"] == feature]
    assert DRIFT_BEGINS < min(fired) <= FIRST_FULL_WINDOW_ENDS


def test_the_clean_log_has_no_quality_findings(clean: Store) -> None:
    assert [row for row in clean.view("quality_history") if row["verdict"] in ("fail", "warn", "error")] == []


def test_the_dirty_log_has_exactly_the_known_ones(dirty: Store) -> None:
    failed = [row for row in dirty.view("quality_history") if row["verdict"] in ("fail", "warn", "error")]
    found = {(row["feature"], row["check_name"]) for row in failed}
    assert found == {
        ("salary_range", "completeness"),
        ("driver_tenure", "completeness"),
        ("size_of_downpayment", "categorical_values"),
    }
    nulls = [row["window_end"] for row in failed if row["check_name"] == "completeness"]
    assert min(nulls) > DRIFT_BEGINS
    unseen = [row["window_start"] for row in failed if row["check_name"] == "categorical_values"]
    assert min(unseen) < datetime(2018, 11, 7, tzinfo=UTC)


FIELDS = """
window = "1d"
[models.loans.fields]
prediction = "y_pred"
score = "y_pred_proba"
label = "repaid"
"""


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_replay_gives_the_history_that_kafka_gives(
    clean: Store, kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    fields = parse(CONFIG).models["loans"].fields.resolved("loans")
    topic = topic_of(kafka_bootstrap, messages(ANALYSIS, fields), 4)
    at = world(tmp_path, kafka_bootstrap, postgres_databases.empty(), topic, REFERENCE, model=FIELDS)
    run_to_the_end(at, 50_000, 4)
    views = ("drift_history", "alert_history")
    through_kafka, through_files = results(at.store, views), results(clean, views)
    at.store.close_connections()
    for view in views:
        assert len(through_kafka[view]) > 100 or view == "alert_history"
        pairs = zip(through_kafka[view], through_files[view], strict=True)
        differing = [pair for pair in pairs if pair[0] != pair[1]]
        assert differing[:1] == [], view
