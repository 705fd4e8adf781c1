"""`driftd dictionary promote`: drift that was accepted raises nothing, a further shift does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from alerts.model import Status, labels
from detectors.reference_wire import decode
from monitor.cli import main
from monitor.clock import ManualClock
from monitor.compile import plans_of
from monitor.config import Config, load
from monitor.engine import Engine
from monitor.references import stored
from monitor.source.base import Polled, TopicPartition
from monitor.store.base import Alerting, Store, View
from monitor.store.sql import open_store
from monitor.telling import Speaking
from tests.monitor.store.rows import alert
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, ListSource, chunk, payload, reference
from tests.services.postgres_fixtures import empty_postgres_url, postgres_databases, postgres_url

__all__ = ["empty_postgres_url", "postgres_databases", "postgres_url"]  # fixtures, known here by name

CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "{url}"
[models.loans]
topics = ["predictions"]
windows_up_to = "2h"
min_rows = 20
keep_windows = 1
"""
AT = TopicPartition("predictions", 0)
PER_HOUR = 120


class Stream:
    """A log that is fed by the hour, and judged."""

    def __init__(self, store: Store, config: Config) -> None:
        self.store, self.config = store, config
        self.rng = np.random.default_rng(3)
        self.hour = self.offset = 0

    def feed(self, hours: int, age: float, countries: str) -> None:
        """Judge hours with this mean age and these countries, by whatever reference is in force."""
        plans = plans_of(self.config, self.store)
        engine = Engine(ListSource(), self.store, plans, ManualClock(NOW), "earliest", Speaking())
        engine.assignment(Polled(assigned=frozenset({AT})))
        engine.claim()
        rows = [self._row(hour, i, age, countries) for hour in range(hours) for i in range(PER_HOUR)]
        engine.take([chunk(AT, rows, self.offset)])
        engine.commit()
        engine.close_windows(everything=True)
        self.hour, self.offset = self.hour + hours, self.offset + len(rows)

    def _row(self, hour: int, i: int, age: float, countries: str) -> bytes:
        features = {
            "age": round(float(self.rng.normal(age, 10.0)), 2),
            "country": str(self.rng.choice(countries.split())),
            "owner": bool(self.rng.random() < 0.3),
        }
        time_ms = START_MS + (self.hour + hour) * HOUR_MS + i * (HOUR_MS // PER_HOUR)
        prediction = int(self.rng.integers(0, 2))
        score = round(float(self.rng.random()), 4)
        return payload(f"{self.hour + hour}-{i}", time_ms, features, prediction=prediction, score=score)

    def said(self, view: View, verdict: str, from_hour: int) -> list[dict[str, Any]]:
        """Give the rows with this verdict in windows from then on."""
        since = datetime.fromtimestamp(moment_ms(from_hour) / 1000, UTC)
        return self.store.view(view, where={"verdict": verdict}, since=since)

    def drifted(self, from_hour: int) -> set[str]:
        return {row["feature"] for row in self.said("drift_history", "drift", from_hour)}

    def failed(self, from_hour: int) -> set[tuple[str, str]]:
        rows = self.said("quality_history", "fail", from_hour)
        return {(row["feature"], row["check_name"]) for row in rows}

    def open_alerts(self) -> set[str]:
        rows = self.store.view("alert_history")
        return {row["feature"] for row in rows if row["status"] != Status.RESOLVED}


def moment_ms(hour: int) -> int:
    return START_MS + hour * HOUR_MS


BEFORE, SINCE = "DE DE DE DE DE FR FR FR PT PT", "DE FR IT IT"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.integration)])
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stream]:
    """Eight hours whose last six are of other ages, and of a country that nobody knew."""
    url = f"sqlite:///{tmp_path}/driftd.sqlite"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(url=url))
    store = open_store(url)
    store.upgrade_schema()
    store.add_reference(stored(reference(), active=True))
    fed = Stream(store, load(path, {}).config)
    fed.feed(2, 40.0, BEFORE)
    fed.feed(6, 60.0, SINCE)
    yield fed
    store.close_connections()


def promote(tmp_path: Path, *options: str) -> int:
    try:
        main(["dictionary", "promote", "loans", "--config", str(tmp_path / "config.toml"), *options])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


OWN = """
[feature.age]
kind = "numeric"
[feature.country]
kind = "categorical"
enum = ["DE", "FR", "PT"]
[feature.owner]
kind = "boolean"
[feature.prediction]
kind = "numeric"
type = "int"
role = "prediction"
[feature.score]
kind = "numeric"
role = "score"
"""
STRETCH = ("--from", "2026-01-01T02:00", "--to", "2026-01-01T08:00")


