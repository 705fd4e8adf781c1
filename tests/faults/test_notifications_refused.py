"""Slack and mail that refuse, hang or are away, and a service that is killed meanwhile: all hear all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.alerts.receivers import MailReceiver, WebReceiver, mail_receiver, web_receiver
from tests.faults.stories import (
    PARTITIONS,
    Story,
    assert_same_results,
    change,
    finish,
    hook,
    outbox,
    world_of,
)
from tests.integration.running import World, run_to_the_end, service
from tests.integration.watching import LIMIT_S, Watch, watched
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until

SLACK = "slack://T0AAAAAAA/B0BBBBBBB/CCCCCCCCCCCCCCCCCCCCCCCC"
SERVICES = """
oncall = {{ url = "{slack}" }}
team = {{ url = "mailto://127.0.0.1:{mail}?from=driftd@example.com&to=team@example.com&mode=insecure" }}
"""
ASKED_S = 12


@dataclass
class Scene:
    """A service, its story, and those whom it tells: one who is well, Slack and a mail server."""

    story: Story
    at: World
    watch: Watch
    well: WebReceiver
    slack: WebReceiver
    mail: MailReceiver

    def change_what_stands(self) -> None:
        """Three more hours: an alert fires or is over, which those who are well hear, and the service is."""
        before = len(self.well.posts)
        self.story.tell(3)
        until(lambda: len(self.well.posts) > before, "who is well has heard of it", LIMIT_S)
        assert self.watch.not_ready() == {}

    def has_failed(self, name: str) -> bool:
        return self.watch.metric("driftd_notifications_total", receiver=name, status="failed") > 0

    def both_have_failed(self) -> None:
        for name in ("oncall", "team"):
            until(lambda name=name: self.has_failed(name), f"{name} has failed", LIMIT_S)  # type: ignore[misc]
        failed = {line["service"] for line in self.watch.lines("notification failed")}
        assert failed == {"oncall", "team"}

    def both_have_heard(self) -> None:
        until(lambda: all(row["state"] != "queued" for row in outbox(self.at)), "all have heard", LIMIT_S)


def heard(scene: Scene) -> dict[str, list[str]]:
    """What each one got, in the order in which it came, twice or more in a row as once."""
    got = {
        "hook": [str(payload["title"]) for _, payload in scene.well.posts],
        "oncall": [str(payload["attachments"][0]["title"]) for _, payload in scene.slack.posts],
        "team": [str(mail["Subject"]) for mail in scene.mail.mails],
    }
    return {name: once(each) for name, each in got.items()}


def once(titles: list[str]) -> list[str]:
    return [title for i, title in enumerate(titles) if i == 0 or titles[i - 1] != title]


@pytest.fixture
def receivers() -> Iterator[tuple[WebReceiver, WebReceiver, MailReceiver]]:
    with web_receiver() as well, web_receiver() as slack, mail_receiver() as mail:
        yield well, slack, mail


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(400)
def test_through_every_refusal_all_is_told_in_order(
    kafka_bootstrap: str,
    postgres_databases: Databases,
    receivers: tuple[WebReceiver, WebReceiver, MailReceiver],
    tmp_path: Path,
) -> None:
    well, slack, mail = receivers
    story = Story.begun(kafka_bootstrap)
    url = postgres_databases.empty()
    services = hook(well) + SERVICES.format(slack=SLACK, mail=mail.port)
    at = world_of(tmp_path, story, url, services)
    change(at, "[alerts]\n", f'[alerts]\nslack_root = "{slack.url}/services"\n')
    scene = Scene(story, at, watched(at), well, slack, mail)
    with service(at) as process:
        scene.watch.wait_until_ready()
        story.tell(3)
        slack.status, slack.retry_after, mail.rcpt_answer = 429, str(ASKED_S), "450 greylisted, come again"
        scene.change_what_stands()
        scene.both_have_failed()
        (row,) = [row for row in outbox(at) if row["service"] == "oncall"]
        assert row["next_attempt_at"] - row["created_at"] >= timedelta(seconds=ASKED_S)
        slack.status, slack.retry_after, mail.rcpt_answer = 200, "", ""
        scene.both_have_heard()
        slack.status, mail.rcpt_answer = 500, "550 nobody of that name"
        scene.change_what_stands()
        until(lambda: "error=500" in str(outbox(at)), "Slack has failed", LIMIT_S)
        process.kill()  # with two notifications that are to be tried again
        process.wait(10)
    slack.status, mail.rcpt_answer, slack.is_silent = 200, "", True
    with service(at) as process:
        scene.watch.wait_until_ready()
        until(lambda: len(mail.mails) == 2, "the mail has come after the restart", LIMIT_S)
        until(lambda: slack.hanging > 0, "Slack has been asked and says nothing", LIMIT_S)
        process.kill()  # while it waits for an answer
        process.wait(10)
    slack.is_silent = False
    told = finish(at, story, well)
    assert len(told) >= 6
    sent = {
        name: once([row["title"] for row in outbox(at) if (row["service"], row["state"]) == (name, "sent")])
        for name in ("hook", "oncall", "team")
    }
    assert heard(scene) == sent
    assert slack.complaints == []
    calm = world_of(tmp_path, story, url)
    run_to_the_end(calm, story.messages, PARTITIONS)
    assert_same_results(calm, at)
    for each in (calm, at):
        each.store.close_connections()


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(200)
def test_nobody_at_the_other_end_is_waited_for(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    story = Story.begun(kafka_bootstrap)
    with contextlib.ExitStack() as gone:
        slack, mail = gone.enter_context(web_receiver()), gone.enter_context(mail_receiver())
    port = int(slack.url.rpartition(":")[2])
    at = world_of(tmp_path, story, postgres_databases.empty(), SERVICES.format(slack=SLACK, mail=mail.port))
    change(at, "[alerts]\n", f'[alerts]\nslack_root = "{slack.url}/services"\n')
    watch = watched(at)
    with service(at):
        watch.wait_until_ready()
        story.tell(6)
        for name in ("oncall", "team"):
            until(
                lambda name=name: (
                    watch.metric("driftd_notifications_total", receiver=name, status="failed") > 0
                ),  # type: ignore[misc]
                f"{name} was tried in vain",
                LIMIT_S,
            )
        assert watch.not_ready() == {}
        with web_receiver(port) as slack, mail_receiver(mail.port) as mail:
            until(lambda: len(slack.posts) == len(mail.mails) == 1, "both were told", LIMIT_S)
    at.store.close_connections()
