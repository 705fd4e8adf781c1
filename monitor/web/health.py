"""/healthz, /readyz, /metrics and /version: what probes and Prometheus ask."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from monitor.clock import Clock
from monitor.web.server import Request, Response, Routes, Server, listen

JSON = "application/json"


class HealthState:
    """How the service is, written by its loop and read by the probes; safe to use from any thread.

    Healthy means that the loop has turned lately: a restart would help if it has not. Ready means that
    nothing stands in the way of results; a database that is away makes the service unready, never unhealthy.
    """

    def __init__(
        self,
        clock: Clock,
        tick_limit_s: float = 60.0,
        on_tick: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        self._clock = clock
        self._tick_limit_s = tick_limit_s
        self._on_tick = on_tick
        self._lock = threading.Lock()
        self._ticked_s = clock.monotonic()
        self._reasons: dict[str, str] = {"starting": "the service has not read its position yet"}

    def tick(self) -> None:
        """Say that the loop has turned; ``on_tick`` hears of it in the same thread."""
        now_s = self._clock.monotonic()
        with self._lock:
            self._ticked_s = now_s
        if self._on_tick is not None:
            self._on_tick(self.reasons())

    def not_ready(self, cause: str, text: str) -> None:
        """Say why there are no results now; the same cause again replaces its text."""
        with self._lock:
            self._reasons[cause] = text

    def ready(self, cause: str = "starting") -> None:
        """Say that a cause is gone; no error when it never was there."""
        with self._lock:
            self._reasons.pop(cause, None)

    def reasons(self) -> dict[str, str]:
        """Give what stands in the way, empty when the service is ready."""
        with self._lock:
            return dict(self._reasons)

    def since_tick_s(self) -> float:
        """Give how long ago the loop last turned."""
        with self._lock:
            ticked_s = self._ticked_s
        return self._clock.monotonic() - ticked_s

    def is_healthy(self) -> bool:
        return self.since_tick_s() <= self._tick_limit_s


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The answers."""

    state: HealthState
    registry: CollectorRegistry
    version: str

    def routes(self) -> Routes:
        return {
            "/healthz": self.healthz,
            "/readyz": self.readyz,
            "/metrics": self.metrics,
            "/version": self.show_version,
        }

    def healthz(self, _: Request) -> Response:
        is_healthy = self.state.is_healthy()
        answer = {"healthy": is_healthy, "seconds_since_last_turn": round(self.state.since_tick_s(), 3)}
        return _json(200 if is_healthy else 503, answer)

    def readyz(self, _: Request) -> Response:
        reasons = self.state.reasons()
        return _json(503 if reasons else 200, {"ready": not reasons, "reasons": reasons})

    def metrics(self, request: Request) -> Response:
        encode, content_type = choose_encoder(request.accept)
        return Response(200, content_type, encode(self.registry))

    def show_version(self, _: Request) -> Response:
        return _json(200, {"name": "driftd", "version": self.version})


def serve(
    address: tuple[str, int],
    state: HealthState,
    registry: CollectorRegistry,
    version: str = "",
    more: Mapping[str, Callable[[Request], Response]] | None = None,
) -> Server:
    """Answer on ``address`` until `Server.close`; raises ConfigError when it cannot be listened on.

    ``more`` adds pages of other parts.
    """
    return listen(address, Endpoints(state, registry, version).routes() | dict(more or {}))


def _json(status: int, answer: Mapping[str, Any]) -> Response:
    return Response(status, JSON, json.dumps(answer).encode() + b"\n")
