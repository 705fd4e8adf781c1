from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.flush import Settings, flush
from alerts.grouping import group_of
from alerts.model import Alert, Status
from alerts.mute import Matcher, Silence
from alerts.notice import Context
from alerts.outgoing import Group, Notification, Reason, Sent
from alerts.routes import Route
from tests.alerts.incidents import DAY_MS, MARCH_31, NOW, alert

GROUP = group_of(alert())
SERVICES = ("oncall", "team")
SILENT_AGE = Silence(1, (Matcher("feature", "age"),), NOW, NOW + timedelta(hours=1), "ada", "")


def flushed(
    *alerts: Alert,
    sent: Mapping[str, Sent] | None = None,
    silences: Iterable[Silence] = (),
    routes: Iterable[Route] = (),
    settings: Settings | None = None,
    now: datetime = NOW,
    services: tuple[str, ...] = SERVICES,
) -> tuple[Group, dict[str, Notification]]:
    group, notifications = flush(
        GROUP, alerts, silences, routes, services, sent or {}, settings or Settings(), now, Context()
    )
    return group, {one.service: one for one in notifications}


def prints(*alerts: Alert) -> frozenset[str]:
    return frozenset(one.alert_id for one in alerts)


def told(*firing: Alert, resolved: tuple[Alert, ...] = (), at: datetime = NOW) -> dict[str, Sent]:
    return dict.fromkeys(SERVICES, Sent(prints(*firing), prints(*resolved), at))


AGE, SEX = alert("age"), alert("sex")
AGE_OVER = alert("age", status=Status.RESOLVED)


def test_every_service_gets_its_own_notification_of_what_fires() -> None:
    group, out = flushed(AGE, SEX)
    assert set(out) == set(SERVICES)
    one = out["team"]
    assert (one.reason, one.firing, one.resolved) == (Reason.FIRST, prints(AGE, SEX), frozenset())
    assert one.message.title == "[FIRING:2] churn: inputs drifted (age, sex)"
    assert (one.group_key, one.model, one.created_at) == ("model=churn", "churn", NOW)
    assert (group.last_flush_at, group.next_flush_at) == (NOW, NOW + timedelta(minutes=15))


def test_alerts_of_other_models_and_pending_ones_are_left_alone() -> None:
    group, out = flushed(alert(model="fraud"), alert("x", status=Status.PENDING))
    assert out == {}
    assert group.next_flush_at is None


def test_services_hear_what_their_routes_send_them() -> None:
    routes = (Route({"feature": ("age",)}, ("oncall",), continue_=True), Route({}, ("team",)))
    _, out = flushed(AGE, SEX, routes=routes)
    assert out["oncall"].firing == prints(AGE)
    assert out["team"].firing == prints(AGE, SEX)


def test_what_has_been_told_is_not_told_again_before_its_time() -> None:
    assert flushed(AGE, sent=told(AGE))[1] == {}
    later = NOW + timedelta(hours=24)
    assert flushed(AGE, sent=told(AGE), now=later)[1]["team"].reason is Reason.REPEAT


def test_only_new_alerts_are_marked_as_new() -> None:
    _, out = flushed(AGE, SEX, sent=told(AGE))
    assert out["team"].reason is Reason.NEW_ALERTS
    lines = out["team"].message.text.splitlines()
    assert [line.endswith("(new)") for line in lines if line.startswith("- ")] == [False, True]


def test_an_alert_muted_from_its_start_speaks_when_the_silence_ends() -> None:
    group, out = flushed(AGE, SEX, silences=[SILENT_AGE])
    assert out["team"].firing == prints(SEX)
    assert group.next_flush_at is not None
    after = NOW + timedelta(hours=1)
    _, out = flushed(AGE, SEX, sent=told(SEX), silences=[SILENT_AGE], now=after)
    assert (out["team"].reason, out["team"].firing) == (Reason.NEW_ALERTS, prints(AGE, SEX))


def test_a_group_that_is_wholly_muted_is_looked_at_again() -> None:
    group, out = flushed(AGE, silences=[SILENT_AGE])
    assert out == {}
    assert group.next_flush_at == NOW + timedelta(minutes=15)


FORGETFUL = Settings(send_resolved=False, expiring=frozenset({"team"}))


def test_a_service_that_forgets_is_told_again_at_every_flush_and_always_of_the_end() -> None:
    later = NOW + Settings().group_interval
    group, out = flushed(AGE, sent=told(AGE, at=NOW + timedelta(seconds=40)), settings=FORGETFUL, now=later)
    assert {name: one.reason for name, one in out.items()} == {"team": Reason.RESEND}
    assert out["team"].message.payload["valid_s"] == 3600
    assert group.next_flush_at == later + Settings().group_interval
    group, out = flushed(AGE_OVER, sent=told(AGE), settings=FORGETFUL, now=later)
    assert {name: one.reason for name, one in out.items()} == {"team": Reason.RESOLVED}
    assert [one["ends_ms"] for one in out["team"].message.payload["alerts"]] == [AGE_OVER.resolved_ms]
    assert group.next_flush_at is not None


