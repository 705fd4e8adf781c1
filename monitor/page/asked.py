"""What an address asks for. Names may hold anything, so they are in the query, not in the path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from monitor.config import Config, Model
from monitor.store.types import FIRST_MS, LAST_MS, to_ms


class NotHereError(Exception):
    """There is no such thing to show; the text says what there is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The query of an address, understood."""

    model: str = ""
    feature: str = ""
    multiple: int = 1
    until_ms: int | None = None
    at_ms: int | None = None
    is_all: bool = False
    csv: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Asked:
        """Read a query; raises `NotHereError` for what cannot be read."""
        return cls(
            query.get("m", ""),
            query.get("f", ""),
            _multiple(query.get("x", "1")),
            _moment(query.get("until")),
            _moment(query.get("at")),
            query.get("all") == "1",
            query.get("csv", ""),
        )

    def settings(self, config: Config) -> Model:
        """Give the settings of the model that is asked for."""
        found = config.models.get(self.model)
        if found is None:
            raise NotHereError(f"there is no model “{self.model}” in the configuration")
        if self.multiple not in found.multiples:
            raise NotHereError(f"windows of {self.multiple} base windows are not judged for this model")
        return found


def link(page: str, **parts: str | int | None) -> str:
    """Make an address beside this one; what is empty is left out."""
    given = {key: value for key, value in parts.items() if value is not None and value != ""}
    return f"{page}?{urlencode(given)}" if given else page


def moment(at_ms: int | None) -> str | None:
    """Write a time into an address."""
    return None if at_ms is None else f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _multiple(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 6:  # noqa: PLR2004  # far more than can be judged
        return int(text)
    raise NotHereError("x is a number of windows, like 4")


def _moment(text: str | None) -> int | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise NotHereError("a time looks like 2026-03-01T06:00:00Z") from None
    return min(max(to_ms(at if at.tzinfo else at.replace(tzinfo=UTC)), FIRST_MS + 10**13), LAST_MS - 10**13)