def test_accepted_drift_raises_nothing_and_a_further_shift_is_found(
    stream: Stream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {"age", "country"} <= stream.open_alerts()
    before = {row["alert_id"] for row in stream.store.view("alert_history")}
    assert promote(tmp_path, *STRETCH, "--yes", "--by", "anna", "--comment", "new market") == 0
    told = capsys.readouterr().out
    assert "(6 windows, 720 rows)" in told
    assert '"IT"' not in told
    assert "+ IT" in told
    assert all(len(line) <= 80 for line in told.splitlines() if not line.startswith("stays as it was"))
    assert stream.open_alerts() == set()
    for row in stream.store.view("alert_history"):
        assert row["annotations"]["accepted"]["by"] == "anna"
        assert row["summary"].endswith("accepted as normal by anna: new market")
    active = stream.store.active_reference("loans")
    assert active is not None
    assert (active.id, active.rows) != (reference().id, 2_000)
    assert active.data_version.startswith("history:2026-01-01T02:00:00+00:00/2026-01-01T08:00:00+00:00@")

    stream.feed(8, 60.0, SINCE)
    assert stream.drifted(8) == set()
    assert stream.failed(8) == set()
    assert {row["alert_id"] for row in stream.store.view("alert_history")} == before

    stream.feed(2, 75.0, "DE FR IT ES ES")
    assert {"age", "country"} <= stream.drifted(16)
    assert ("country", "categorical_values") in stream.failed(16)
    assert {"age", "country"} <= stream.open_alerts()


def test_nothing_happens_unless_somebody_agrees(
    stream: Stream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    standing = stream.open_alerts()
    assert promote(tmp_path, *STRETCH) == 2
    said = capsys.readouterr()
    assert "give --yes" in said.err
    assert (
        f"open alerts that end: {len(stream.store.view('alert_history', where={'status': 'firing'}))}"
        in said.out
    )
    active = stream.store.active_reference("loans")
    assert active is not None
    assert active.id == reference().id
    assert stream.open_alerts() == standing


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--from", "2026-02-01", "--to", "2026-02-02"), 1, "no judged window between"),
        (("--from", "2026-01-01T08:00", "--to", "2026-01-01T02:00"), 2, "is not before"),
        ((*STRETCH, "--yes", "--max-blind", "0"), 1, "or allow it with --max-blind"),
        ((*STRETCH, "--yes", "--dictionary", "{folder}/none.toml"), 1, "cannot be read"),
    ],
)
def test_what_cannot_be_promoted_is_said(
    stream: Stream,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    assert promote(tmp_path, *(option.format(folder=tmp_path) for option in options)) == code
    assert words in capsys.readouterr().err
    assert stream.open_alerts()


def test_a_worse_model_is_not_accepted_with_its_data(stream: Stream, tmp_path: Path) -> None:
    kinds = (("performance", "accuracy", "realised"), ("concept", "loss", ""), ("prior", "label", ""))
    named = [
        labels(model="loans", shift=shift, feature=feature, segment="", **({"check": check} if check else {}))
        for shift, feature, check in kinds
    ]
    with stream.store.lock("loans") as lock:
        assert lock is not None
        lock.write(Alerting(alerts=tuple(alert(labels=each) for each in named)))
    assert promote(tmp_path, *STRETCH, "--yes") == 0
    assert stream.open_alerts() == {"accuracy", "loss", "label"}


def test_a_season_is_not_known_from_windows(
    stream: Stream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(path.read_text() + 'season = "hour_of_day"\n')
    assert promote(tmp_path, *STRETCH, "--yes") == 1
    assert "models.loans.season: what the hours look like is not known" in capsys.readouterr().err
    assert stream.open_alerts()


def test_windows_of_an_older_reference_are_not_promoted(
    stream: Stream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream.store.add_reference(stored(reference(9), active=True))
    assert promote(tmp_path, *STRETCH, "--yes") == 1
    assert f"was counted on reference {reference().id}" in capsys.readouterr().err


def test_quality_alerts_end_where_the_dictionary_lets_the_values_through(
    stream: Stream, tmp_path: Path
) -> None:
    row = stream.store.active_reference("loans")
    assert row is not None
    features: dict[str, Any] = dict(decode(row.payload).dictionary.features)
    assert features["country"].categories is not None
    assert any(alert["check_name"] == "categorical_values" for alert in stream.store.view("alert_history"))
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    assert promote(tmp_path, *STRETCH, "--yes", "--dictionary", str(own)) == 0
    left = [alert for alert in stream.store.view("alert_history") if alert["status"] == Status.FIRING]
    assert {(alert["feature"], alert["check_name"]) for alert in left} == {("country", "categorical_values")}
    assert msgspec.to_builtins(left[0]["annotations"]).get("accepted") is None
