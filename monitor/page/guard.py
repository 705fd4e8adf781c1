"""Who may look, and what browsers may do with what they get."""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.config import Page

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OWN_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets requests through to the page, or answers them itself.

    Who knows the token is let in, and whom one of the proxies names. Where neither is set only this machine
    can come, and only under a name of its own: a web site that has its name lead here must not read along.
    """

    app: ASGIApp
    page: Page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        refusal = self._refusal(Headers(scope=scope), _peer(scope))
        await (refusal or self.app)(scope, receive, _with_headers(send))

    def _refusal(self, headers: Headers, peer: str) -> PlainTextResponse | None:
        if not self.page.is_guarded:
            host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
            known = {*OWN_NAMES, *([self.page.address.host] if self.page.address else [])}
            return None if host in known else PlainTextResponse(_OTHER_NAME, 421)
        if self._is_named(headers, peer) or self._has_token(headers.get("authorization", "")):
            return None
        if self.page.token is None:
            return PlainTextResponse("only for users whom the proxy names\n", 403)
        asks = {"WWW-Authenticate": 'Basic realm="driftd", charset="UTF-8"'}
        return PlainTextResponse("the token is needed, as the password of any user\n", 401, asks)

    def _is_named(self, headers: Headers, peer: str) -> bool:
        """Tell whether one of the proxies says who it is."""
        if self.page.user_header is None or not headers.get(self.page.user_header, "").strip():
            return False
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in ip_network(proxy, strict=False) for proxy in self.page.proxies)

    def _has_token(self, authorization: str) -> bool:
        """Tell whether the token was given, in a time that says nothing about it."""
        if self.page.token is None:
            return False
        given = _given(authorization)
        return hmac.compare_digest(given, self.page.token.reveal().encode())


_OTHER_NAME = (
    "this page is served to this machine only, as localhost; docs/page.md says how to open it to others\n"
)


def _given(authorization: str) -> bytes:
    """Give the token of a header: all of a bearer's, the password of a user's."""
    kind, _, rest = authorization.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip().encode()
    if kind.lower() != "basic":
        return b""
    try:
        return b64decode(rest, validate=True).partition(b":")[2]
    except ValueError:
        return b""


def _peer(scope: Mapping[str, object]) -> str:
    client = scope.get("client")
    return str(client[0]) if isinstance(client, list | tuple) and client else ""


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
