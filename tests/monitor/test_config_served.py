"""[page]: nothing is shown to others by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import Address, parse
from monitor.errors import ConfigError
from monitor.secrets import secrets_in

BASE = '[kafka]\nbootstrap_servers = ["k:1"]\n[database]\nurl = "sqlite://"\n[page]\n'
TOKEN = "a token of some length"  # noqa: S105  # of this test alone


def test_the_page_is_off_unless_it_is_asked_for() -> None:
    assert parse(BASE).page.address is None
    assert parse(BASE + 'http = "127.0.0.1:9465"').page.address == Address("127.0.0.1", 9465)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.8.0.1"])
def test_this_machine_may_look_without_a_token(host: str) -> None:
    assert not parse(f'{BASE}http = "{host}:9465"').page.is_guarded


@pytest.mark.parametrize(
    "host", ["[::]", "10.1.2.3", "192.168.0.9", "drift.example.com", "127.0.0.1.example.com"]
)
def test_others_may_not(host: str) -> None:
    with pytest.raises(
        ConfigError, match=r"page\.http: .* can be reached from other machines: set page\.token"
    ):
        parse(f'{BASE}http = "{host}:9465"')
    parse(f'{BASE}http = "{host}:9465"\ntoken = "{TOKEN}"')
    parse(f'{BASE}http = "{host}:9465"\nuser_header = "X-User"\nproxies = ["10.0.0.5"]')


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('token = "short"', r"page\.token: is shorter than 16 characters"),
        ('user_header = "X-User"', r"page\.user_header: is believed only of the addresses in page\.proxies"),
        ('proxies = ["10.0.0.5"]', r"page\.proxies: are asked nothing: set page\.user_header"),
        ('user_header = "X"\nproxies = ["proxy.local"]', r'page\.proxies\[0\]: "proxy\.local" is no address'),
        ('http = "9465"', r'page\.http: "9465" is not HOST:PORT'),
    ],
)
def test_a_mistake_is_named_with_the_way_out(keys: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse(BASE + keys)


def test_the_token_may_be_in_a_file_or_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    text = f'{BASE}http = "0.0.0.0:9465"\ntoken_file = "token"'
    found = parse(text, directory=tmp_path).page.token
    assert found is not None
    assert found.reveal() == TOKEN
    given = parse(text, {"DRIFTD__PAGE__TOKEN": "another one, as long"}, directory=tmp_path).page.token
    assert given is not None
    assert given.reveal() == "another one, as long"
    with pytest.raises(ConfigError, match=r"page\.token_file: .*gone cannot be read"):
        parse(text.replace('"token"', '"gone"'), directory=tmp_path)
    with pytest.raises(ConfigError, match=r"page\.token: is given twice: keep token or token_file"):
        parse(f'{text}\ntoken = "{TOKEN}"', directory=tmp_path)


def test_the_token_does_not_show(tmp_path: Path) -> None:
    config = parse(f'{BASE}token = "{TOKEN}"', directory=tmp_path)
    assert TOKEN not in repr(config)
    assert TOKEN in secrets_in(config, {})
