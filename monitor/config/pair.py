"""[models.NAME.fields.pair]: requests and responses that come as messages of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from monitor.config.durations import Duration
from monitor.config.paths import parse_path
from monitor.config.presets import Sides
from monitor.config.section import Mistake, Section
from monitor.decode.layout import Pairing


class Pair(Section, frozen=True, kw_only=True):
    """How the two are told apart, where the preset does not say it, and how long one waits for the other."""

    TABLE = 'a table like { within = "10m" }'

    kind: str | None = None
    request: str | None = None
    response: str | None = None
    within: Duration = Duration.parse("10m")
    most: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    most_bytes: Annotated[int, Meta(ge=1_048_576)] = 67_108_864

    def resolved(self, sides: Sides | None) -> Pairing:
        """Fill in what the preset says; all has to be said."""
        known = sides or Sides("", "", "", "")
        return Pairing(
            kind=parse_path(self.kind or known.kind),
            request=self.request or known.request,
            response=self.response or known.response,
            within_ms=self.within.ms,
            most=self.most,
            most_bytes=self.most_bytes,
        )

    def mistakes(self) -> Iterator[Mistake]:
        if not self.within.ms:
            yield Mistake(("within",), "is 0: no half would wait for the other one")
        if self.kind:
            try:
                parse_path(self.kind)
            except ValueError as error:
                yield Mistake(("kind",), str(error))
        if self.request is not None and self.request == self.response:
            yield Mistake(("response",), f'"{self.response}" is what requests are told by, too')

    def missing(self, sides: Sides | None) -> Iterator[str]:
        """Name the keys that neither this table nor the preset has."""
        for key in ("kind", "request", "response"):
            if not (getattr(self, key) or (sides is not None and getattr(sides, key))):
                yield key
