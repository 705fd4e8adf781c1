"""The assembled service, on a broker in memory and SQLite."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from urllib.request import urlopen

import pytest
from kafka import KafkaProducer
from structlog.testing import capture_logs

from detectors.dictionary import Dictionary, Feature, Kind, Role
from monitor.broker import EmbeddedBroker
from monitor.clock import SystemClock
from monitor.config import load, parse
from monitor.following import Following
from monitor.references import stored
from monitor.runtime import Running, assemble, fixed_changes
from monitor.store.sql import open_store
from tests.monitor.worlds import log, reference
from tests.services.waiting import until

CONFIG = """
[kafka]
bootstrap_servers = ["{bootstrap}"]
start = "earliest"
dead_letters = "{{topic}}.dead"
[database]
url = "sqlite:///{folder}/driftd.sqlite"
[service]
http = ""
commit_interval = "100ms"
[limits]
batch_interval = "100ms"
[models.loans]
topics = ["predictions"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """Give a configuration whose broker holds 40 messages, two of which cannot be used."""
    with EmbeddedBroker() as broker:
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
        for value in [*log(1)[:38], b"{broken", b"[]"]:
            producer.send("predictions", value)
        producer.flush()
        producer.close()
        store = open_store(f"sqlite:///{tmp_path}/driftd.sqlite")
        store.upgrade_schema()
        store.add_reference(stored(reference(), active=True))
        store.close_connections()
        path = tmp_path / "config.toml"
        path.write_text(CONFIG.format(bootstrap=broker.bootstrap, folder=tmp_path))
        yield path


@pytest.fixture
def running(file: Path) -> Iterator[Running]:
    loaded = load(file, {})
    with assemble(loaded, {}, SystemClock(), Random(1), threading.Event()) as made:
        yield made


def value(running: Running, name: str) -> float | None:
    return running.metrics.registry.get_sample_value(name, {"topic": "predictions"})


def turning(running: Running, done: Callable[[], bool]) -> Callable[[], bool]:
    def turn() -> bool:
        running.loop.turn(threading.Event())
        return done()

    return turn


def test_every_message_and_every_dead_letter_is_counted(running: Running) -> None:
    until(turning(running, lambda: (value(running, "driftd_records_consumed_total") or 0) >= 40), "40", 30)
    assert value(running, "driftd_records_consumed_total") == 40
    assert value(running, "driftd_dead_letters_total") == 2
    assert value(running, "driftd_last_record_processed_timestamp_seconds") is not None


def test_a_reload_that_needs_a_restart_names_what_differs(running: Running, file: Path) -> None:
    text = file.read_text().replace('start = "earliest"', 'group_id = "secret-name"')
    file.write_text(text + '[alerts]\nslack_root = "https://relay.example.com"\n')
    with capture_logs() as logs:
        running.reload({})
    assert running.metrics.registry.get_sample_value("driftd_config_last_reload_successful") == 0
    (line,) = [each for each in logs if "not reloaded" in each["event"]]
    assert line["error"].startswith("kafka.group_id, kafka.start, alerts.slack_root changed")
    assert "secret-name" not in line["error"]
    assert running.loaded.config.kafka.start == "earliest"


def test_a_model_that_a_reload_adds_is_judged(running: Running, file: Path) -> None:
    file.write_text(file.read_text() + '[models.more]\ntopics = ["predictions"]\nreference = "loans"\n')
    running.reload({})
    assert set(running.plans) == {"loans", "more"}
    running.engine.close_windows(everything=True)


def test_windows_name_the_configuration_that_is_in_force_after_a_reload(running: Running, file: Path) -> None:
    before = running.loaded.sha256
    until(turning(running, lambda: (value(running, "driftd_records_consumed_total") or 0) >= 40), "40", 30)
    file.write_text(file.read_text() + "min_rows = 7\n")
    running.reload({})
    after = running.loaded.sha256
    running.engine.close_windows(everything=True)
    assert {row["config_hash"] for row in running.store.view("window_history")} == {after} != {before}
    said = {row["hash"]: row["settings"]["models"]["loans"] for row in running.store.view("configs")}
    assert {name: model["min_rows"] for name, model in said.items()} == {before: 50, after: 7}


def test_a_reference_that_is_put_into_force_is_taken_over(running: Running) -> None:
    running.following = Following(running.store, running.clock, every_s=0.0)
    before = running.plans["loans"]
    running.follow_references()
    assert running.plans["loans"] is before
    running.store.add_reference(stored(reference(2), active=True))
    running.follow_references()
    assert running.plans["loans"].reference.id == reference(2).id
    assert running.engine.plans["loans"].reference.id == reference(2).id


def test_a_reference_that_does_not_fit_is_not_taken_over(running: Running) -> None:
    running.following = Following(running.store, running.clock, every_s=0.0)
    two = Dictionary(
        {**reference().dictionary.features, "more": Feature("more", Kind.NUMERIC, "float", Role.SCORE)}
    )
    odd = replace(reference(2), dictionary=two)
    running.store.add_reference(stored(odd, active=True))
    with capture_logs() as logs:
        running.follow_references()
    assert running.plans["loans"].reference.id == reference().id
    assert [line["event"] for line in logs] == ["the reference in force does not fit, the old one stays"]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("", ()),
        ("\n[models.a]\ntopics = ['p']\nwindow = '2h'", ()),
        ("\n[models.a]\ntopics = ['p', 'q']\n[models.b]\ntopics = ['r']", ('topic "q"', 'topic "r"')),
        ("\n[limits]\nbatch_rows = 5", ("limits.batch_rows",)),
        ("\n[service]\nhttp = ''", ("service.http",)),
        ("\n[alerts]\nslack_root = 'https://relay.example.com'", ("alerts.slack_root",)),
        ("\n[alerts.services]\na = { env = 'A' }", ("alerts.services",)),
        ("\n[alerts]\ngroup_wait = '9m'", ()),
    ],
)
def test_what_needs_a_restart_is_named(more: str, named: tuple[str, ...]) -> None:
    top = "[kafka]\nbootstrap_servers = ['k:9092']\n[database]\nurl = 'sqlite://'"
    model = "" if "[models.a]" in more else "\n[models.a]\ntopics = ['p']"
    old = parse(top + "\n[models.a]\ntopics = ['p']")
    assert fixed_changes(old, parse(top + model + more)) == named


