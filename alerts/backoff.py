"""When to try again to send a notification."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

FIRST_S = 5.0
LONGEST_S = 900.0
GIVE_UP_AFTER = timedelta(hours=24)


def retry_at(attempts: int, now: datetime, rng: Random) -> datetime:
    """Give the time of the next attempt after ``attempts`` failed ones (at least 1).

    The pause doubles from 5 s to 15 min, less a random part of up to half of it
    (but never under 5 s), so that processes that failed together do not come
    back together.
    """
    doublings = min(max(attempts, 1) - 1, 16)  # 2.0**1024 overflows
    pause_s = min(LONGEST_S, FIRST_S * 2.0**doublings)
    return now + timedelta(seconds=max(FIRST_S, pause_s * (1 - rng.random() / 2)))


def next_attempt(
    attempts: int, created_at: datetime, now: datetime, rng: Random, at_least_s: float = 0.0
) -> datetime | None:
    """Give the time of the next attempt, or None when the notification is a day old: then give it up.

    ``at_least_s`` is what the service asked for.
    """
    at = max(retry_at(attempts, now, rng), now + timedelta(seconds=at_least_s))
    return at if at - created_at <= GIVE_UP_AFTER else None
