from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite import dialect

from monitor.store.types import Instant, aware, clean, dump_json, to_datetime, to_ms

MOMENTS = st.datetimes(timezones=st.just(UTC))
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(st.integers(to_ms(datetime.min.replace(tzinfo=UTC)), to_ms(datetime.max.replace(tzinfo=UTC))))
def test_milliseconds_survive_as_moments(ms: int) -> None:
    assert to_ms(to_datetime(ms)) == ms


@given(MOMENTS)
def test_moments_lose_less_than_a_millisecond(at: datetime) -> None:
    assert timedelta(0) <= at - to_datetime(to_ms(at)) < timedelta(milliseconds=1)


def test_a_moment_of_any_zone_is_stored_in_utc() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    stored = Instant().process_bind_param(at, dialect())
    assert stored is not None
    assert stored.isoformat() == "2026-03-01T10:00:00+00:00"
    assert aware(stored.replace(tzinfo=None)) == at


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Instant().process_bind_param(datetime(2026, 3, 1), dialect())  # noqa: DTZ001


@given(ANY_TEXT)
def test_clean_text_can_be_stored_and_is_clean_at_once(text: str) -> None:
    cleaned = clean(text)
    assert "\x00" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert clean(cleaned) == cleaned


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


def refuse(constant: str) -> None:
    raise AssertionError(constant)


@given(ANY_JSON)
def test_json_is_strict_and_holds_nothing_that_databases_refuse(value: object) -> None:
    def check(item: object) -> None:
        if isinstance(item, str):
            assert clean(item) == item
        elif isinstance(item, float):
            assert math.isfinite(item)
        elif isinstance(item, list):
            for each in item:
                check(each)
        elif isinstance(item, dict):
            check([*item.keys(), *item.values()])

    check(json.loads(dump_json(value), parse_constant=refuse))


@given(st.recursive(st.integers() | st.text('ab\n"\\é'), st.lists, max_leaves=5))
def test_ordinary_json_survives(value: object) -> None:
    assert json.loads(dump_json(value)) == value
