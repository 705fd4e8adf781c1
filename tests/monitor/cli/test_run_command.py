"""`driftd run` as people run it: a process that gets signals and answers probes."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from monitor.broker.embedded import EmbeddedBroker
from monitor.cli import main
from tests.monitor.test_systemd import Manager
from tests.monitor.worlds import log, training_frame
from tests.services.postgres import free_port
from tests.services.waiting import until

CONFIG = """
[kafka]
bootstrap_servers = ["{bootstrap}"]
start = "earliest"
[database]
url = "sqlite:///{folder}/driftd.sqlite"
[service]
http = "127.0.0.1:{port}"
log_format = "json"
commit_interval = "100ms"
[limits]
batch_interval = "100ms"
[models.loans]
topics = ["predictions"]
min_rows = {min_rows}
"""


class Running:
    """One service, its log and its endpoints."""

    def __init__(self, folder: Path, bootstrap: str) -> None:
        self.folder, self.bootstrap, self.port = folder, bootstrap, free_port()
        self.config, self.log = folder / "config.toml", folder / "driftd.log"
        self.configure(20)
        self.manager = Manager(str(folder / "notify"))
        self.heard: list[str] = []

    def configure(self, min_rows: object) -> None:
        text = CONFIG.format(bootstrap=self.bootstrap, folder=self.folder, port=self.port, min_rows=min_rows)
        self.config.write_text(text)

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log_file:
            command = [sys.executable, "-m", "monitor", "run", "--config", str(self.config)]
            under_systemd = {"NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "400000"}
            environ = os.environ | under_systemd
            return subprocess.Popen(command, stdout=log_file, stderr=log_file, env=environ)

    def hears(self, word: str) -> bool:
        self.heard += [word for words in self.manager.heard() for word in words]
        return word in self.heard

    def said(self, event: str) -> bool:
        return any(event in line for line in self.log.read_text().splitlines())

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Running, subprocess.Popen[bytes]]]:
    training = tmp_path / "training.parquet"
    training_frame().to_parquet(training)
    with EmbeddedBroker() as broker:
        service = Running(tmp_path, broker.bootstrap)
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
        for value in log(hours=2):
            producer.send("predictions", value)
        producer.flush()
        producer.close()
        main_quietly("db", "upgrade", "--config", str(service.config))
        main_quietly("reference", "build", "loans", str(training), "--config", str(service.config))
        process = service.start()
        try:
            until(lambda: service.get("/readyz")[0] == 200, "the service is ready", 60)
            yield service, process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)
            service.manager.socket.close()


def main_quietly(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert not ended.value.code


@pytest.mark.slow
def test_it_answers_probes_reloads_and_stops_when_told(
    running: tuple[Running, subprocess.Popen[bytes]],
) -> None:
    service, process = running
    until(lambda: service.hears("STATUS=running"), "systemd hears that it runs")
    ready = service.heard.index("READY=1")
    assert service.heard.index("EXTEND_TIMEOUT_USEC=120000000") < ready
    assert service.heard.index("STATUS=starting") < ready
    assert json.loads(service.get("/healthz")[1])["healthy"] is True
    until(
        lambda: 'records_consumed_total{topic="predictions"} 120.0' in service.get("/metrics")[1],
        "rows counted",
    )

    service.configure('"many"')
    process.send_signal(signal.SIGHUP)
    until(lambda: service.said("configuration not reloaded"), "the refusal is logged")
    assert service.said("models.loans.min_rows")
    assert "driftd_config_last_reload_successful 0.0" in service.get("/metrics")[1]

    service.configure(30)
    process.send_signal(signal.SIGHUP)
    until(lambda: service.said("configuration reloaded"), "the new configuration holds")
    assert "driftd_config_last_reload_successful 1.0" in service.get("/metrics")[1]
    until(lambda: service.hears("READY=1") and service.heard.count("READY=1") == 3, "the reload is over")
    assert service.heard.count("RELOADING=1") == 2

    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert service.said('"event":"stopped"')
    assert service.hears("STOPPING=1")
    again = service.start()
    until(lambda: service.get("/readyz")[0] == 200, "it goes on", 60)
    again.send_signal(signal.SIGTERM)
    assert again.wait(10) == 0


@pytest.mark.slow
def test_a_main_loop_that_hangs_pings_no_watchdog_while_probes_are_answered(
    running: tuple[Running, subprocess.Popen[bytes]],
) -> None:
    service, _ = running
    until(lambda: service.hears("WATCHDOG=1"), "it pings")
    other = sqlite3.connect(service.folder / "driftd.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")  # the loop's next transaction waits for half a minute

    def silent_s() -> float:
        return float(json.loads(service.get("/healthz")[1])["seconds_since_last_turn"])

    until(lambda: silent_s() > 2, "the loop hangs")
    service.manager.heard()
    until(lambda: silent_s() > 4, "the loop still hangs")
    assert service.manager.heard() == []
    other.execute("ROLLBACK")
    other.close()
    service.heard.clear()
    until(lambda: service.hears("WATCHDOG=1"), "it pings again")
