"""What an operator sees of a running service: its probes, its metrics, its log."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.integration.running import World
from tests.services.postgres import free_port
from tests.services.waiting import until

LIMIT_S = 60.0
"""How long a test waits for something to be seen: long, because machines that test are busy."""


@dataclass(frozen=True)
class Watch:
    """One service, from outside."""

    address: str
    log: Path

    def not_ready(self) -> dict[str, str] | None:
        """Give the causes on /readyz: none when it is ready, None when nobody answers."""
        answer = self._get("/readyz")
        return None if answer is None else dict(json.loads(answer)["reasons"])

    def cause(self, name: str) -> str:
        """Give what /readyz says of one cause, empty when it does not name it."""
        return (self.not_ready() or {}).get(name, "")

    def is_healthy(self) -> bool:
        answer = self._get("/healthz")
        return answer is not None and bool(json.loads(answer)["healthy"])

    def metric(self, name: str, **labels: str) -> float:
        """Give the sum of a metric's samples that have these labels; 0 when there are none."""
        answer = self._get("/metrics")
        families = text_string_to_metric_families("" if answer is None else answer.decode())
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return sum(each.value for each in samples if labels.items() <= each.labels.items())

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """Give the lines of the log that are about this event, or all."""
        whole = self.log.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in whole if line.startswith("{") and line.endswith("}")]
        return [line for line in found if event in ("", line["event"])]

    def wait_until_ready(self, limit_s: float = LIMIT_S) -> None:
        until(lambda: self.not_ready() == {}, f"{self.address} is ready", limit_s)

    def wait_for_cause(self, cause: str, limit_s: float = LIMIT_S) -> str:
        """Wait until /readyz names this cause; give its text."""
        until(lambda: self.cause(cause) != "", f"not ready because of {cause}", limit_s)
        return self.cause(cause)

    def wait_for_line(self, event: str, count: int = 1, limit_s: float = LIMIT_S) -> dict[str, Any]:
        """Wait until the log has so many lines about the event; give the last one."""
        until(lambda: len(self.lines(event)) >= count, f"{count} lines {event!r} in the log", limit_s)
        return self.lines(event)[-1]

    def _get(self, path: str) -> bytes | None:
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=5) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.read()
        except OSError:
            return None


def watched(at: World) -> Watch:
    """Give the service a port for its probes, before it is started, and watch it there."""
    address = f"127.0.0.1:{free_port()}"
    text = at.config.read_text(encoding="utf-8")
    at.config.write_text(text.replace('http = ""', f'http = "{address}"'), encoding="utf-8")
    return Watch(address, at.log)
