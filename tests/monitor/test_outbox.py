"""One service's part of the outbox: order, back-off, rest, and independence of the others."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from alerts.outcome import Outcome
from alerts.outgoing import Message
from monitor.clock import ManualClock
from monitor.metrics import Metrics
from monitor.outbox import LEASE_S, Outbox
from monitor.store.base import Store
from tests.monitor.store.rows import AT, notification
from tests.monitor.worlds import new_store

FAILED = Outcome(ok=False, error="429")


class Services:
    """Answers as told, and keeps what it was asked to send."""

    names = ("slack", "mail")

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.answers: dict[str, Outcome] = {}
        self.attempts: list[tuple[str, str, float]] = []

    def pause_s(self, service: str) -> float:
        return 1.2 if service == "slack" else 0.0

    def takes_pictures(self, service: str) -> bool:
        return service == "mail"

    def send(self, service: str, message: Message, now: datetime, picture: bytes | None = None) -> Outcome:
        del now, picture
        self.attempts.append((service, message.title, self.clock.monotonic()))
        return self.answers.get(service, Outcome(ok=True))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(AT)


@pytest.fixture
def services(clock: ManualClock) -> Services:
    return Services(clock)


@pytest.fixture
def store() -> Store:
    return new_store()


def outbox_of(service: str, store: Store, services: Services) -> Outbox:
    return Outbox(service, store, services, services.clock, Random(1), Metrics(CollectorRegistry()))


def run_for(outbox: Outbox, clock: ManualClock, seconds: float) -> None:
    end_s = clock.monotonic() + seconds
    while clock.monotonic() < end_s:
        clock.advance(outbox.send_next())


def test_groups_are_told_oldest_first_with_a_rest_between(store: Store, services: Services) -> None:
    for name in ("a", "b", "c"):
        store.enqueue(notification(group_key=name, title=name))
    run_for(outbox_of("slack", store, services), services.clock, 4.0)
    assert services.attempts == [("slack", "a", 0.0), ("slack", "b", 1.2), ("slack", "c", 2.4)]


def test_a_service_that_fails_holds_up_no_other(store: Store, services: Services) -> None:
    services.answers["slack"] = FAILED
    for service in services.names:
        store.enqueue(notification(service))
    for service in services.names:
        outbox_of(service, store, services).send_next()
    services.answers.clear()
    run_for(outbox_of("mail", store, services), services.clock, 30)
    assert [service for service, _, _ in services.attempts] == ["slack", "mail"]
    run_for(outbox_of("slack", store, services), services.clock, 1)
    assert [service for service, _, _ in services.attempts] == ["slack", "mail", "slack"]


def test_a_service_is_left_alone_for_as_long_as_it_asks(store: Store, services: Services) -> None:
    services.answers["slack"] = Outcome(ok=False, error="429", retry_after_s=40)
    for name in ("a", "b"):
        store.enqueue(notification(group_key=name, title=name))
    outbox = outbox_of("slack", store, services)
    services.clock.advance(outbox.send_next())
    services.answers.clear()
    run_for(outbox, services.clock, 10)
    assert [(title, at >= 40) for _, title, at in services.attempts] == [
        ("a", False),
        ("a", True),
        ("b", True),
    ]


def test_one_that_died_while_sending_is_taken_over_after_its_lease(store: Store, services: Services) -> None:
    store.enqueue(notification())
    store.claim(("slack",), AT, LEASE_S, 1)  # and is never heard of again
    outbox = outbox_of("slack", store, services)
    run_for(outbox, services.clock, LEASE_S - 2)
    assert services.attempts == []
    run_for(outbox, services.clock, 4)
    assert len(services.attempts) == 1


def test_after_a_day_a_notification_is_given_up_and_counted(store: Store, services: Services) -> None:
    services.answers["slack"] = FAILED
    store.enqueue(notification())
    outbox = outbox_of("slack", store, services)
    for _ in range(110):
        outbox.send_next()
        services.clock.advance(900)
    metrics = outbox._metrics
    assert metrics is not None
    assert metrics.notifications.labels(receiver="slack", status="dropped")._value.get() == 1
    assert store.claim(("slack",), services.clock.now() + timedelta(days=9), 60, 1) == ()


def test_it_ends_when_it_is_told_to(store: Store, services: Services) -> None:
    stop = threading.Event()
    stop.set()
    store.enqueue(notification())
    outbox_of("slack", store, services).run(stop)
    assert services.attempts == []
