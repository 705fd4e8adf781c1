"""What the demo says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.demo.car_loan import (
    DRIFTED,
    DRIFTED_ON,
    FIRST_WHOLE_DAY,
    LABELS_TOPIC,
    MOVED,
    PARTITIONS,
    TOPIC,
)
from monitor.demo.postgres import EmbeddedPostgres
from monitor.demo.questions import Accuracy
from monitor.demo.questions import answers as asked
from monitor.demo.receivers import Inbox
from monitor.demo.terminal import Terminal
from monitor.demo.waiting import DemoError

_OF_THE_MODEL = frozenset({"concept", "performance"})
_FALL = 0.02
"""Of the accuracy, at least: with all labels it falls from .944 to .916."""


def started(terminal: Terminal, bootstrap: str, postgres: EmbeddedPostgres, config: Path) -> None:
    """Say what it is about and what runs, and show the configuration."""
    terminal.say(
        "A model decides on car loans. It was trained on 50,000 of them, and has logged its predictions "
        "since. On 31 March 2019 its customers change, and nobody tells the model. Does driftd?"
    )
    terminal.heading("1  Everything on this machine, nothing pretended")
    terminal.table(
        ("", ""),
        (
            ("Kafka protocol", f"{bootstrap}, a broker in this process"),
            ("PostgreSQL", f"{postgres.version}, in {postgres.folder}"),
            ("Slack and mail", "an HTTP and an SMTP server in this process stand in"),
            ("configuration", f"{config}:"),
        ),
    )
    terminal.block(config.read_text(encoding="utf-8"))


def produced(terminal: Terminal, rows: int, labels: int, seconds: float) -> None:
    """Say what is on the topics."""
    terminal.say(
        f"{rows:,} predictions, in time order, are on the topic {TOPIC} in {PARTITIONS} partitions, and "
        f"{labels:,} labels, 3 to 14 days later, on {LABELS_TOPIC} ({seconds:.1f} s)."
    )


def served(terminal: Terminal, windows: Sequence[dict[str, Any]], read_s: float, all_s: float) -> None:
    """Say what the service did."""
    rows = sum(row["rows"] for row in windows)
    terminal.say(
        f"{rows:,} rows read and committed in {read_s:.1f} s, {len(windows)} days judged, everybody told; "
        f"stopped by SIGTERM with exit code 0 ({all_s:.1f} s in all)."
    )


def drift(terminal: Terminal, alerts: Sequence[dict[str, Any]]) -> None:
    """Say what drifted since when and by how much."""
    terminal.heading("What drifted, since when, by how much")
    ordered = sorted(alerts, key=lambda row: (row["status"], row["shift"], row["opened_at"]))
    terminal.table(
        ("feature", "since", "until", "reference → latest bad window"),
        ((_name(row), _day(row["opened_at"]), _until(row), row["summary"]) for row in ordered),
    )
    terminal.say(
        "\nThe data were made so: inputs move on 2019-03-31 at 03:00, the scores with them, and the model "
        "errs more often from then on."
    )
    odd = [_name(row) for row in ordered if row["shift"] == "covariate" and row["feature"] not in MOVED]
    if odd:
        terminal.say(
            f"Nothing was done to {', '.join(odd)}: a false alarm. The setting false_alarms says how many of "
            "them to expect in which time."
        )


def messages(terminal: Terminal, slack: Inbox, mail: Inbox) -> None:
    """Show what arrived, as it arrived."""
    for who, inbox in (("Slack", slack), ("the mail server", mail)):
        terminal.heading(f"What {who} got")
        for one in inbox.arrived:
            terminal.message(one.subject, one.text)


def answers(terminal: Terminal, url: str) -> None:
    """Show the questions, their SQL and their answers."""
    terminal.heading("What SQL says")
    for number, (question, answer) in enumerate(asked(url), 1):
        terminal.subheading(f"{number}. {question.words}")
        terminal.block(question.sql, "cyan")
        terminal.table(answer.columns, answer.rows)


def suffered(terminal: Terminal, before: Accuracy, since: Accuracy) -> None:
    """Say whether the model suffered, which only labels can tell for sure."""
    terminal.heading("Does the model suffer?")
    terminal.say(
        f"Yes. Before 31 March it was right on {_percent(before.known)} of the loans, known from "
        f"{before.labels:,} labels; since then on {_percent(since.known)} of {since.labels:,}. "
        f"Before any label came, driftd had estimated {_percent(before.estimated)} and "
        f"{_percent(since.estimated)}."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def check(
    alerts: Sequence[dict[str, Any]], inboxes: Sequence[Inbox], accuracies: tuple[Accuracy, Accuracy]
) -> None:
    """Raise `DemoError` unless the known drift, and nothing before it, was found and told to everybody."""
    early = [row for row in alerts if row["fired_at"] is not None and row["fired_at"].date() <= DRIFTED_ON]
    if early:
        raise DemoError(f"{_name(early[0])}: false alarm on {_day(early[0]['opened_at'])}, before any drift")
    since = {row["feature"]: row["opened_at"].date() for row in alerts if row["shift"] == "covariate"}
    for feature in DRIFTED:
        if feature not in since:
            raise DemoError(f"the drift of {feature} on {DRIFTED_ON} was not found")
        if since[feature] > FIRST_WHOLE_DAY:
            raise DemoError(f"the drift of {feature} on {DRIFTED_ON} was found only from {since[feature]}")
    before, since_then = accuracies
    if not before.known - since_then.known > _FALL:
        raise DemoError(f"accuracy was {before.known:.3f} and is {since_then.known:.3f}: no fall was found")
    if not any(row["shift"] in _OF_THE_MODEL and row["notified"] for row in alerts):
        raise DemoError("nobody was told that the model errs more often")
    for inbox in inboxes:
        text = "".join(one.text for one in inbox.arrived)
        for feature in DRIFTED:
            if feature not in text:
                raise DemoError(f"a message about {feature} did not arrive")


def ended(terminal: Terminal, seconds: float) -> None:
    """Say where to go next."""
    terminal.heading("Next")
    terminal.say(f"All of this took {seconds:.0f} s. For a model of yours:")
    terminal.table(
        ("", ""),
        (
            ("1", "write a config.toml like the one above: your broker, database, topic, services"),
            ("2", "driftd db upgrade && driftd reference build MODEL TRAINING_ROWS.parquet"),
            ("3", "driftd check --connect && driftd notify test"),
            ("4", "driftd run"),
        ),
    )


def _name(row: Mapping[str, Any]) -> str:
    named = str(row["feature"] or row["check_name"])
    return f"{named}, {row['check_name']}" if row["shift"] == "performance" else named


def _until(row: Mapping[str, Any]) -> str:
    return "still" if row["resolved_at"] is None else _day(row["resolved_at"])


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()
