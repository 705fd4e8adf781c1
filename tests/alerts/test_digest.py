"""One message about everything that happened since the last one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.digest import News, digest, news
from alerts.model import Alert, Severity, Status
from alerts.mute import Matcher, Silence
from alerts.outgoing import Notification, Reason
from alerts.render import SLACK_LIMIT
from alerts.routes import Route
from alerts.timetable import Timetable
from tests.alerts.incidents import DAY_MS, MARCH_31, NOW, alert, drift, medians
from tests.alerts.notices import EVIL

AGE = alert("age", annotations=drift(medians(24.7, 46.1, 0.31), 0.31, 0.27))
SEX_OVER = alert("sex", status=Status.RESOLVED)
PLAN = alert("plan", opened_ms=MARCH_31 - 9 * DAY_MS)
FEE = alert("fee", model="fraud", severity=Severity.CRITICAL)


def told(
    *changed: Alert,
    standing: tuple[Alert, ...] = (),
    silences: tuple[Silence, ...] = (),
    routes: tuple[Route, ...] = (),
) -> News:
    return news("team", changed, standing, silences, routes, ("team", "oncall"), NOW)


def sent(found: News) -> Notification:
    notification = digest("team", found, NOW)
    assert notification is not None
    return notification


def test_each_alert_is_told_once_and_as_it_stands_now() -> None:
    found = told(AGE, AGE, SEX_OVER, FEE, standing=(AGE, PLAN, FEE))
    assert found == News(began=(AGE, FEE), over=(SEX_OVER,), still=(PLAN,), quiet=0)
    one = sent(found)
    assert one.message.title == "[DIGEST] 2 new, 1 over, 1 still firing (churn, fraud)"
    assert one.reason is Reason.DIGEST
    assert one.firing == {a.alert_id for a in (AGE, FEE, PLAN)}
    assert one.resolved == {SEX_OVER.alert_id}
    lines = one.message.text.replace(" (at least 27 %)", "").splitlines()
    assert lines[:4] == [
        "churn: 1 new, 1 over, 1 still firing",
        "- age: inputs drifted since 31 Mar 2019 00:00 UTC: median 24.7 → 46.1, 31 % of rows moved",
        "- sex: inputs back to normal, lasted 1 day from 31 Mar 2019 00:00 UTC",
        "- plan: still: inputs drifted since 22 Mar 2019 00:00 UTC: changed",
    ]
    assert "driftd alerts --all" in one.message.text


def test_nothing_is_sent_when_nothing_happened_and_nothing_fires() -> None:
    assert digest("team", told(), NOW) is None
    assert digest("team", told(standing=(PLAN,)), NOW) is not None


def test_what_is_silenced_or_an_echo_is_counted_only() -> None:
    silence = Silence(
        1, (Matcher("feature", "age"),), NOW - timedelta(days=1), NOW + timedelta(days=1), "ada", ""
    )
    gone = alert("", shift="quality", check="freshness", status=Status.RESOLVED)
    echo = alert("plan", last_bad_ms=MARCH_31 + DAY_MS)
    echo_over = alert("fee", status=Status.RESOLVED)
    found = told(AGE, gone, echo, echo_over, standing=(AGE, echo), silences=(silence,))
    assert found == News(began=(), over=(gone,), still=(), quiet=2)
    assert "Not told: 2 alerts, silenced or explained by others" in sent(found).message.text


def test_a_service_hears_what_its_routes_send_it() -> None:
    routes = (Route({"model": ("fraud",)}, ("oncall",)), Route({}, ("team",)))
    assert told(AGE, FEE, standing=(AGE, FEE), routes=routes).began == (AGE,)


def test_two_digests_never_take_each_others_place() -> None:
    later = digest("team", told(AGE), NOW + timedelta(days=1))
    assert later is not None
    assert later.group_key != sent(told(AGE)).group_key


def test_a_digest_of_many_models_with_hostile_names_stays_within_limits() -> None:
    many = tuple(alert(f"{EVIL}{i}", model=f"{EVIL}{i % 40}") for i in range(400))
    message = sent(told(*many)).message
    assert len(message.title) <= 140
    assert len(message.slack_markdown) <= SLACK_LIMIT
    assert "<script>" not in message.html
    assert "and 20 more models" in message.text


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("daily 07:00", "2026-03-04T06:59", "2026-03-04T07:00"),
        ("daily 07:00", "2026-03-04T07:00", "2026-03-05T07:00"),
        ("daily 00:00", "2026-12-31T23:59", "2027-01-01T00:00"),
        ("monday 07:30", "2026-03-04T06:59", "2026-03-09T07:30"),  # a Wednesday
        ("wednesday 07:30", "2026-03-04T06:59", "2026-03-04T07:30"),
        ("wednesday 07:30", "2026-03-04T07:30", "2026-03-11T07:30"),
    ],
)
def test_a_timetable_gives_the_next_time(text: str, now: str, expected: str) -> None:
    moments = [datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (now, expected)]
    assert Timetable.parse(text).after(moments[0]) == moments[1]


@pytest.mark.parametrize(
    "text", ["daily", "07:00", "daily 24:00", "Monday 07:00", "daily 7:00", "", "x" * 999]
)
def test_another_text_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(ValueError, match='write "daily 07:00" or "monday 07:00"') as refused:
        Timetable.parse(text)
    assert len(str(refused.value)) < 150


def test_a_digest_tells_of_a_feature_that_fires_as_a_whole_without_its_segments() -> None:
    part, alone = alert("age", segment="country=DE"), alert("plan", segment="country=DE")
    elsewhere = alert("age", segment="country=DE", model="fraud")
    assert told(AGE, part, alone, elsewhere).began == (AGE, alone, elsewhere)
