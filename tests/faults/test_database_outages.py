"""Everything that can be wrong with a database server, one after the other, under a running service."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.alerts.receivers import WebReceiver, web_receiver
from tests.faults.stories import (
    PARTITIONS,
    Story,
    assert_same_results,
    change,
    finish,
    hook,
    stop,
    world_of,
)
from tests.integration.running import World, position, run_to_the_end, service
from tests.integration.watching import LIMIT_S, Watch, watched
from tests.monitor.store.proxy import Proxy
from tests.services.postgres import PostgresServer
from tests.services.postgres_fixtures import Databases
from tests.services.small_disk import fill, small_disk
from tests.services.waiting import until

OUT = "application_name=outside"
AWAY, BACK = "waiting for what is away", "back after an outage"


@dataclass
class Scene:
    """A service, its story, and the server and the network that are between it and its results."""

    story: Story
    at: World
    watch: Watch
    server: PostgresServer
    proxy: Proxy
    disk: Path | None = None

    def read_on(self, hours: int = 1) -> None:
        """Tell the next hours and see that they are read and that the service is ready then."""
        self.story.tell(hours)
        self.has_read()

    def has_read(self) -> None:
        until(
            lambda: position(self.at, PARTITIONS) == self.story.messages, "everything read", 2 * LIMIT_S, 0.2
        )
        self.watch.wait_until_ready()

    def goes_through(
        self, fault: Callable[[Scene], contextlib.AbstractContextManager[object]], words: str
    ) -> None:
        """Have rows come during a fault, of which /readyz says these words, and see them read after it."""
        lines = len(self.watch.lines(AWAY)), len(self.watch.lines(BACK))
        with fault(self):
            self.story.tell(1)
            until(lambda: words in self.watch.cause("database"), f"not ready: {words}", LIMIT_S)
            self.watch.wait_for_line(AWAY, lines[0] + 1)
            assert self.watch.is_healthy()
        self.has_read()
        self.watch.wait_for_line(BACK, lines[1] + 1)


@contextlib.contextmanager
def stopped(scene: Scene) -> Iterator[None]:
    scene.server.stop()
    yield
    scene.server.start()


@contextlib.contextmanager
def read_only(scene: Scene) -> Iterator[None]:
    def set_to(value: str) -> None:
        with psycopg.connect(scene.server.url, autocommit=True) as own:
            own.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            own.execute("SELECT pg_reload_conf()")

    set_to("on")
    yield
    set_to("off")


@contextlib.contextmanager
def crowded(scene: Scene) -> Iterator[None]:
    """Others take every connection that the server allows; the service's own are cut."""
    with contextlib.ExitStack() as others:
        admin = others.enter_context(psycopg.connect(f"{scene.server.url}?{OUT}", autocommit=True))

        def all_taken() -> bool:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND application_name <> 'outside'"
            )
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    others.enter_context(psycopg.connect(f"{scene.server.url}?{OUT}"))
            return _strangers(admin) == 0

        until(all_taken, "others have every connection", 30)
        yield


@contextlib.contextmanager
def full(scene: Scene) -> Iterator[None]:
    """The tables are on a disk of their own that has no room, and have none left inside."""
    assert scene.disk is not None
    with psycopg.connect(f"{scene.server.url}?{OUT}", autocommit=True) as admin:
        admin.execute(f"CREATE TABLESPACE small LOCATION '{scene.disk}'".encode())
        _move(admin, b"pg_default", b"small")
        until(lambda: _does(admin, b"VACUUM FULL"), "tables have no room inside", LIMIT_S)
        fill(scene.disk / "ballast")
        yield
        (scene.disk / "ballast").unlink()
        _move(admin, b"small", b"pg_default")
        admin.execute(b"DROP TABLESPACE small")


def _move(admin: psycopg.Connection[tuple[object, ...]], before: bytes, after: bytes) -> None:
    statement = b"ALTER TABLE ALL IN TABLESPACE " + before + b" SET TABLESPACE " + after
    until(lambda: _does(admin, statement), "tables are moved", LIMIT_S)


def _does(admin: psycopg.Connection[tuple[object, ...]], statement: bytes) -> bool:
    """Whether it was done; not when the service's own statements were in its way."""
    with contextlib.suppress(psycopg.errors.DeadlockDetected):
        admin.execute(statement)
        return True
    return False


def _strangers(admin: psycopg.Connection[tuple[object, ...]]) -> int:
    found = admin.execute(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND application_name <> 'outside'"
    ).fetchone()
    assert found is not None
    return int(str(found[0]))


def cut_at_commit(scene: Scene, *of: bytes) -> None:
    """Cut the connection right before a COMMIT, then right after one, in transactions that hold this."""
    for cut in (scene.proxy.swallow, scene.proxy.swallow_answer_to):
        cut(b"COMMIT", *of)
        scene.story.tell(1)
        until(lambda: not scene.proxy.is_armed, f"a COMMIT was cut: {cut.__name__} {of!r}", LIMIT_S)
        scene.has_read()


@pytest.fixture
def server(postgres_databases: Databases) -> Iterator[PostgresServer]:
    del postgres_databases  # only to skip where there is no PostgreSQL
    with PostgresServer(max_connections="24") as server:
        yield server


@pytest.fixture
def disk(server: PostgresServer) -> Iterator[Path | None]:
    with small_disk(64, server.owner) as mounted:
        if mounted is None and os.environ.get("CI", "").lower() == "true":
            pytest.fail("no small disk can be mounted: run the tests as root")
        yield mounted


@pytest.fixture
def web() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(600)
def test_through_every_outage_of_the_database_the_results_are_those_of_an_undisturbed_run(
    kafka_bootstrap: str, server: PostgresServer, disk: Path | None, web: WebReceiver, tmp_path: Path
) -> None:
    story = Story.begun(kafka_bootstrap)
    stormy = world_of(tmp_path, story, server.url, hook(web))
    (reference,) = (row["id"] for row in stormy.store.view("refs"))
    with Proxy(server.url) as proxy:
        change(stormy, str(server.port), str(proxy.port))
        watch = watched(stormy)
        scene = Scene(story, stormy, watch, server, proxy, disk)
        with service(stormy) as process:
            watch.wait_until_ready()
            scene.read_on(2)
            scene.goes_through(stopped, "does not serve now")
            server.stop()  # and at once started again: connections are cut
            server.start()
            scene.read_on()
            scene.goes_through(read_only, "read-only transaction")
            scene.goes_through(crowded, "too many clients")
            if disk is not None:
                scene.goes_through(full, "No space left on device")
            cut_at_commit(scene, story.topic.encode(), reference.encode())  # rows are counted
            cut_at_commit(scene, b"psi")  # windows are judged
            cut_at_commit(scene, b"hook")  # a message is claimed
            proxy.delay_s = 1.0
            scene.read_on()
            watch.wait_for_line("the database is slow")
            assert watch.is_healthy()
            proxy.delay_s = 0.0
            stop(stormy, process)
        assert watch.lines("another process has taken over; reading on from its position") == []
        finish(stormy, story, web)
    calm = world_of(tmp_path, story, server.url)
    run_to_the_end(calm, story.messages, PARTITIONS)
    assert_same_results(calm, stormy)
    for each in (calm, stormy):
        each.store.close_connections()
