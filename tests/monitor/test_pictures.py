"""Pictures of what fires, from stored counts; and messages that never wait for one."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from alerts.outcome import Outcome
from alerts.outgoing import Message
from alerts.plot import Picture
from alerts.plot import draw as draw_it
from alerts.send import Sender
from detectors.reference import Reference
from monitor import pictures
from monitor.clock import ManualClock
from monitor.engine import Engine
from monitor.outbox import Outbox
from monitor.pictures import Pictures
from monitor.source.base import TopicPartition
from monitor.store.base import Store
from monitor.store.result_tables import notification
from tests.alerts.receivers import mail_receiver
from tests.monitor.store.rows import notification as queued
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, chunk, log, new_engine, new_store, plan, reference

AT = TopicPartition("predictions", 0)


def find(reference_id: str) -> Reference | None:
    return reference() if reference_id == reference().id else None


def drifted(store: Store, services: tuple[str, ...] = ("team",)) -> Engine:
    """Let ages rise after five hours, and let the first message of it be written."""
    engine = new_engine(store, [AT], {"loans": plan()}, services)
    engine.take([chunk(AT, log(8, per_hour=120, shift_from_hour=5))])
    engine.commit()
    engine.close_windows()
    assert isinstance(engine.clock, ManualClock)
    engine.clock.advance(61)
    engine.flush_alerts()
    return engine


@pytest.fixture
def store() -> Store:
    return new_store()


def payload_of(store: Store) -> dict[str, Any]:
    with store._database.reading() as connection:  # type: ignore[attr-defined]
        found: dict[str, Any] = connection.execute(select(notification.c.payload)).scalars().first()
    return found


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Picture]:
    """Keep what is drawn."""
    kept: list[Picture] = []

    def draw(picture: Picture) -> bytes:
        kept.append(picture)
        return draw_it(picture)

    monkeypatch.setattr(pictures, "draw", draw)
    return kept


def test_the_picture_shows_the_window_beside_the_reference_and_the_course_with_the_alarm(
    store: Store, seen: list[Picture]
) -> None:
    drifted(store)
    payload = payload_of(store)
    made = Pictures(store, find, {"loans": 0.02}).of(payload)
    assert made is not None
    assert made.startswith(b"\x89PNG")
    (picture,) = seen
    assert picture.title.startswith("loans: age, 1 Jan 2026 0")
    assert picture.bars.are_ordered
    for side in (picture.bars.reference, picture.bars.current):
        assert sum(side) == pytest.approx(1.0, abs=1e-6)
    middle = [
        sum(at * share for at, share in enumerate(side))
        for side in (picture.bars.reference, picture.bars.current)
    ]
    assert middle[1] > middle[0] + 2  # ages rose
    assert picture.alarm_ms == START_MS + 6 * HOUR_MS
    effects = {(point.at_ms - START_MS) // HOUR_MS: point.effect for point in picture.course}
    assert list(effects) == list(range(1, max(effects) + 1))
    assert effects[6] > 0.5 > effects[5]
    assert picture.least == 0.02


@pytest.mark.parametrize(
    "change",
    [
        {"feature": "gone"},
        {"model": "gone"},
        {"start_ms": None},
        {"end_ms": "x"},
        {"segment": "country=DE"},
        {"multiple": 7},
    ],
)
def test_what_cannot_be_drawn_is_no_error(store: Store, change: dict[str, Any]) -> None:
    drifted(store)
    payload = payload_of(store)
    painter = Pictures(store, find, {})
    made = painter.of({"picture": payload["picture"] | change})
    assert (made is None) == (change != {"multiple": 7})  # that one has no course, but bars
    assert painter.of({}) is None
    assert painter.of(payload) is not None  # the next one is drawn


def test_the_picture_of_a_segment_is_of_its_rows_only(seen: list[Picture]) -> None:
    store, parted = new_store(), plan('segments = ["country"]\n')
    engine = new_engine(store, [AT], {"loans": parted}, ("team",))
    engine.take([chunk(AT, log(8, per_hour=120, shift_from_hour=5))])
    engine.commit()
    engine.close_windows()
    assert isinstance(engine.clock, ManualClock)
    engine.clock.advance(61)
    engine.flush_alerts()
    subject = payload_of(store)["picture"] | {"segment": "country=DE", "feature": "owner"}
    assert Pictures(store, lambda _: parted.reference, {}).of({"picture": subject}) is not None
    (picture,) = seen
    assert picture.title.startswith("loans: owner in country=DE, ")
    inside = parted.reference.profile.segments["country=DE"].rows
    assert inside < parted.reference.rows
    assert any(share * inside == pytest.approx(round(share * inside)) for share in picture.bars.reference)


def test_a_drawing_that_hangs_is_left_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    drifted(store)
    payload = payload_of(store)
    hanging = threading.Event()
    monkeypatch.setattr(pictures, "LONGEST_S", 0.2)
    monkeypatch.setattr(pictures, "draw", lambda _: hanging.wait(60) and b"")
    painter = Pictures(store, find, {})
    assert painter.of(payload) is None
    assert painter.of(payload) is None  # one at a time
    hanging.set()


def test_a_mail_carries_the_picture_of_what_fires(store: Store) -> None:
    engine = drifted(store)
    with mail_receiver() as mail:
        url = f"mailto://127.0.0.1:{mail.port}?from=driftd@example.com&to=team@example.com&mode=insecure"
        sender = Sender({"team": url})
        outbox = Outbox("team", store, sender, engine.clock, Random(1), None, Pictures(store, find, {}))
        outbox.send_next()
    (received,) = mail.mails
    images = [part for part in received.walk() if part.get_content_type() == "image/png"]
    assert len(images) == 1
    assert images[0].get_content().startswith(b"\x89PNG")
    (html,) = (part for part in received.walk() if part.get_content_type() == "text/html")
    assert f"cid:{images[0]['Content-ID'].strip('<>')}" in html.get_content()


class Carrier:
    """A service that takes pictures, but not with these."""

    names = ("slack",)

    def __init__(self) -> None:
        self.got: list[bytes | None] = []

    def pause_s(self, service: str) -> float:
        del service
        return 0.0

    def takes_pictures(self, service: str) -> bool:
        return service == "slack"

    def send(self, service: str, message: Message, now: Any, picture: bytes | None = None) -> Outcome:
        del service, message, now
        self.got.append(picture)
        return Outcome(ok=picture is None, error="" if picture is None else "too large")


class Painter:
    def of(self, payload: Any) -> bytes | None:
        del payload
        return b"png"


def test_a_message_that_fails_with_its_picture_goes_out_without(store: Store) -> None:
    clock, carrier = ManualClock(NOW), Carrier()
    store.enqueue(replace(queued(), created_at=NOW))
    outbox = Outbox("slack", store, carrier, clock, Random(1), None, Painter())
    outbox.send_next()
    clock.advance(timedelta(minutes=1).total_seconds())
    outbox.send_next()
    outbox.send_next()
    assert carrier.got == [b"png", None]
