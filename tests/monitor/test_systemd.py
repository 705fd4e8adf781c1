"""What systemd hears, on a real datagram socket in its place."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.clock import ManualClock
from monitor.systemd import Systemd
from monitor.web.health import HealthState

PID = 7


class Manager:
    """A service manager's end of the socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[list[str]]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.socket.close()


def given(manager: Manager, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": manager.socket.getsockname(), "WATCHDOG_USEC": "60000000", **more}


def test_turns_ping_the_watchdog_four_times_within_its_limit(manager: Manager, clock: ManualClock) -> None:
    systemd = Systemd.of(given(manager, WATCHDOG_PID="7"), clock, PID)
    with systemd.serving():
        systemd.turned({})
        assert manager.heard() == [["READY=1"], ["WATCHDOG=1", "STATUS=running"]]
        clock.advance(14.9)
        systemd.turned({})
        assert manager.heard() == []
        clock.advance(0.2)
        systemd.turned({})
        assert manager.heard() == [["WATCHDOG=1"]]
    assert manager.heard() == [["STOPPING=1", "STATUS=stopping"]]


def test_a_loop_that_does_not_turn_is_not_spoken_for(manager: Manager, clock: ManualClock) -> None:
    systemd = Systemd.of(given(manager), clock, PID)
    health = HealthState(clock, on_tick=systemd.turned)
    health.ready()
    health.tick()
    assert "WATCHDOG=1" in manager.heard()[0]
    clock.advance(61)
    assert not health.is_healthy()
    health.not_ready("database", "away")
    health.ready("database")
    assert manager.heard() == []


def test_what_is_waited_for_is_told_by_name_alone(manager: Manager, clock: ManualClock) -> None:
    systemd = Systemd.of({"NOTIFY_SOCKET": manager.socket.getsockname()}, clock, PID)
    health = HealthState(clock, on_tick=systemd.turned)
    told = []
    for away in ((), ("database",), ("database", "kafka"), None, None):
        for cause in away or ():
            health.not_ready(cause, "password=secret")
        for cause in ("starting", "database", "kafka") if away is None else ():
            health.ready(cause)
        health.tick()
        told += [word for words in manager.heard() for word in words if word.startswith("STATUS")]
    assert told == [
        "STATUS=starting",
        "STATUS=waiting for database",
        "STATUS=waiting for database, kafka",
        "STATUS=running",
    ]


def test_a_start_that_waits_is_given_more_time_until_it_is_over(manager: Manager, clock: ManualClock) -> None:
    systemd = Systemd.of(given(manager), clock, PID)
    systemd.turned({"starting": ""})
    assert "EXTEND_TIMEOUT_USEC=120000000" in manager.heard()[0]
    with systemd.serving():
        systemd.turned({})
    assert not any(word.startswith("EXTEND") for words in manager.heard() for word in words)


def test_a_reload_is_told_with_its_time_and_its_end_whatever_happens(
    manager: Manager, clock: ManualClock
) -> None:
    clock.advance(3.5)
    systemd = Systemd.of(given(manager), clock, PID)
    with pytest.raises(ValueError, match="bad"), systemd.reloading():
        raise ValueError("bad")
    assert manager.heard() == [["RELOADING=1", "MONOTONIC_USEC=3500000"], ["READY=1"]]


def test_a_watchdog_that_is_meant_for_another_process_is_not_pinged(
    manager: Manager, clock: ManualClock
) -> None:
    systemd = Systemd.of(given(manager, WATCHDOG_PID="8"), clock, PID)
    with systemd.serving():
        systemd.turned({})
    assert not any("WATCHDOG=1" in words for words in manager.heard())


def test_an_abstract_socket_is_spoken_to(clock: ManualClock, tmp_path: Path) -> None:
    name = f"driftd{str(tmp_path).replace('/', '-')}"[-90:]
    manager = Manager(f"\0{name}")
    try:
        with Systemd.of({"NOTIFY_SOCKET": f"@{name}"}, clock, PID).serving():
            assert manager.heard() == [["READY=1"]]
    finally:
        manager.socket.close()


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "vsock:2:1234", "relative"])
def test_without_a_service_manager_nothing_happens(address: str, clock: ManualClock) -> None:
    systemd = Systemd.of({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "soon"}, clock, PID)
    with systemd.serving(), systemd.reloading():
        systemd.turned({"database": "away"})
