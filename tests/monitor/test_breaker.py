from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.breaker import Breaker
from monitor.errors import TooManyRejects
from monitor.source.base import TopicPartition
from monitor.store.base import Reject


def rejects(count: int) -> list[Reject]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [Reject(TopicPartition("t", 0), i, "m", "not_json", "why", b"", at) for i in range(count)]


def test_a_stream_that_became_unreadable_stops() -> None:
    breaker = Breaker(0.5, 100)
    breaker.saw(1_000, rejects(3))
    with pytest.raises(TooManyRejects, match=r"not_json.*t\[0\] offset 89.*max_rejected_share"):
        breaker.saw(120, rejects(90))


def test_a_few_bad_messages_at_the_start_do_not() -> None:
    breaker = Breaker(0.5, 100)
    breaker.saw(10, rejects(10))
    breaker.saw(85, [])
    breaker.saw(50, rejects(20))


def test_only_the_latest_messages_count() -> None:
    breaker = Breaker(0.5, 100)
    for _ in range(50):
        breaker.saw(60, rejects(25))
    with pytest.raises(TooManyRejects):
        breaker.saw(100, rejects(60))
