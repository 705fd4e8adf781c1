"""The demo from beginning to end."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from monitor.broker.embedded import EmbeddedBroker
from monitor.cli import check, database, reference
from monitor.clock import Clock
from monitor.config import Loaded, load
from monitor.demo import report
from monitor.demo.car_loan import ANALYSIS, LABELS_TOPIC, MODEL, PARTITIONS, REFERENCE, ROWS, TOPIC
from monitor.demo.following import Following
from monitor.demo.labels import labels
from monitor.demo.postgres import EmbeddedPostgres
from monitor.demo.producing import produce
from monitor.demo.questions import accuracies
from monitor.demo.receivers import Inbox, mail_receiver, slack_receiver
from monitor.demo.service import ServiceProcess
from monitor.demo.settings import secrets, write_config
from monitor.demo.terminal import Terminal, progress
from monitor.rowmessages import messages
from monitor.store.sql import open_store

_AROUND_THE_DRIFT = slice(20_000, 30_000)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the demo runs on."""

    broker: EmbeddedBroker
    postgres: EmbeddedPostgres
    slack: Inbox
    mail: Inbox
    config: Path


def started(stack: ExitStack, folder: Path, clock: Clock) -> Parts:
    """Start broker, database and receivers, which end with the stack, and write the configuration."""
    postgres = stack.enter_context(EmbeddedPostgres(clock))
    broker = stack.enter_context(EmbeddedBroker())
    slack = stack.enter_context(slack_receiver())
    mail = stack.enter_context(mail_receiver())
    config = write_config(folder, broker.bootstrap, postgres.url, slack.root)
    return Parts(broker, postgres, slack, mail, config)


def tell(parts: Parts, folder: Path, terminal: Terminal, clock: Clock, *, is_fast: bool) -> None:
    """Do the main job on the known log, show it, and raise `DemoError` if anything is not as known."""
    begun_s = clock.monotonic()
    report.started(terminal, parts.broker.bootstrap, parts.postgres, parts.config)
    terminal.command("driftd check")
    check.check(config=parts.config)
    _reference(parts.config, terminal)
    loaded = load(parts.config, {})
    rows = _log(parts, loaded, terminal, clock, is_fast=is_fast)
    alerts = _service(parts, folder, rows, terminal, clock)
    report.drift(terminal, alerts)
    report.messages(terminal, parts.slack, parts.mail)
    report.answers(terminal, parts.postgres.url)
    both = accuracies(parts.postgres.url)
    report.check(alerts, (parts.slack, parts.mail), both)
    report.suffered(terminal, *both)
    report.ended(terminal, clock.monotonic() - begun_s)


def _reference(config: Path, terminal: Terminal) -> None:
    terminal.heading("2  What the model was trained on")
    terminal.command("driftd db upgrade")
    database.upgrade(config)
    terminal.command(f"driftd reference build {MODEL} {REFERENCE.name}")
    reference.build(MODEL, REFERENCE, config=config)


def _log(parts: Parts, loaded: Loaded, terminal: Terminal, clock: Clock, *, is_fast: bool) -> int:
    terminal.heading("3  What the model has logged since")
    part = _AROUND_THE_DRIFT if is_fast else slice(0, ROWS)
    logged = messages(ANALYSIS, loaded.config.models[MODEL].fields.resolved(MODEL))
    sent = islice(logged, part.start, part.stop)
    begun_s = clock.monotonic()
    with progress("producing", 2 * (part.stop - part.start)) as advance:
        numbered = ((number % PARTITIONS, row) for number, row in enumerate(sent))
        rows = produce(parts.broker.bootstrap, TOPIC, PARTITIONS, numbered, advance)
        known = produce(parts.broker.bootstrap, LABELS_TOPIC, PARTITIONS, labels(part), advance)
    report.produced(terminal, rows, known, clock.monotonic() - begun_s)
    return rows


def _service(parts: Parts, folder: Path, rows: int, terminal: Terminal, clock: Clock) -> list[dict[str, Any]]:
    terminal.heading("4  The service")
    terminal.command("driftd run")
    begun_s = clock.monotonic()
    store = open_store(parts.postgres.url)
    try:
        with ServiceProcess(parts.config, secrets(parts.mail.port), folder / "driftd.log") as service:
            following = Following(service, store, (parts.slack, parts.mail), clock)
            with progress("reading", 2 * rows) as advance:
                following.until_read(2 * rows, advance)
            read_s = clock.monotonic() - begun_s
            with progress("judging", rows) as advance:
                windows = following.until_judged(rows, advance)
            following.until_labelled()
            alerts = following.until_told()
            service.stop()
    finally:
        store.close_connections()
    report.served(terminal, windows, read_s, clock.monotonic() - begun_s)
    return alerts