def test_a_service_that_forgets_is_not_told_again_of_what_is_muted_so_it_forgets() -> None:
    later = NOW + Settings().group_interval
    _, out = flushed(AGE, SEX, sent=told(AGE, SEX), silences=[SILENT_AGE], settings=FORGETFUL, now=later)
    assert [one["labels"]["feature"] for one in out["team"].message.payload["alerts"]] == ["sex"]


def test_a_service_that_forgets_is_told_once_a_minute_at_most() -> None:
    hurried = replace(FORGETFUL, group_interval=timedelta(0))
    assert flushed(AGE, sent=told(AGE), settings=hurried, now=NOW + timedelta(seconds=59))[1] == {}
    _, out = flushed(AGE, sent=told(AGE), settings=hurried, now=NOW + timedelta(seconds=60))
    assert out["team"].message.payload["valid_s"] == 240


def test_muting_an_alert_that_was_told_is_not_its_end() -> None:
    assert flushed(AGE, sent=told(AGE), silences=[SILENT_AGE])[1] == {}


def test_the_end_is_told_to_those_who_heard_the_beginning() -> None:
    sent = {"team": told(AGE)["team"]}
    group, out = flushed(AGE_OVER, sent=sent)
    assert set(out) == {"team"}
    assert (out["team"].reason, out["team"].resolved) == (Reason.RESOLVED, prints(AGE))
    assert out["team"].message.title == "[RESOLVED] churn: inputs back to normal (age)"
    assert group.next_flush_at is not None  # until it is known to have arrived
    group, out = flushed(AGE_OVER, sent={"team": Sent(frozenset(), prints(AGE), NOW)})
    assert out == {}


def test_a_group_is_done_when_everybody_was_told_that_it_is_over() -> None:
    assert flushed(sent=told(resolved=(AGE,)))[0].next_flush_at is None


def test_a_group_is_not_done_while_news_of_an_ended_alert_is_on_its_way() -> None:
    assert flushed(AGE_OVER)[0].next_flush_at is not None


def test_a_service_that_is_gone_keeps_no_group_awake() -> None:
    assert flushed(AGE_OVER, sent=told(AGE), services=("other",))[0].next_flush_at is None


def test_without_send_resolved_the_end_is_not_told() -> None:
    quiet = Settings(send_resolved=False)
    group, out = flushed(AGE_OVER, sent=told(AGE), settings=quiet)
    assert out == {}
    assert group.next_flush_at is None
    _, out = flushed(AGE_OVER, SEX, sent=told(AGE), settings=quiet)
    assert "age" not in out["team"].message.text
    assert out["team"].resolved == prints(AGE)


@pytest.mark.parametrize("days", [-300, 1, 300])
def test_an_alert_that_came_back_after_the_last_message_is_news_whatever_the_times_of_its_rows(
    days: int,
) -> None:
    back = replace(AGE, opened_ms=AGE.opened_ms + days * DAY_MS)
    _, out = flushed(AGE_OVER, back, sent=told(AGE))
    assert (out["team"].reason, out["team"].firing, out["team"].resolved) == (
        Reason.NEW_ALERTS,
        prints(back),
        frozenset(),
    )
    assert flushed(AGE_OVER, back, sent=told(back))[1] == {}


def test_an_alert_from_the_future_is_not_told_at_every_flush() -> None:
    future = replace(AGE, opened_ms=MARCH_31 + 900 * DAY_MS)
    assert flushed(future, sent=told(future))[1] == {}


def test_an_alert_that_is_back_is_not_told_to_be_over() -> None:
    _, out = flushed(AGE_OVER, AGE, SEX, sent=told(AGE))
    assert out["team"].resolved == frozenset()


GERMANY, FRANCE = alert("age", segment="country=DE"), alert("age", segment="country=FR")


def test_who_is_told_of_the_whole_is_not_told_of_its_segments_beside_it() -> None:
    other = alert("sex", segment="country=DE")
    _, out = flushed(AGE, GERMANY, FRANCE, other)
    assert out["team"].firing == prints(AGE, other)
    assert out["team"].message.title == "[FIRING:2] churn: inputs drifted (age, sex in country=DE)"
    assert flushed(AGE, GERMANY, FRANCE, sent=told(AGE))[1] == {}, "segments that join are no news"


def test_a_segment_is_told_when_the_whole_is_over_or_is_told_to_others() -> None:
    _, out = flushed(AGE_OVER, GERMANY, sent=told(AGE))
    assert (out["team"].firing, out["team"].resolved) == (prints(GERMANY), prints(AGE))
    routes = (Route({"segment": ("country=DE",)}, ("oncall",)), Route({}, ("team",)))
    _, out = flushed(AGE, GERMANY, FRANCE, routes=routes)
    assert out["oncall"].firing == prints(GERMANY)
    assert out["team"].firing == prints(AGE)


def test_a_segment_is_told_again_of_only_if_nobody_heard_while_the_whole_fired() -> None:
    assert flushed(AGE, GERMANY, sent=told(GERMANY, AGE))[1] == {}
    over = alert("age", segment="country=DE", status=Status.RESOLVED)
    _, out = flushed(AGE, over, sent=told(GERMANY, AGE))
    assert out["team"].resolved == prints(over)
