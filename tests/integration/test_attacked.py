"""A log full of traps, secrets with marks in them, least rights: from real Kafka to every output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql

from monitor.store.grants import grants
from tests.alerts.receivers import web_receiver
from tests.integration.labelled import labelled_log, labelled_world, run_until_settled, two_topics
from tests.integration.running import World, send_to
from tests.integration.watching import watched
from tests.monitor.labelled_worlds import rows_of_hours
from tests.services.postgres_fixtures import Databases

EVIL = "'; DROP TABLE model; --\"\\<b onclick=x>[red]{0}%s\x1b[31m\u202e"
CATEGORY = '<script>alert(1)</script><!channel>[link=file:///]\x00\x9b31m\u202e\n{"level":"error"}'
REJECTS = (b"\x1b[31m{not json\n", b"\xff\xfe\x00", b"", b'{"id": "x", "timestamp": "\\u001b[2J\\n<b>"}')
DATABASE, KAFKA, HOOK, OTHER = "MARK%d b/@s\u00e4", "MARK-kafka", "MARKhookMARKhookMARKhook", "MARK-o ther"
MODEL = """
window = "1h"
windows_up_to = "2h"
labels_wait = "1h"
labels_share = 0.5
min_rows = 50
keep_windows = 1
"""
ALERTS = """
[alerts]
slack_root = "{slack}/services"
group_wait = "1s"
[alerts.services]
hook = {{ env = "TEST_HOOK" }}
other = {{ env = "TEST_OTHER" }}
"""
COMMANDS = (
    ("check",), ("check", "--json"), ("check", "--connect"), ("check", "--connect", "--json"),
    ("status",), ("status", "--json"), ("history", "--all", "-n", "2000"), ("history", "--all", "--json"),
    ("alerts", "--all"), ("alerts", "--all", "--json"), ("silence", "list"), ("silence", "list", "--json"),
    ("reference", "list"), ("reference", "show", "loans"), ("dictionary", "show", "loans"),
    ("dictionary", "show", "loans", "--json"), ("dictionary", "show", "loans", "--toml"),
    ("compare", "--model", "loans", "--from", "2000-01-01"), ("notify", "test"), ("notify", "test", "--json"),
)  # fmt: skip
HARMLESS = frozenset("\n\t")

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(400)]


@dataclass
class Attacked:
    """What was seen of a service that has read the traps."""

    at: World
    environ: Mapping[str, str]
    admin: str
    reader: str
    writer: str
    posts: list[str] = field(default_factory=list)
    metrics: str = ""
    arguments: str = ""

    def command(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "monitor", *arguments, "--config", str(self.at.config)],
            env={**os.environ, **self.environ, "COLUMNS": "200", **environ},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )


def training(path: Path) -> Path:
    frame = rows_of_hours(20, 200, 1, lambda _: 0.1).rename(columns={"country": EVIL, "time_ms": "timestamp"})
    frame["id"] = [f"t{i}" for i in range(len(frame))]
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms", utc=True) - pd.Timedelta(days=60)
    frame.to_parquet(path)
    return path


def trapped(hours: int) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    predictions, labels = labelled_log(hours, 120)
    for i, row in enumerate(predictions):
        country = row["features"].pop("country")
        row["features"][EVIL] = CATEGORY if i > len(predictions) // 2 else country
        if i > len(predictions) // 2:
            row["features"]["new " + EVIL] = 1
    return predictions, labels


@pytest.fixture(scope="module")
def attacked(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("attacked")
    predictions, labels = trapped(6)
    topics = two_topics(kafka_bootstrap, predictions, labels)
    send_to(kafka_bootstrap, topics[0], REJECTS, 2)
    admin = postgres_databases.empty()
    at = labelled_world(folder, kafka_bootstrap, admin, topics, training(folder / "t.parquet"), MODEL)
    schema = at.config.read_text().partition('schema = "')[2].partition('"')[0]
    reader, writer = (f"{name}_{threading.get_native_id()}" for name in ("reader", "writer"))
    with psycopg.connect(admin, autocommit=True) as connection:
        for role in (reader, writer):
            statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(role), sql.Literal(DATABASE)))
        connection.execute(grants(schema, reader, writer).encode())
    with web_receiver() as slack, web_receiver() as other:
        other.status = 404
        text = at.config.read_text().replace(f'url = "{admin}"', f'url = "{url_of(admin, writer)}"')
        options = f'[kafka.options]\nsasl_plain_password = "{KAFKA}"\n'
        at.config.write_text(text.replace("[kafka.options]\n", options) + ALERTS.format(slack=slack.url))
        environ = {
            "TEST_HOOK": f"slack://AAAAAAAAA/BBBBBBBBB/{HOOK}",
            "TEST_OTHER": f"json://me:{quote(OTHER)}@{other.url.removeprefix('http://')}/MARKpath",
        }
        seen = Attacked(at, environ, admin, reader, writer)
        watch = watched(at)

        def look() -> bool:
            seen.metrics = (watch._get("/metrics") or b"").decode()
            version = watch._get("/version") or b""
            seen.metrics += "" if b"MARK" not in version else "MARK"
            return bool(slack.posts and other.posts)

        total = len(predictions) + len(labels) + len(REJECTS)
        run_until_settled(at, topics, total, environ=environ, is_done=look)
        assert slack.complaints == []
        seen.posts = [json.dumps(payload, ensure_ascii=False) for _, payload in slack.posts]
        matcher = f"feature={json.dumps(EVIL)}"
        comment = CATEGORY.replace("\x00", "")  # which no argument can hold
        silenced = seen.command("silence", "add", matcher, "--for", "1h", "--comment", comment, "--by", EVIL)
        assert silenced.returncode == 0, silenced.stderr
        assert_clean(silenced.stdout, "silence add")
        yield seen
    at.store.close_connections()
    with psycopg.connect(admin, autocommit=True) as connection:
        for role in (reader, writer):
            connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))


def url_of(admin: str, role: str) -> str:
    head, _, tail = admin.partition("://")
    return f"{head}://{role}:{quote(DATABASE, safe='')}@{tail.rpartition('@')[2]}"


def assert_clean(text: str, where: str) -> None:
    """Find neither a secret, in whatever form, nor what a terminal would obey."""
    at = text.find("MARK")
    assert at < 0, f"{where}: ...{text[max(0, at - 80) : at + 40]!r}"
    odd = {letter for letter in text if not letter.isprintable()} - HARMLESS
    assert not odd, f"{where}: {odd}"


def test_slack_got_the_names_as_text(attacked: Attacked) -> None:
    told = "".join(attacked.posts)
    assert "DROP TABLE model" in told
    for part in ("<script", "<b onclick", "<!channel", "\\u001b", "\x1b", "\u202e", "\x9b"):
        assert part not in told


def test_every_line_of_the_log_is_one_object_of_ours(attacked: Attacked) -> None:
    text = attacked.at.log.read_text()
    assert_clean(text, "log")
    lines = [json.loads(line) for line in text.splitlines()]
    assert all({"ts", "level", "event", "module"} <= line.keys() for line in lines)
    assert not [line for line in lines if line["event"] == "" or line.get("exception")]


def test_metrics_can_be_read_and_hold_no_name_out_of_the_data(attacked: Attacked) -> None:
    families = list(text_string_to_metric_families(attacked.metrics))
    labels = {label for family in families for sample in family.samples for label in sample.labels.values()}
    assert "loans" in labels
    assert "MARK" not in attacked.metrics
    assert not [label for label in labels if "DROP" in label or "<" in label]


def test_what_was_found_is_in_the_database_under_its_name_and_no_secret_with_it(attacked: Attacked) -> None:
    store = attacked.at.store
    drifted = {row["feature"] for row in store.view("drift_history", where={"verdict": "drift"})}
    assert EVIL in drifted
    assert {row["reason"] for row in store.view("rejects")} >= {
        "not_json",
        "not_utf8",
        "empty",
        "bad_timestamp",
    }
    assert len(store.view("models")) == 1  # nothing was dropped
    with psycopg.connect(attacked.admin) as connection:
        found = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert len(found) > 15
        for (table,) in found:
            rows = connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
            assert "MARK" not in "".join(row[0] for row in rows), table
            assert b"MARK".hex() not in "".join(row[0] for row in rows), table


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_shows_a_secret_or_obeys_a_name(attacked: Attacked, arguments: tuple[str, ...]) -> None:
    done = attacked.command(*arguments)
    assert_clean(done.stdout, "stdout")
    assert_clean(done.stderr, "stderr")
    assert "Traceback" not in done.stderr
    assert done.returncode in {0, 1, 2}, done.stderr
    if "--json" in arguments:
        json.loads(done.stdout)


def test_the_writer_works_and_can_change_no_table(attacked: Attacked) -> None:
    schema = attacked.at.store._database.schema  # type: ignore[attr-defined]
    refused(attacked, attacked.writer, f"DROP TABLE {schema}.model", "must be owner")
    refused(attacked, attacked.writer, f"ALTER TABLE {schema}.model ADD COLUMN x int", "must be owner")
    refused(attacked, attacked.writer, f"CREATE TABLE {schema}.x (y int)", "permission denied for schema")
    refused(attacked, attacked.writer, f"TRUNCATE {schema}.model", "permission denied")
    refused(attacked, attacked.writer, f"DELETE FROM {schema}.alembic_version", "permission denied")


def test_the_reader_sees_views_alone(attacked: Attacked) -> None:
    schema = attacked.at.store._database.schema  # type: ignore[attr-defined]
    with psycopg.connect(url_of(attacked.admin, attacked.reader)) as connection:
        assert connection.execute(f"SELECT count(*) FROM {schema}.drift_history".encode()).fetchone() != (0,)
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)
        ).fetchall()
    for (table,) in tables:
        refused(attacked, attacked.reader, f"SELECT 1 FROM {schema}.{table}", "permission denied")
    refused(
        attacked, attacked.reader, f"DELETE FROM {schema}.drift_history", "permission denied|cannot delete"
    )
    refused(attacked, attacked.reader, f"CREATE TABLE {schema}.x (y int)", "permission denied for schema")


def refused(attacked: Attacked, role: str, statement: str, why: str) -> None:
    with psycopg.connect(url_of(attacked.admin, role)) as connection:
        with pytest.raises(psycopg.Error, match=why):
            connection.execute(statement.encode())
        connection.rollback()


def test_tables_of_the_same_name_elsewhere_are_not_written_to(attacked: Attacked) -> None:
    with psycopg.connect(attacked.admin, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.model (LIKE pg_catalog.pg_class); ")
        name = sql.Identifier(attacked.writer)
        connection.execute(sql.SQL("ALTER ROLE {} SET search_path = public, pg_catalog").format(name))
    done = attacked.command("status", "--json")
    assert json.loads(done.stdout)["models"][0]["model"] == "loans", done.stderr
