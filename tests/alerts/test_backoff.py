from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from alerts.backoff import next_attempt, retry_at

NOW = datetime(2019, 4, 1, tzinfo=UTC)


@given(st.integers(0, 10**9), st.integers())
def test_pauses_stay_between_five_seconds_and_a_quarter_of_an_hour(attempts: int, seed: int) -> None:
    pause = retry_at(attempts, NOW, Random(seed)) - NOW
    assert timedelta(seconds=5) <= pause <= timedelta(minutes=15)


def test_pauses_double_and_spread() -> None:
    rng = Random(7)
    pauses = [[(retry_at(n, NOW, rng) - NOW).total_seconds() for _ in range(200)] for n in range(1, 9)]
    for n, row in enumerate(pauses[1:], start=1):
        assert 5 * 2**n / 2 <= min(row) <= max(row) <= 5 * 2**n
        assert len(set(row)) > 100


def test_a_notification_is_given_up_after_a_day() -> None:
    created = NOW - timedelta(hours=23, minutes=44)
    assert next_attempt(50, created, NOW, Random(1)) is not None
    assert next_attempt(50, created - timedelta(minutes=20), NOW, Random(1)) is None