def test_the_page_is_served_beside_the_loop_and_shows_a_configuration_read_again(file: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file.write_text(f'{file.read_text()}\n[page]\nhttp = "127.0.0.1:{port}"\n')
    with assemble(load(file, {}), {}, SystemClock(), Random(1), threading.Event()) as running:
        until(
            turning(running, lambda: (value(running, "driftd_records_consumed_total") or 0) >= 40), "40", 30
        )
        assert b"loans" in page_of(port)
        assert b"payments" not in page_of(port)
        text = file.read_text()
        file.write_text(f'{text}\n[models.payments]\ntopics = ["predictions"]\nreference = "loans"\n')
        running.reload({})
        assert b"payments" in page_of(port)
    with pytest.raises(OSError, match="refused"):
        page_of(port)


def page_of(port: int) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
        return bytes(answer.read())


def test_without_its_extra_the_page_is_refused_with_the_way_to_get_it() -> None:
    script = (
        "import sys; sys.modules['starlette'] = None\n"
        "from monitor.clock import SystemClock\n"
        "from monitor.config import parse\n"
        "from monitor.parts import page_of\n"
        f"page_of(parse({CONFIG.format(bootstrap='k:1', folder='/x')!r} + "
        "'[page]\\nhttp = \"127.0.0.1:1\"'), SystemClock())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "pip install 'driftd[page]', or leave page.http out" in done.stderr
