from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from alerts.model import Alert, Severity, Status
from alerts.mute import Matcher, Silence, mute, silenced
from tests.alerts.incidents import DAY_MS, MARCH_31, NOW, alert

HOUR = timedelta(hours=1)


def silence(*matchers: Matcher, starts_at: datetime = NOW - HOUR, ends_at: datetime = NOW + HOUR) -> Silence:
    return Silence(1, matchers, starts_at, ends_at, "ada", "known change")


def told(*alerts: Alert, silences: tuple[Silence, ...] = ()) -> list[str]:
    return [one.label("feature") or one.label("check") for one in mute(alerts, silences, NOW)[0]]


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        ((Matcher("model", "churn"),), True),
        ((Matcher("model", "chur"),), False),
        ((Matcher("model", "chur", is_regex=True),), False),
        ((Matcher("model", "chur.*", is_regex=True),), True),
        ((Matcher("model", "churn"), Matcher("feature", "age")), False),
        ((Matcher("model", "churn"), Matcher("feature", "car_.*|age", is_regex=True)), True),
        ((Matcher("model", "churn"), Matcher("segment", "")), True),
        ((Matcher("severity", "warning"),), True),
        ((Matcher("colour", "red"),), False),
    ],
)
def test_a_silence_matches_when_all_its_matchers_do(matchers: tuple[Matcher, ...], expected: bool) -> None:
    assert (silenced(alert("car_value"), [silence(*matchers)], NOW) is not None) is expected


def test_a_silence_holds_from_its_start_until_just_before_its_end() -> None:
    one = silence(Matcher("model", "churn"))
    at = [one.starts_at - HOUR, one.starts_at, NOW, one.ends_at, one.ends_at + HOUR]
    assert [silenced(alert(), [one], now) is not None for now in at] == [False, True, True, False, False]


@pytest.mark.parametrize(
    "matchers", [(), (Matcher("feature", ""),), (Matcher("model", ".*", is_regex=True),)]
)
def test_a_silence_of_everything_is_refused(matchers: tuple[Matcher, ...]) -> None:
    with pytest.raises(ValueError, match=r"such as model=churn.*would silence everything"):
        silence(*matchers)


def test_a_silence_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="must end after it starts"):
        silence(Matcher("model", "churn"), ends_at=NOW - 2 * HOUR)


def test_a_silence_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        silence(Matcher("model", "churn"), starts_at=datetime(2019, 1, 1))  # noqa: DTZ001


def test_a_broken_regular_expression_is_refused_with_its_label() -> None:
    with pytest.raises(ValueError, match=r"'\(' for 'feature' is not a regular expression"):
        Matcher("feature", "(", is_regex=True)
    with pytest.raises(ValueError, match="needs a label's name"):
        Matcher("", "churn")


@pytest.mark.parametrize("check", ["row_count", "freshness"])
def test_no_data_keeps_drift_of_the_same_model_quiet(check: str) -> None:
    cause = alert("", shift="quality", check=check)
    assert told(cause, alert("age"), alert("sex"), alert("fee", model="fraud")) == [check, "fee"]


@pytest.mark.parametrize("check", ["missing_column", "data_type"])
def test_a_broken_column_keeps_only_its_own_drift_quiet(check: str) -> None:
    cause = alert("age", shift="quality", check=check)
    assert told(cause, alert("age"), alert("sex")) == ["age", "sex"]


@pytest.mark.parametrize("signal", ["mean of age", "nulls of age"])
def test_a_broken_column_keeps_what_sequential_detectors_see_in_it_quiet(signal: str) -> None:
    cause = alert("age", shift="quality", check="missing_column")
    assert told(cause, alert(signal, shift="concept"), alert("mean of sex", shift="concept")) == [
        "age",
        "mean of sex",
    ]


@pytest.mark.parametrize(("last_bad_ms", "expected"), [(DAY_MS, []), (DAY_MS + 1, ["age"])])
def test_an_echo_does_not_speak_up_when_its_cause_is_over(last_bad_ms: int, expected: list[str]) -> None:
    over = alert("", shift="quality", check="freshness", status=Status.RESOLVED)
    echo = alert("age", last_bad_ms=MARCH_31 + last_bad_ms)
    assert told(over, echo) == ["freshness", *expected]


def test_drift_before_a_cause_that_is_over_is_no_echo_of_it() -> None:
    over = alert("age", shift="quality", check="data_type", status=Status.RESOLVED)
    assert told(over, alert("age", opened_ms=MARCH_31 - 1)) == ["age", "age"]


def test_other_checks_and_causes_that_do_not_fire_inhibit_nothing() -> None:
    nulls = alert("age", shift="quality", check="completeness")
    pending = alert("", shift="quality", check="row_count", status=Status.PENDING)
    assert mute([nulls, pending, alert("age")], [], NOW)[1] == ()


def test_quality_alerts_are_never_inhibited_and_none_inhibits_itself() -> None:
    causes = [alert("", shift="quality", check=check) for check in ("row_count", "freshness")]
    assert told(*causes) == ["row_count", "freshness"]


def test_a_silenced_alert_still_inhibits() -> None:
    cause = alert("", shift="quality", check="row_count")
    assert told(cause, alert("age"), silences=(silence(Matcher("check", "row_count")),)) == []


def test_each_muted_alert_has_its_reason_in_words() -> None:
    cause = alert("age", shift="quality", check="data_type")
    _, muted = mute([cause, alert("age"), alert("sex")], [silence(Matcher("feature", "sex"))], NOW)
    assert [one.reason for one in muted] == [
        "inhibited by data_type age",
        "silenced by ada until 2019-04-01T01:06:00+00:00: known change",
    ]


def test_that_something_is_over_is_never_muted() -> None:
    over = alert("age", status=Status.RESOLVED, severity=Severity.CRITICAL)
    assert told(over, silences=(silence(Matcher("model", "churn")),)) == ["age"]
