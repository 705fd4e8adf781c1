"""The system clock is set by an hour, ahead and back, under a running service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.alerts.receivers import WebReceiver, web_receiver
from tests.conftest import unavailable
from tests.faults.stories import (
    PARTITIONS,
    Story,
    assert_same_results,
    change,
    outbox,
    stop,
    wait_until_done,
    world_of,
)
from tests.integration.running import World, position, run_to_the_end, service
from tests.integration.watching import LIMIT_S, Watch, watched
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until
from tests.services.wallclock import GET_IT, WallClock, wall_clock

HOUR_S = 3_600
SERVICES = 'oncall = { url = "slack://T0AAAAAAA/B0BBBBBBB/CCCCCCCCCCCCCCCCCCCCCCCC" }\n'


@dataclass
class Scene:
    """A service whose clock can be set."""

    story: Story
    at: World
    watch: Watch
    slack: WebReceiver
    clock: WallClock

    def has_read(self) -> None:
        until(lambda: position(self.at, PARTITIONS) == self.story.messages, "everything read", LIMIT_S, 0.1)

    def set_clock(self, seconds: int, way: str) -> None:
        """Set it so far ahead of the machine's, and see that the service tells of that step."""
        self.clock.set_ahead(seconds)
        line = self.watch.wait_for_line(f"the system clock was set {way}")
        assert line["seconds"] == pytest.approx(HOUR_S, abs=5)

    def hears(self, posts: int) -> None:
        until(lambda: len(self.slack.posts) >= posts, f"Slack has got {posts} messages", LIMIT_S)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    found = wall_clock(tmp_path)
    if found is None:
        unavailable(f"a clock that can be set: {GET_IT}")
    assert found is not None
    return found


@pytest.fixture
def slack() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(400)
def test_set_ahead_and_back_by_an_hour_nothing_stands_still_and_nothing_is_closed_early(
    kafka_bootstrap: str,
    postgres_databases: Databases,
    clock: WallClock,
    slack: WebReceiver,
    tmp_path: Path,
) -> None:
    story = Story.begun(kafka_bootstrap)
    url = postgres_databases.empty()
    at = world_of(tmp_path, story, url, SERVICES)
    change(at, "[alerts]\n", f'[alerts]\nslack_root = "{slack.url}/services"\n')
    change(at, 'idle_after = "6s"', 'idle_after = "25s"')
    scene = Scene(story, at, watched(at), slack, clock)
    with service(at, environ=clock.environ) as process:
        scene.watch.wait_until_ready()
        story.tell(3)
        story.tell_half()
        scene.has_read()
        scene.set_clock(HOUR_S, "ahead")
        threading.Event().wait(6)  # a look at idle partitions comes every five seconds
        story.tell_half()  # late, if silence was measured by the clock that was set
        story.tell(1)
        scene.has_read()
        scene.hears(1)
        slack.status = 500
        story.tell(3)  # the alert is over: a message that fails
        until(lambda: "error=500" in str(outbox(at)), "Slack has failed", LIMIT_S)
        scene.set_clock(0, "back")
        slack.status = 200
        story.tell(3)
        scene.hears(3)  # failed, the same again, and not in an hour
        assert wait_until_done(at, story, slack)
        assert scene.watch.not_ready() == {}
        assert scene.watch.is_healthy()
        assert scene.watch.lines("partitions changed")[1:] == []  # its heart went on beating
        stop(at, process)
    calm = world_of(tmp_path, story, url)
    run_to_the_end(calm, story.messages, PARTITIONS)
    assert_same_results(calm, at)
    for each in (calm, at):
        each.store.close_connections()
