from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.grouping import after_flush, group_of, plan, schedule
from alerts.outgoing import Group
from tests.alerts.incidents import alert

NOW = datetime(2019, 4, 1, tzinfo=UTC)
WAIT, INTERVAL, REPEAT = timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=24)
FRESH = group_of(alert())


def minutes(n: float) -> datetime:
    return NOW + timedelta(minutes=n)


def changed(group: Group, now: datetime, *, has_told: bool) -> datetime | None:
    return schedule(group, True, has_told, now, WAIT, INTERVAL).next_flush_at


def test_all_alerts_of_a_model_share_a_group() -> None:
    assert group_of(alert("a")) == group_of(alert("b", shift="quality"))
    assert group_of(alert("a")) != group_of(alert("a", model="fraud"))
    assert FRESH.key == "model=churn"


def test_the_first_message_waits_for_company() -> None:
    assert changed(FRESH, NOW, has_told=False) == minutes(1)


def test_a_change_within_the_wait_does_not_put_the_message_off() -> None:
    waiting = replace(FRESH, next_flush_at=minutes(1))
    assert changed(waiting, minutes(0.9), has_told=False) == minutes(1)


def test_later_messages_keep_their_distance_and_then_go_at_once() -> None:
    flushed = replace(FRESH, last_flush_at=NOW)
    assert changed(flushed, minutes(2), has_told=True) == minutes(15)
    assert changed(flushed, minutes(40), has_told=True) == minutes(40)


def test_a_new_incident_after_a_quiet_time_waits_for_company_again() -> None:
    flushed = replace(FRESH, last_flush_at=NOW)
    assert changed(flushed, minutes(40), has_told=False) == minutes(41)
    assert changed(flushed, minutes(2), has_told=False) == minutes(15)


def test_a_round_without_a_change_plans_nothing() -> None:
    assert schedule(FRESH, False, False, NOW, WAIT, INTERVAL) is FRESH


def test_a_group_is_looked_at_again_while_it_fires_and_left_alone_afterwards() -> None:
    firing = after_flush(FRESH, True, NOW, INTERVAL, REPEAT)
    assert (firing.last_flush_at, firing.next_flush_at) == (NOW, minutes(15))
    assert after_flush(FRESH, False, NOW, INTERVAL, REPEAT).next_flush_at is None
    assert after_flush(FRESH, True, NOW, INTERVAL, timedelta(minutes=3)).next_flush_at == minutes(3)


def test_the_plan_holds_the_groups_that_are_due_longest_waiting_first() -> None:
    groups = [
        Group(key, key, at, None) for key, at in (("c", minutes(0)), ("b", minutes(-5)), ("d", minutes(1)))
    ]
    assert [group.key for group in plan([*groups, FRESH], NOW)] == ["b", "c"]


@given(st.integers(0, 100), st.integers(0, 100), st.booleans())
def test_a_planned_flush_never_moves_back_and_never_comes_too_early(
    last: int,
    planned: int,
    has_told: bool,
) -> None:
    group = replace(FRESH, last_flush_at=minutes(last), next_flush_at=minutes(last + 15 + planned))
    for now in range(last, last + 40):
        due = changed(group, minutes(now), has_told=has_told)
        assert due is not None
        assert group.next_flush_at is not None
        assert minutes(last) + INTERVAL <= due <= group.next_flush_at


def test_a_flush_planned_for_later_than_any_can_be_is_due() -> None:
    """The clock was set back after it was planned."""
    planned = Group("a", "a", NOW + timedelta(hours=1), None)
    assert plan([planned], NOW, NOW + timedelta(hours=2)) == ()
    assert plan([planned], NOW, NOW + timedelta(minutes=20)) == (planned,)
