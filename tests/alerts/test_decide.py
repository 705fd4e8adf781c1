from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.decide import decide
from alerts.outgoing import Reason, Sent

NOW = datetime(2019, 4, 2, tzinfo=UTC)
REPEAT = timedelta(hours=24)


def told(firing: str, resolved: str = "", hours_ago: float = 1) -> Sent:
    return Sent(frozenset(firing), frozenset(resolved), NOW - timedelta(hours=hours_ago))


@pytest.mark.parametrize(
    ("sent", "firing", "resolved", "send_resolved", "expected"),
    [
        # nothing was told yet
        (None, "", "", True, None),
        (None, "a", "", True, Reason.FIRST),
        (None, "", "a", True, None),  # over before anybody heard of it
        (None, "b", "a", True, Reason.FIRST),
        # nothing has changed
        (told("a"), "a", "", True, None),
        (told("ab"), "a", "", True, None),  # b is muted now, not over
        (told("", "a"), "", "", True, None),
        (told("", "a"), "", "a", True, None),  # already told that it is over
        # more fires
        (told("a"), "ab", "", True, Reason.NEW_ALERTS),
        (told("a"), "b", "a", True, Reason.NEW_ALERTS),
        (told("a"), "b", "a", False, Reason.NEW_ALERTS),
        (told("", "a"), "a", "", True, Reason.FIRST),
        (told("", "a"), "b", "a", True, Reason.FIRST),
        # some is over
        (told("a"), "", "a", True, Reason.RESOLVED),
        (told("ab"), "a", "b", True, Reason.RESOLVED),
        (told("a"), "", "a", False, None),
        (told("ab"), "a", "b", False, None),
        (told("a"), "a", "b", True, None),  # b was never told to fire
        # time to say it again
        (told("a", hours_ago=24), "a", "", True, Reason.REPEAT),
        (told("a", hours_ago=23.9), "a", "", True, None),
        (told("ab", hours_ago=30), "a", "b", False, Reason.REPEAT),
        (told("ab", hours_ago=30), "a", "b", True, Reason.RESOLVED),
        (told("a", hours_ago=30), "ab", "", True, Reason.NEW_ALERTS),
        (told("", "a", hours_ago=99), "", "a", True, None),
        (told("a", hours_ago=99), "", "", True, None),  # all muted
    ],
)
def test_a_service_hears_only_what_is_news_to_it(
    sent: Sent | None,
    firing: str,
    resolved: str,
    send_resolved: bool,
    expected: Reason | None,
) -> None:
    assert decide(sent, frozenset(firing), frozenset(resolved), send_resolved, REPEAT, NOW) is expected
