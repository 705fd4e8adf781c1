"""A log that is told hour by hour, so that something can go wrong while each stretch of it is read."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select

from monitor.store.result_tables import notification
from monitor.store.sql import SqlStore
from tests.alerts.receivers import WebReceiver
from tests.integration.running import World, position, results, send_to, service, starts, topic_of, world
from tests.monitor.worlds import HOUR_MS, START_MS, payload, training_frame
from tests.services.waiting import until

PARTITIONS = 2
PER_HOUR = 400
VIEWS = ("drift_history", "quality_history", "window_history", "alert_history")
MODEL = """
lateness = "5m"
windows_up_to = "2h"
keep_windows = 1
"""
ALERTS = """
[alerts]
group_wait = "1s"
group_interval = "1s"
[alerts.services]
"""


@dataclass
class Story:
    """A topic whose messages are sent hour by hour."""

    bootstrap: str
    topic: str
    hours: int = 0
    is_halved: bool = False

    @classmethod
    def begun(cls, bootstrap: str) -> Story:
        return cls(bootstrap, topic_of(bootstrap, [], PARTITIONS))

    def tell_half(self) -> None:
        """Send the first half of the next hour's rows, or the second half of this one's."""
        rows, half = rows_of(self.hours), PER_HOUR // 2
        send_to(self.bootstrap, self.topic, rows[half:] if self.is_halved else rows[:half], PARTITIONS)
        self.hours += self.is_halved
        self.is_halved = not self.is_halved

    def tell(self, hours: int) -> int:
        """Send the rows of the next hours; give how many messages the topic has then."""
        rows = [row for hour in range(self.hours, self.hours + hours) for row in rows_of(hour)]
        send_to(self.bootstrap, self.topic, rows, PARTITIONS)
        self.hours += hours
        return self.messages

    @property
    def messages(self) -> int:
        return self.hours * PER_HOUR + self.is_halved * PER_HOUR // 2


def rows_of(hour: int) -> list[bytes]:
    """One hour's rows, in time order; ages are higher in every other three hours."""
    step_ms = HOUR_MS // PER_HOUR
    moved = 20.0 if hour % 6 >= 3 else 0.0
    rows = []
    for i, row in enumerate(training_frame(PER_HOUR, seed=100 + hour).to_dict("records")):
        features = {"age": row["age"] + moved, "country": row["country"], "owner": bool(row["owner"])}
        time_ms = START_MS + hour * HOUR_MS + i * step_ms
        outputs = {"prediction": row["prediction"], "score": row["score"]}
        rows.append(payload(f"r{hour}-{i}", time_ms, features, **outputs))
    return rows


def training(folder: Path) -> Path:
    path = folder / "training.parquet"
    if not path.exists():
        training_frame(rows=5_000).to_parquet(path)
    return path


def world_of(folder: Path, story: Story, url: str, services: str = "") -> World:
    """Configure a service for the story, and to whom it tells its alerts.

    Partitions fall idle later than elsewhere: hours end while the machine is busy.
    """
    extra = ALERTS + services if services else ""
    at = world(folder, story.bootstrap, url, story.topic, training(folder), extra, MODEL)
    change(at, 'idle_after = "1s"', 'idle_after = "6s"')
    return at


def hook(web: WebReceiver, name: str = "hook") -> str:
    """Give the line that configures this receiver as a service."""
    return f'{name} = {{ url = "json://{web.url.removeprefix("http://")}/{name}" }}\n'


def change(at: World, old: str, new: str) -> None:
    """Change the configuration before the service is started."""
    text = at.config.read_text(encoding="utf-8")
    assert old in text
    at.config.write_text(text.replace(old, new), encoding="utf-8")


def outbox(at: World) -> list[dict[str, Any]]:
    """Every notification there ever was."""
    with cast("SqlStore", at.store)._database.reading() as connection:
        rows = connection.execute(select(notification).order_by(notification.c.id)).mappings()
        return [dict(row) for row in rows]


def wait_until_told(at: World, web: WebReceiver) -> list[str]:
    """Wait until nothing is left to be sent; give the titles, having seen that each one has arrived."""
    until(lambda: not untold(at), f"the outbox is empty: {untold(at)}", 60, 0.2)
    arrived = [title_of(payload) for _, payload in web.posts]
    sent = [row["title"] for row in outbox(at) if row["state"] == "sent"]
    assert sent
    assert set(sent) <= set(arrived)
    return sent


def title_of(payload: dict[str, Any]) -> str:
    """Give the title of a message, to Slack or to a plain receiver."""
    return str(payload["title"] if "title" in payload else payload["attachments"][0]["title"])


def untold(at: World) -> list[dict[str, Any]]:
    """Notifications that are not sent and alerts that fire and of which nobody heard."""
    waiting = [row for row in outbox(at) if row["state"] not in ("sent", "superseded")]
    firing = at.store.view("alert_history", where={"status": "firing"})
    return waiting + [row for row in firing if not row["notified"]]


def finish(at: World, story: Story, web: WebReceiver) -> list[str]:
    """Run until everything is read, judged and told; give the titles that were told."""
    begun = starts(at)
    with service(at) as process:
        until(lambda: starts(at) > begun, "started", 60)  # before that a signal would just end it
        titles = wait_until_done(at, story, web)
        stop(at, process)
    return titles


def stop(at: World, process: subprocess.Popen[bytes]) -> None:
    """Stop the service, and see that it stops well."""
    process.send_signal(signal.SIGTERM)
    code = process.wait(60)
    assert code == 0, f"{code}: {at.log.read_text()[-3_000:]}"


def wait_until_done(at: World, story: Story, web: WebReceiver) -> list[str]:
    """Wait until everything is read, judged and told; give the titles that were told."""
    until(
        lambda: position(at, PARTITIONS) == story.messages and not _open_starts(at),
        "everything committed and judged",
        120,
        0.2,
    )
    return wait_until_told(at, web)


def _open_starts(at: World) -> tuple[int, ...]:
    with at.store.lock("loans") as lock:
        return (0,) if lock is None else lock.open_starts()


def assert_same_results(calm: World, stormy: World) -> None:
    """The two have the same rows in every view, and all rows were counted."""
    expected, found = results(calm.store, VIEWS), results(stormy.store, VIEWS)
    assert any(dict(row)["verdict"] == "drift" for row in found["drift_history"])
    assert found["alert_history"]
    assert all(dict(row)["late"] == 0 for row in found["window_history"])
    for view in VIEWS:
        odd = [row for row in found[view] if row not in expected[view]]
        missing = [row for row in expected[view] if row not in found[view]]
        assert found[view] == expected[view], f"{view}: {odd[:2]} instead of {missing[:2]}"
