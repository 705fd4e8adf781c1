"""Who is let in, over real sockets; and what browsers are told to refuse."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest

from monitor.clock import ManualClock
from monitor.config import Address, parse
from monitor.errors import ConfigError
from monitor.page.server import PageServer, serve_page
from monitor.store.page import open_reader
from tests.monitor.page.conftest import migrated
from tests.monitor.page.worlds import NOW, Names, config_text

TOKEN = "correct horse battery"  # noqa: S105  # of this test alone
LOOPBACK = Address("127.0.0.1", 0)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return migrated(tmp_path_factory.mktemp("guarded"))


def served(url: str, settings: str = "") -> PageServer:
    config = parse(f'{config_text(Names(), url)}\n[page]\nhttp = "127.0.0.1:1"\n{settings}')
    return serve_page(LOOPBACK, open_reader(url), config, ManualClock(NOW))


@pytest.fixture
def plain(url: str) -> Iterator[PageServer]:
    server = served(url)
    yield server
    server.close()


@pytest.fixture
def with_token(url: str) -> Iterator[PageServer]:
    server = served(url, f'token = "{TOKEN}"')
    yield server
    server.close()


def ask(server: PageServer, path: str = "/", method: str = "GET", **headers: str) -> Answer:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(
            method, path, headers={key.replace("_", "-"): value for key, value in headers.items()}
        )
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"ana:{password}".encode()).decode()


def test_this_machine_is_let_in_without_a_word(plain: PageServer) -> None:
    answer = ask(plain)
    assert answer.status == 200
    assert b"<h1>Models</h1>" in answer.body
    assert ask(plain, Host="localhost:9465").status == 200
    assert ask(plain, Host="[::1]:9465").status == 200


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:9465", "localhost.evil.test", "127.0.0.1.evil.test", ""]
)
def test_a_foreign_name_that_leads_here_is_refused(plain: PageServer, host: str) -> None:
    assert ask(plain, Host=host).status == 421


def test_the_token_is_a_password_or_a_bearers(with_token: PageServer) -> None:
    assert ask(with_token, Authorization=basic(TOKEN)).status == 200
    assert ask(with_token, Authorization=f"Bearer {TOKEN}").status == 200
    assert ask(with_token, Authorization=basic(TOKEN), Host="drift.example.com").status == 200


@pytest.mark.parametrize(
    "given",
    [
        basic("wrong"),
        basic(""),
        basic(TOKEN[:-1]),
        f"Bearer {TOKEN}x",
        "Bearer",
        "Basic ???",
        f"Digest {TOKEN}",
    ],
)
def test_nobody_without_the_token_sees_anything(with_token: PageServer, given: str) -> None:
    for path in ("/", "/model?m=churn", "/?csv=models", "/static/page.css", "/nowhere"):
        answer = ask(with_token, path, Authorization=given)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert b"churn" not in answer.body


def test_a_proxy_says_who_it_is_and_nobody_else_does(url: str) -> None:
    server = served(url, 'user_header = "X-User"\nproxies = ["127.0.0.0/8"]')
    try:
        assert ask(server, X_User="ana").status == 200
        assert ask(server).status == 403
        assert ask(server, X_User=" ").status == 403
        assert ask(server, Authorization=basic(TOKEN)).status == 403
    finally:
        server.close()
    stranger = served(url, 'user_header = "X-User"\nproxies = ["10.0.0.5"]')
    try:
        assert ask(stranger, X_User="ana").status == 403
        assert ask(stranger, X_User="ana", X_Forwarded_For="10.0.0.5").status == 403
    finally:
        stranger.close()


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/nowhere", "/?csv=models"])
def test_browsers_are_told_to_run_and_load_nothing_else(plain: PageServer, path: str) -> None:
    headers = ask(plain, path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(plain: PageServer, method: str) -> None:
    assert ask(plain, "/", method).status == 405


def test_head_gives_the_headers_alone(plain: PageServer) -> None:
    answer = ask(plain, method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


def test_what_is_not_there_is_a_page_that_says_so(plain: PageServer) -> None:
    answer = ask(plain, "/nowhere")
    assert answer.status == 404
    assert b"there is no such page" in answer.body
    assert ask(plain, "/static/../page.py").status == 404


def test_static_files_are_kept_by_browsers_and_pages_are_not(plain: PageServer) -> None:
    assert ask(plain, "/static/page.js").headers["cache-control"] == "max-age=86400"
    assert ask(plain).headers["cache-control"] == "no-store"


def test_an_address_that_is_taken_is_named_with_the_way_out(url: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        config = parse(config_text(Names(), url))
        with pytest.raises(
            ConfigError, match=r"page\.http: cannot listen on 127.*another process listens there"
        ):
            serve_page(Address(*other.getsockname()), open_reader(url), config, ManualClock(NOW))


def test_a_database_that_is_away_is_a_page_that_says_so() -> None:
    server = served("postgresql://nobody@127.0.0.1:1/none")
    try:
        answer = ask(server)
    finally:
        server.close()
    assert answer.status == 503
    assert b"The database is away" in answer.body
