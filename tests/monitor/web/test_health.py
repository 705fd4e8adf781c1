"""The endpoints, over real sockets."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from monitor.clock import ManualClock
from monitor.errors import ConfigError
from monitor.metrics import Metrics
from monitor.web import server as server_module
from monitor.web.health import HealthState, serve
from monitor.web.server import Request, Response, Server

LOOPBACK = ("127.0.0.1", 0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def state(clock: ManualClock) -> HealthState:
    return HealthState(clock, tick_limit_s=30)


def broken(_: Request) -> Response:
    raise ValueError("no")


@pytest.fixture
def server(state: HealthState) -> Iterator[Server]:
    registry = CollectorRegistry()
    Metrics(registry, "9.9").consumed.labels(topic="t").inc()
    running = serve(LOOPBACK, state, registry, "9.9", {"/broken": broken})
    yield running
    running.close()


@pytest.fixture
def ask(server: Server) -> Callable[..., tuple[HTTPResponse, bytes]]:
    def request(path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    return request


Ask = Callable[..., tuple[HTTPResponse, bytes]]


def answered(ask: Ask, path: str) -> tuple[int, Any]:
    response, body = ask(path)
    return response.status, json.loads(body)


def test_the_service_is_healthy_while_its_loop_turns(
    ask: Ask, state: HealthState, clock: ManualClock
) -> None:
    assert answered(ask, "/healthz") == (200, {"healthy": True, "seconds_since_last_turn": 0.0})
    clock.advance(31)
    assert answered(ask, "/healthz") == (503, {"healthy": False, "seconds_since_last_turn": 31.0})
    state.tick()
    assert answered(ask, "/healthz")[0] == 200


def test_the_service_is_not_ready_before_it_has_started(ask: Ask, state: HealthState) -> None:
    status, answer = answered(ask, "/readyz")
    assert status == 503
    assert set(answer["reasons"]) == {"starting"}
    state.ready()
    assert answered(ask, "/readyz") == (200, {"ready": True, "reasons": {}})


def test_a_database_that_is_away_makes_it_unready_but_not_unhealthy(ask: Ask, state: HealthState) -> None:
    state.ready()
    state.not_ready("database", "no answer for 5 s")
    assert answered(ask, "/readyz") == (503, {"ready": False, "reasons": {"database": "no answer for 5 s"}})
    assert answered(ask, "/healthz")[0] == 200
    state.ready("database")
    assert answered(ask, "/readyz")[0] == 200


def test_metrics_are_in_the_format_that_was_asked_for(ask: Ask) -> None:
    response, body = ask("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    assert b'driftd_records_consumed_total{topic="t"} 1.0' in body
    response, body = ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_the_version_is_told(ask: Ask) -> None:
    assert answered(ask, "/version?x=1") == (200, {"name": "driftd", "version": "9.9"})


def test_head_gives_the_headers_alone(ask: Ask) -> None:
    response, body = ask("/version", "HEAD")
    assert (response.status, body) == (200, b"")
    assert int(response.headers["Content-Length"]) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(ask: Ask, method: str) -> None:
    response, _ = ask("/healthz", method)
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


def test_an_unknown_page_names_the_known_ones(ask: Ask) -> None:
    response, body = ask("/nope")
    assert response.status == 404
    assert b"/healthz" in body


def test_a_page_that_fails_says_so(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    response, body = ask("/broken")
    assert response.status == 500
    assert b"see the log" in body
    assert "ValueError: no" in "".join(capsys.readouterr())


def test_requests_are_not_logged(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    ask("/healthz")
    assert "".join(capsys.readouterr()) == ""


def test_a_port_in_use_names_the_address_and_the_way_out(server: Server, state: HealthState) -> None:
    with pytest.raises(ConfigError) as caught:
        serve(("127.0.0.1", server.port), state, CollectorRegistry())
    for part in (f"127.0.0.1:{server.port}", "another process listens there", "service.http"):
        assert part in str(caught.value)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_is_refused(host: str, state: HealthState) -> None:
    with pytest.raises(ConfigError, match=host):
        serve((host, 0), state, CollectorRegistry())


def test_after_close_the_port_is_free(state: HealthState) -> None:
    first = serve(LOOPBACK, state, CollectorRegistry())
    port = first.port
    first.close()
    second = serve(("127.0.0.1", port), state, CollectorRegistry())
    second.close()


def test_clients_that_say_nothing_do_not_hold_up_the_others(
    server: Server, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server_module._Handler.timeout == server_module.CLIENT_TIMEOUT_S
    monkeypatch.setattr(server_module._Handler, "timeout", 0.5)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
    try:
        assert ask("/version")[0].status == 200
        for client in silent:
            client.settimeout(10)
            assert client.recv(1) == b""  # hung up on
    finally:
        for client in silent:
            client.close()


def test_the_number_of_clients_is_bounded(server: Server) -> None:
    clients = [
        socket.create_connection(("127.0.0.1", server.port)) for _ in range(server_module.MOST_CLIENTS + 10)
    ]
    try:
        clients[-1].settimeout(10)
        assert clients[-1].recv(1) == b""
        assert sum(thread.name.startswith("Thread") for thread in threading.enumerate()) <= 40
    finally:
        for client in clients:
            client.close()


def test_probes_and_the_loop_may_meet(state: HealthState) -> None:
    def toggle() -> None:
        for number in range(2_000):
            state.not_ready(str(number % 7), "x")
            state.ready(str(number % 7))

    threads = [threading.Thread(target=toggle) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        state.reasons()
    state.ready()
    assert state.reasons() == {}
