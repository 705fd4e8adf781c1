"""[registry]: where the schemas of framed values are."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from monitor.config.durations import Duration
from monitor.config.secret import Secret
from monitor.config.section import Mistake, Section


class SchemaRegistry(Section, frozen=True, kw_only=True):
    """[registry]: a schema registry. After loading, ``url`` is filled in from ``url_file``."""

    url: Secret | None = None
    url_file: str | None = None
    timeout: Duration = Duration.parse("5s")

    def mistakes(self) -> Iterator[Mistake]:
        if self.url is not None:
            parts = urlsplit(self.url.reveal())
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                yield Mistake(("url",), 'is no address: write "http://HOST:8081", or with "USER:PASSWORD@"')
        if not self.timeout.ms:
            yield Mistake(("timeout",), "is 0: no registry answers at once")
