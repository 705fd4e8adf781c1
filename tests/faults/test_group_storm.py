"""Three processes, killed or frozen every three seconds, and partitions added while they run."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any

import msgspec
import numpy as np
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewPartitions

from monitor.source.base import TopicPartition
from tests.integration.running import (
    World,
    is_done,
    position,
    results,
    run_to_the_end,
    service,
    topic_of,
    world,
)
from tests.monitor.worlds import HOUR_MS, START_MS, training_frame
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

ROWS, HOURS, PROCESSES = 500_000, 25, 3
PER_HOUR = ROWS // HOURS
PARTITIONS, MORE_PARTITIONS, MORE_FROM_HOUR = 6, 8, 12
STRIKES, EVERY_S = 20, 3.0  # a minute; more when the machine is so busy that nothing moves in three seconds
VIEWS = ("drift_history", "quality_history", "window_history", "alert_history", "gaps", "rejects")
MODEL = '\nlateness = "5m"\nwindows_up_to = "4h"\n'
QUICK = {
    "DRIFTD__KAFKA__OPTIONS__SESSION_TIMEOUT_MS": "2000",
    "DRIFTD__KAFKA__OPTIONS__HEARTBEAT_INTERVAL_MS": "300",
    "DRIFTD__KAFKA__OPTIONS__METADATA_MAX_AGE_MS": "1000",
}


def rows_of(hour: int, templates: list[bytes], rng: np.random.Generator) -> Iterator[bytes]:
    """One hour's rows in time order, each with an id and a time of its own."""
    step_ms = HOUR_MS / PER_HOUR
    chosen = rng.integers(0, len(templates), PER_HOUR)
    for i, template in enumerate(chosen.tolist()):
        at_ms = START_MS + hour * HOUR_MS + int(i * step_ms)
        yield b'{"id":"r%d-%d","timestamp":%d,%b' % (hour, i, at_ms, templates[template])


def templates(moved: float) -> list[bytes]:
    frame = training_frame(2_000, seed=5)
    frame["age"] += moved
    return [
        msgspec.json.encode(
            {
                "features": {name: row[name] for name in ("age", "country", "owner")},
                "prediction": row["prediction"],
                "score": row["score"],
            }
        )[1:]
        for row in frame.to_dict("records")
    ]


class Stream(threading.Thread):
    """Produces an hour's rows for each `go`; in the middle the topic gets more partitions.

    A producer uses new partitions when it hears of them; here that is when the group has begun to read them,
    so that no row of theirs is late.
    """

    def __init__(self, at: World, bootstrap: str) -> None:
        super().__init__(name="stream", daemon=True)
        self._at, self._servers = at, bootstrap
        self.go = threading.Semaphore(HOURS - STRIKES)
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self._produce()
        except BaseException as error:  # noqa: BLE001  # the test raises it
            self.failure = error

    def _produce(self) -> None:
        rng = np.random.default_rng(17)
        usual, moved = templates(0.0), templates(20.0)
        partitions = PARTITIONS
        producer = self._producer()
        for hour in range(HOURS):
            self.go.acquire()
            if hour == MORE_FROM_HOUR:
                producer.close()
                partitions = MORE_PARTITIONS
                self._widen()
                producer = self._producer()
            for i, value in enumerate(rows_of(hour, moved if hour >= 18 else usual, rng)):
                producer.send(self._at.topic, value, partition=i % partitions)
            producer.flush()
        producer.close()

    def _widen(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self._servers)
        admin.create_partitions({self._at.topic: NewPartitions(MORE_PARTITIONS)})
        admin.close()
        fresh = [TopicPartition(self._at.topic, number) for number in range(PARTITIONS, MORE_PARTITIONS)]
        until(lambda: len(self._at.store.cursors(fresh)) == len(fresh), "new partitions are read", 120, 0.2)

    def _producer(self) -> Any:
        return KafkaProducer(bootstrap_servers=self._servers, linger_ms=20, batch_size=65_536)


class Group:
    """Processes of which one after the other is killed and replaced, or frozen for a session and more."""

    def __init__(self, at: World) -> None:
        self._at = at
        self._stacks = [ExitStack() for _ in range(PROCESSES)]
        self.processes = [self._start(number) for number in range(PROCESSES)]
        self._frozen: Popen[bytes] | None = None
        self.killed = self.froze = 0

    def _start(self, number: int) -> Popen[bytes]:
        return self._stacks[number].enter_context(service(self._at, environ=QUICK))

    def strike(self, rng: random.Random) -> None:
        """Kill or freeze one of them."""
        number = rng.randrange(PROCESSES)
        assert self.processes[number].poll() is None, self._at.log.read_text()[-3_000:]
        if rng.random() < 0.5:
            self.processes[number].send_signal(signal.SIGSTOP)
            self._frozen = self.processes[number]
            self.froze += 1
        else:
            self._stacks[number].close()
            self.processes[number] = self._start(number)
            self.killed += 1

    def thaw(self) -> None:
        """Let the one that is frozen go on."""
        if self._frozen is not None:
            self._frozen.send_signal(signal.SIGCONT)
            self._frozen = None

    def close(self) -> None:
        for stack in self._stacks:
            stack.close()


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_row_counts_once_and_every_window_is_judged_once_in_a_storm(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    training = tmp_path / "training.parquet"
    training_frame(rows=5_000).to_parquet(training)
    url = postgres_databases.empty()
    topic = topic_of(kafka_bootstrap, [], PARTITIONS)
    stormy, quiet = (world(tmp_path, kafka_bootstrap, url, topic, training, model=MODEL) for _ in range(2))
    for at in (stormy, quiet):  # no partition is idle only because its process is dead
        at.config.write_text(at.config.read_text().replace('idle_after = "1s"', 'idle_after = "1h"'))
    group = Group(stormy)
    try:
        _storm(stormy, group, Stream(stormy, kafka_bootstrap))
        until(lambda: position(stormy, MORE_PARTITIONS) == ROWS, "all rows are committed", 240, 0.5)
    finally:
        group.close()
    assert min(group.killed, group.froze) >= STRIKES // 4
    assert stormy.log.read_text().count("partitions changed") > STRIKES
    end = '\nidle_after = "1s"\n'
    for at in (stormy, quiet):  # now nothing comes any more, and the last window may end
        at.config.write_text(at.config.read_text().replace('\nidle_after = "1h"\n', end))
        run_to_the_end(at, ROWS, MORE_PARTITIONS, 240)
        assert is_done(at, ROWS, MORE_PARTITIONS)
    expected, found = results(quiet.store, VIEWS), results(stormy.store, VIEWS)
    windows = [dict(row) for row in found["window_history"]]
    for at in (stormy, quiet):
        at.store.close_connections()
    assert [row["rows"] for row in windows] == [PER_HOUR] * HOURS
    assert any(dict(row)["verdict"] == "drift" for row in found["drift_history"])
    for view in VIEWS:
        assert found[view] == expected[view], view


def _storm(at: World, group: Group, stream: Stream) -> None:
    rng, pause = random.Random(20261126), threading.Event()
    stream.start()
    for _ in range(STRIKES):
        begun = position(at, MORE_PARTITIONS)
        pause.wait(EVERY_S)
        group.thaw()
        until(partial(_has_moved, at, stream, begun), "the group reads on between two blows", 120, 0.1)
        group.strike(rng)
        stream.go.release()
    pause.wait(EVERY_S)
    group.thaw()
    stream.join(240)
    assert stream.failure is None, stream.failure


def _has_moved(at: World, stream: Stream, begun: int) -> bool:
    return position(at, MORE_PARTITIONS) > begun or stream.failure is not None
