"""docs/tutorial.md is done as it stands, on a real Kafka and a real Postgres.

The page is the test: its blocks are what is typed, and what it shows has to come out. Only names of what
others use at the same time are swapped, and the clock of the programs stands at the page's time.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sysconfig
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from monitor.clock import SystemClock
from monitor.demo.programs import of_debian, of_wheel
from tests.alerts.receivers import WebReceiver, web_receiver
from tests.conftest import unavailable
from tests.docs.pages import REWRITES, ROOT, Block, all_blocks, page, rewrite
from tests.docs.reader import LIMIT_S, Reader
from tests.docs.terminal import Terminal
from tests.services.postgres import free_port
from tests.services.waiting import until
from tests.services.wallclock import GET_IT, wall_clock

PAGE = "docs/tutorial.md"
NOW = datetime(2026, 11, 26, 12, 20, tzinfo=UTC)
TOPIC = "churn-predictions"
CALM = 4
CLONED = ("alerts", "detectors", "monitor", "pyproject.toml", "README.md", "LICENSE")


def clone(folder: Path) -> Path:
    """Give a folder with what a clone of the repository has for an installation."""
    for name in CLONED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def at_the_time_of_the_page(folder: Path) -> dict[str, str]:
    """Give the variables that let programs begin at the time of the page."""
    clock = wall_clock(folder)
    if clock is None:
        unavailable(f"a clock that can be set: {GET_IT}")
    assert clock is not None
    clock.set_ahead(round((NOW - SystemClock().now()).total_seconds()))
    return clock.environ


def environment(folder: Path, slack: WebReceiver) -> dict[str, str]:
    """Give what the reader's terminals have in their environment.

    Packages are those of the tests, so that nothing is downloaded; driftd is installed as the page says.
    """
    psql = next(place for place in (*of_debian(), *of_wheel()) if (place / "psql").exists())
    programs = Path(sysconfig.get_path("scripts"))
    return {
        "PATH": f"{programs}:{psql}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this switch the other way round
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "DRIFTD__KAFKA__GROUP_ID": f"tutorial-{uuid4().hex}",
        "DRIFTD__SERVICE__HTTP": f"127.0.0.1:{free_port()}",
        "DRIFTD__ALERTS__SLACK_ROOT": f"{slack.url}/services",
        **at_the_time_of_the_page(folder),
    }


@pytest.fixture
def slack() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def topic(kafka_bootstrap: str) -> Iterator[str]:
    """Give a topic that keeps messages of the page's time, with a name as long as the page's."""
    name = f"churn-{uuid4().hex}"[: len(TOPIC)]
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    admin.create_topics([NewTopic(name, 1, 1, topic_configs={"retention.ms": "-1"})])
    yield name
    admin.delete_topics([name])
    admin.close()


def alert_in(slack: WebReceiver) -> str:
    """Wait for the alert, which comes after the test message, and give it as Slack shows it."""
    until(lambda: len(slack.posts) >= 2, "Slack has got the alert", LIMIT_S)
    (attachment,) = slack.posts[1][1]["attachments"]
    return unescape(f"{attachment['title']}\n\n{attachment['text']}\n")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder with a clone, its path as long as that of the page: outputs are as wide as there."""
    with TemporaryDirectory(prefix="driftd-", dir="/tmp") as name:
        yield clone(Path(name))


@dataclass
class Windows:
    """The windows that the service has judged."""

    url: str
    services: list[subprocess.Popen[bytes]]
    known: int = 0

    def come_to_rest(self) -> None:
        """Wait until there are more than last time, and no more come."""
        seen: list[int] = []

        def are_calm() -> bool:
            assert self.services[0].poll() is None, "driftd run has ended"
            with psycopg.connect(self.url) as connection:
                found = connection.execute("SELECT count(*) FROM driftd.window_history").fetchone()
            seen.append(found[0] if found else 0)
            return seen[-1] > self.known and len(seen) > CALM and len(set(seen[-CALM:])) == 1

        until(are_calm, "windows are judged", LIMIT_S, 1.0)
        self.known = seen[-1]


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tutorial_leads_from_pip_install_to_the_page(
    kafka_bootstrap: str, empty_postgres_url: str, topic: str, slack: WebReceiver, folder: Path
) -> None:
    port, url = free_port(), empty_postgres_url.replace("+psycopg", "")
    names = {
        "localhost:9092": kafka_bootstrap,
        "postgresql://driftd@localhost/driftd": url,
        "localhost/driftd": url.partition("@")[2],
        "127.0.0.1:9465": f"127.0.0.1:{port}",
        "localhost:9465": f"localhost:{port}",
        "/home/ada/src/driftd": str(folder),
        TOPIC: topic,
    }
    terminal = Terminal(folder, environment(folder, slack), names)
    log = folder / "other-terminal.log"
    services: list[subprocess.Popen[bytes]] = []
    with ExitStack() as stack:

        def start(block: Block) -> None:
            services.append(stack.enter_context(terminal.running(block.text, log)))

        slack_shows = {"slack": lambda: alert_in(slack)}
        reader = Reader(
            terminal, {"another terminal": start}, slack_shows, Windows(url, services).come_to_rest
        )
        for block in all_blocks(PAGE):
            reader.follow(block)
        see_the_page(terminal)
        (service,) = services
        service.send_signal(signal.SIGINT)
        assert service.wait(60) == 0, log.read_text()[-3_000:]
    assert not slack.complaints
    if REWRITES:
        rewrite(PAGE, reader.fresh)


def see_the_page(terminal: Terminal) -> None:
    """Open the address that the page names, and find there what the page has in bold letters."""
    chapter = page(PAGE).partition("\n## 8.")[2].partition("\n## ")[0]
    (address,) = re.findall(r"<(http://\S+)>", chapter)
    with urllib.request.urlopen(terminal.meant(address), timeout=30) as answer:  # noqa: S310
        overview = answer.read().decode()
    for word in re.findall(r"\*\*(.+?)\*\*", chapter):
        assert word in overview
