"""No room for the join's table: the kernel refuses to let its file grow, under a running service."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

import pytest

from tests.integration.labelled import labelled_log, labelled_world, run_until_settled, two_topics
from tests.integration.labelled import read as messages_read
from tests.integration.running import results, service
from tests.integration.watching import LIMIT_S, watched
from tests.monitor.labelled_worlds import rows_of_hours
from tests.monitor.worlds import HOUR_MS
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

HOURS, PER_HOUR = 12, 1_000
ENOUGH_BYTES, NO_MORE_BYTES = 100_000, 80_000
"""The table has to have grown beyond what a file may have then, and the log has to have room."""
VIEWS = ("performance_history", "label_history", "quality_history", "window_history")
MODEL = """
window = "1h"
windows_up_to = "2h"
labels_wait = "2d"
"""


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_full_disk_is_waited_for_and_every_label_is_joined_once(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = tmp_path / "training.parquet"
    frame = rows_of_hours(20, 500, 1, lambda _: 0.1)
    frame["timestamp"] = frame.pop("time_ms") - 1_000 * HOUR_MS
    frame.to_parquet(training)
    predictions, labels = labelled_log(HOURS, PER_HOUR)
    topics = two_topics(kafka_bootstrap, predictions, labels)
    total = len(predictions) + len(labels)
    url = postgres_databases.empty()
    full = labelled_world(tmp_path, kafka_bootstrap, url, topics, training, MODEL)
    text = full.config.read_text(encoding="utf-8")
    text = text.replace("batch_rows = 2000", "batch_rows = 100")  # small steps: the disk is full half way
    text = text.replace('start = "earliest"', 'start = "earliest"\nmax_poll_records = 50')
    full.config.write_text(text, encoding="utf-8")
    table = full.config.with_name(f"{full.config.stem}-state") / "join-0"
    watch = watched(full)
    with service(full) as process:
        until(lambda: longest(table) > ENOUGH_BYTES, "the table grows", LIMIT_S, 0.01)
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (NO_MORE_BYTES, hard))
        assert "File too large" in watch.wait_for_cause("state_dir")
        line = watch.wait_for_line("waiting for what is away")
        assert line["what"] == "state_dir"
        assert watch.is_healthy()
        reached = messages_read(full, topics)
        assert reached < total
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        watch.wait_for_line("back after an outage")
        until(lambda: messages_read(full, topics) > reached, "reading goes on", 2 * LIMIT_S)
        watch.wait_until_ready()
        process.terminate()
        assert process.wait(LIMIT_S) == 0
    run_until_settled(full, topics, total)
    calm = labelled_world(tmp_path, kafka_bootstrap, url, topics, training, MODEL)
    run_until_settled(calm, topics, total)
    expected, found = results(calm.store, VIEWS), results(full.store, VIEWS)
    for each in (calm, full):
        each.store.close_connections()
    assert sum(dict(row)["labelled"] for row in found["label_history"]) == HOURS * PER_HOUR * 499 // 500
    for view in VIEWS:
        assert _stable(found[view]) == _stable(expected[view]), view


def longest(folder: Path) -> int:
    """How many bytes the longest file has; those that vanish meanwhile have none."""
    sizes = [0]
    for file in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):
            sizes.append(file.stat().st_size)
    return max(sizes)


def _stable(rows: list[tuple[tuple[str, object], ...]]) -> list[tuple[tuple[str, object], ...]]:
    """Without how often a result was revised, which depends on when labels were read."""
    return [tuple(pair for pair in row if pair[0] != "revision") for row in rows]
