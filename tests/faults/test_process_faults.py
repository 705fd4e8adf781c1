"""Processes that die or freeze, at every stage of a message's way: the rows are those of a quiet run."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.receivers import WebReceiver, web_receiver
from tests.faults.dying import at_stages
from tests.integration.labelled import labelled_log, labelled_world, read, run_until_settled, two_topics
from tests.integration.running import World, results, service
from tests.monitor.labelled_worlds import rows_of_hours
from tests.monitor.worlds import HOUR_MS
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.long, pytest.mark.timeout(420)]

HOURS, PER_HOUR = 20, 1_000
VIEWS = ("drift_history", "quality_history", "performance_history", "label_history", "window_history")
MODEL = """
window = "1h"
windows_up_to = "4h"
labels_wait = "2d"
"""
ALERTS = """
[alerts]
group_wait = "0s"
group_interval = "0s"
[alerts.services]
hook = {{ url = "json://{address}/hook" }}
"""

# What has just happened when the process is killed, in the order of a message's way. The first stages come
# with every batch, the later ones when windows end, alerts fire and messages are sent.
STAGES = {
    "polled": "after 2 monitor.source.kafka.source:KafkaSource.poll",
    "decoded": "after 2 monitor.decode.decoder:Decoder.decode",
    "summarised": "after 2 monitor.intake:summarise",
    "predictions noted for the join": "after 2 monitor.join.joiner:Joiner.predictions",
    "labels joined": "after 2 monitor.join.joiner:Joiner.labels",
    "a commit begins": "before 2 monitor.store.progress:commit",
    "the cursors are written, the windows are not": "before 2 monitor.store.progress:write_windows",
    "the windows are written, COMMIT is not sent": "after 2 monitor.store.progress:write_windows",
    "committed, the answer is not read": "after 2 monitor.store.sql:SqlStore.commit",
    "committed, the join's table is not written": "before 2 monitor.join.joiner:Joiner.flush",
    "the join's table is written": "after 1 monitor.join.joiner:Joiner.flush",
    "Kafka knows the position": "after 2 monitor.source.kafka.source:KafkaSource.commit",
    "parts of a window merged": "after 1 monitor.closing:merged",
    "a window judged": "after 1 monitor.closing:judge",
    "a window's results half written": "after 1 monitor.store.history:write_findings",
    "a window closed under the lock": "after 1 monitor.store.closing:SqlModelLock.close",
    "results on labels written": "after 1 monitor.store.closing:SqlModelLock.labelled",
    "sequential detectors stepped": "after 1 monitor.performance.settle:step_through",
    "alerts stepped, COMMIT is not sent": "after 1 monitor.store.closing:SqlModelLock.write",
    "judged and committed": "after 1 monitor.engine:Engine.close_windows",
    "a message decided, not in the outbox": "after 1 monitor.telling:flush",
    "a message in the outbox": "after 1 monitor.engine:Engine.flush_alerts",
    "a message claimed": "after 1 monitor.store.sql:SqlStore.claim",
    "a message sent, not marked": "after 1 alerts.send:Sender.send",
    "a message marked as sent": "after 1 monitor.store.sql:SqlStore.mark_sent",
}
KEPT = {"DRIFTD__KAFKA__OPTIONS__GROUP_INSTANCE_ID": "one"}  # each start takes its place again at once
SMALL_BITES = {
    "DRIFTD__KAFKA__MAX_POLL_RECORDS": "50",
    "DRIFTD__KAFKA__OPTIONS__MAX_PARTITION_FETCH_BYTES": "8192",  # all partitions in turn, not one to its end
    "DRIFTD__LIMITS__BATCH_ROWS": "50",
}
BITES = {"DRIFTD__KAFKA__MAX_POLL_RECORDS": "300", "DRIFTD__LIMITS__BATCH_ROWS": "300"}
HASTY = {"DRIFTD__KAFKA__OPTIONS__SESSION_TIMEOUT_MS": "2000"}


@dataclass(frozen=True)
class Log:
    """A log of predictions and labels, and what a quiet run makes of it."""

    bootstrap: str
    url: str
    folder: Path
    training: Path
    topics: tuple[str, str]
    messages: int
    expected: dict[str, Any]

    def world(self, extra: str = "") -> World:
        folder, training = self.folder, self.training
        return labelled_world(folder, self.bootstrap, self.url, self.topics, training, MODEL + extra)

    def compare(self, at: World) -> None:
        found = _stable(results(at.store, VIEWS))
        at.store.close_connections()
        for view in VIEWS:
            assert found[view] == self.expected[view], view


@pytest.fixture(scope="module")
def told(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Log:
    folder = tmp_path_factory.mktemp("process-faults")
    training = folder / "training.parquet"
    frame = rows_of_hours(20, 500, 1, lambda _: 0.1)
    frame["timestamp"] = frame.pop("time_ms") - 1_000 * HOUR_MS
    frame.to_parquet(training)
    predictions, labels = labelled_log(HOURS, PER_HOUR)
    for row in predictions[8 * PER_HOUR :]:
        row["features"]["age"] += 20.0
    topics = two_topics(kafka_bootstrap, predictions, labels)
    messages = len(predictions) + len(labels)
    log = Log(kafka_bootstrap, postgres_databases.empty(), folder, training, topics, messages, {})
    quiet = log.world()
    run_until_settled(quiet, topics, messages)
    log.expected.update(_stable(results(quiet.store, VIEWS)))
    quiet.store.close_connections()
    assert sum(dict(row)["rows"] for row in log.expected["window_history"]) == HOURS * PER_HOUR
    assert any(dict(row)["verdict"] == "drift" for row in log.expected["drift_history"])
    return log


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


def test_killed_at_every_stage_the_rows_are_the_same_and_every_alert_is_told(
    told: Log, web: WebReceiver
) -> None:
    at = told.world(ALERTS.format(address=web.url.removeprefix("http://")))
    stages = at_stages(*(f"SIGKILL {stage}" for stage in STAGES.values()))
    with service(at, stages, KEPT | SMALL_BITES) as dying:
        assert dying.wait(300) == 0, at.log.read_text()[-3_000:]
    run_until_settled(
        at,
        told.topics,
        told.messages,
        entry=at_stages(),
        environ=KEPT,
        is_done=lambda: all(row["notified"] for row in fired(at)),
    )
    assert fired(at)
    assert web.posts
    told.compare(at)


def fired(at: World) -> list[dict[str, Any]]:
    return [row for row in at.store.view("alert_history") if row["fired_at"] is not None]


FROZEN = "before 3 monitor.store.progress:commit"
FROZEN_WHILE_CLOSING = "after 2 monitor.store.closing:SqlModelLock.close"
FENCED = "another process has taken over"


def test_frozen_past_its_session_a_process_is_fenced_and_joins_again(told: Log) -> None:
    """One freezes with rows that it has not written, the next in the middle of closing windows."""
    at = told.world()
    environ = HASTY | BITES
    first = service(at, at_stages(f"SIGSTOP {FROZEN}"), environ)
    second = service(at, at_stages(f"SIGSTOP {FROZEN_WHILE_CLOSING}"), environ)
    with ExitStack() as stack:
        zombie = stack.enter_context(first)
        until(lambda: is_stopped(zombie), "the first process is frozen", 60)
        closer = stack.enter_context(second)
        before = read(at, told.topics)
        until(lambda: read(at, told.topics) > before, "the second has taken over", 60)
        until(lambda: is_stopped(closer), "the second is frozen while it closes windows", 60)
        zombie.send_signal(signal.SIGCONT)
        until(lambda: FENCED in at.log.read_text(), "the first is fenced", 60)
        closer.send_signal(signal.SIGCONT)
        until(lambda: read(at, told.topics) == told.messages, "both have read to the end", 120)
        for process in (zombie, closer):
            process.terminate()
            assert process.wait(20) == 0, at.log.read_text()[-3_000:]
    run_until_settled(at, told.topics, told.messages)
    told.compare(at)


def is_stopped(process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _stable(found: dict[str, Any]) -> dict[str, Any]:
    """Without how often a result was revised, which depends on when labels were read."""
    return {
        view: [tuple(pair for pair in row if pair[0] != "revision") for row in rows]
        for view, rows in found.items()
    }
