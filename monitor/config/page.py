"""[page]: results for people, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from monitor.config.address import Address, parse_address
from monitor.config.secret import Secret
from monitor.config.section import Mistake, Section

LEAST_TOKEN = 16


class Page(Section, frozen=True, kw_only=True):
    """[page]: where the page is served, to whom. After loading ``token`` has what ``token_file`` holds."""

    http: str = ""
    token: Secret | None = None
    token_file: str | None = None
    user_header: str | None = None
    proxies: tuple[str, ...] = ()

    @property
    def address(self) -> Address | None:
        """Where the page is served; None when it is off."""
        return parse_address(self.http) if self.http else None

    @property
    def is_guarded(self) -> bool:
        """Whether somebody has to say who they are."""
        return self.token is not None or self.user_header is not None

    def mistakes(self) -> Iterator[Mistake]:
        try:
            address = self.address
        except ValueError as error:
            yield Mistake(("http",), str(error))
            return
        if self.token is not None and len(self.token.reveal()) < LEAST_TOKEN:
            yield Mistake(("token",), f"is shorter than {LEAST_TOKEN} characters: it could be guessed")
        yield from self._proxy_mistakes()
        if address is not None and not address.is_loopback and not self.is_guarded:
            text = (
                f'"{self.http}" can be reached from other machines: set page.token (or token_file), or '
                "page.user_header and page.proxies for a proxy that knows its users, or listen on 127.0.0.1"
            )
            yield Mistake(("http",), text)

    def _proxy_mistakes(self) -> Iterator[Mistake]:
        if self.user_header is not None and not self.proxies:
            text = 'is believed only of the addresses in page.proxies: name the proxy\'s, like ["10.0.0.5"]'
            yield Mistake(("user_header",), text)
        if self.proxies and self.user_header is None:
            yield Mistake(("proxies",), 'are asked nothing: set page.user_header, like "X-Forwarded-User"')
        for position, proxy in enumerate(self.proxies):
            try:
                ip_network(proxy, strict=False)
            except ValueError:
                text = f'"{proxy[:80]}" is no address or network, like "10.0.0.5" or "10.0.0.0/24"'
                yield Mistake(("proxies", position), text)
