"""Durations, ages, secrets and paths."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Age, Duration, Secret
from monitor.config.address import parse_address
from monitor.config.paths import parse_path, path_text
from monitor.decode.layout import Meta, Where

keys = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("250ms", 250),
        ("0s", 0),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("2w", 1_209_600_000),
        ("1y", 31_536_000_000),
    ],
)
def test_durations_are_numbers_with_units(text: str, ms: int) -> None:
    assert Duration.parse(text).ms == ms


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "1.5h", "5 minutes", "1mo", "5M", "٣m", "1h,", "nan"])
def test_other_durations_are_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration.*like"):
        Duration.parse(text)


@pytest.mark.parametrize("text", ["101y", "9" * 15 + "w"])
def test_durations_beyond_what_a_date_can_hold_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="100 years"):
        Duration.parse(text)


def test_durations_compare_by_length() -> None:
    assert Duration.parse("60m") == Duration.parse("1h") < Duration.parse("1d")


@given(st.integers(0, 100 * 365 * 86_400_000))
def test_a_duration_survives_its_own_text(ms: int) -> None:
    assert Duration.parse(str(Duration(ms))) == Duration(ms)


@pytest.mark.parametrize("text", ["7d", "400d", "3y", "1h30m", "500ms", "0s"])
def test_a_duration_is_shown_as_people_write_it(text: str) -> None:
    assert str(Duration.parse(text)) == text


def test_what_is_kept_forever_never_expires() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert Age.parse("forever").before(now) is None
    assert Age.parse("1d").before(now) == now - timedelta(days=1)


def test_a_secret_shows_only_when_it_is_revealed() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2") != Secret("hunter3")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("id", ("id",)),
        ("user.age", ("user", "age")),
        (r"a\.b.c", ("a.b", "c")),
        (r"\$key", ("$key",)),
        ("$key", Meta("key")),
        ("$timestamp", Meta("timestamp")),
        ("$headers.ce_id", Meta("header", "ce_id")),
        ("$headers.a.b", Meta("header", "a.b")),
    ],
)
def test_paths_lead_into_the_value_or_the_record(text: str, where: Where) -> None:
    assert parse_path(text) == where
    assert path_text(where) == text


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", ".a", "a.", "$", "$headers", "$headers.", "$keys", "a\\", r"a\n"]
)
def test_paths_that_lead_nowhere_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r'^"'):
        parse_path(text)


@given(keys)
def test_a_path_survives_its_own_text(where: tuple[str, ...]) -> None:
    assert parse_path(path_text(where)) == where


@given(st.text(max_size=20))
def test_any_text_is_a_path_or_is_refused(text: str) -> None:
    try:
        where = parse_path(text)
    except ValueError:
        return
    assert parse_path(path_text(where)) == where


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:9464", ("127.0.0.1", 9464)), ("[::1]:80", ("::1", 80)), ("localhost:0", ("localhost", 0))],
)
def test_addresses_are_host_and_port(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    "text", ["9464", ":9464", "host:", "host:x", "host:65536", "host:" + "9" * 5000, "host:²"]
)
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        parse_address(text)
