from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.mute import Matcher
from monitor.cli.silence import matcher
from monitor.clock import SystemClock
from tests.monitor.cli.worlds import Ran, World
from tests.monitor.store.rows import alert


def add(world: World, *matchers: str, length: str = "4h", comment: str = "ticket 12", by: str = "") -> Ran:
    author = ("--by", by) if by else ()
    return world.run("silence", "add", *matchers, "--for", length, "--comment", comment, *author)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model=churn", Matcher("model", "churn")),
        ('model="churn"', Matcher("model", "churn")),
        ("model==churn", Matcher("model", "churn")),
        ("model = churn", Matcher("model", "churn")),
        ('feature=~"car_.*"', Matcher("feature", "car_.*", is_regex=True)),
        ("feature=~car|age", Matcher("feature", "car|age", is_regex=True)),
        ("feature=a=b", Matcher("feature", "a=b")),
        ('feature="', Matcher("feature", '"')),
        ("severity=~warn.*", Matcher("severity", "warn.*", is_regex=True)),
    ],
)
def test_matchers_are_read_as_they_are_typed(text: str, expected: Matcher) -> None:
    assert matcher(text) == expected


def test_a_silence_is_stored_with_who_and_until_when(world: World) -> None:
    world.raise_alerts(alert("car_value"), alert("age"))
    begun = SystemClock().now()
    ran = add(world, 'feature=~"car_.*"', "model=churn")
    assert ran.code == 0
    assert "feature=~car_.* model=churn" in ran.out
    assert "open alerts that it silences now: 1" in ran.out
    (silence,) = world.store.silences()
    assert (silence.created_by, silence.comment) == ("ada", "ticket 12")
    assert silence.matchers == (Matcher("feature", "car_.*", is_regex=True), Matcher("model", "churn"))
    assert timedelta() <= silence.starts_at - begun < timedelta(minutes=1)
    assert silence.ends_at - silence.starts_at == timedelta(hours=4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("churn", "is no matcher: write label=value"),
        ("modle=churn", 'have no label "modle", did you mean "model"?'),
        ("model!=churn", "cannot say what it leaves out"),
        ("severity=loud", '"loud" is none of info, warning, critical'),
        ("shift=covariat", 'did you mean "covariate"?'),
        ('feature=~"car_("', "is not a regular expression"),
        ('feature=~".*"', "would silence everything"),
        ("feature=", "would silence everything"),
    ],
)
def test_a_matcher_that_cannot_be_meant_is_refused(world: World, text: str, words: str) -> None:
    ran = add(world, text)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert world.store.silences() == ()


@pytest.mark.parametrize(("length", "words"), [("soon", "--for:"), ("0s", "would silence nothing")])
def test_a_length_that_is_none_is_refused(world: World, length: str, words: str) -> None:
    ran = add(world, "model=churn", length=length)
    assert ran.code == 2
    assert words in ran.err


def test_a_model_that_is_not_configured_is_pointed_out_but_silenced(world: World) -> None:
    ran = add(world, "model=chrun")
    assert ran.code == 0
    assert 'no model "chrun", did you mean "churn"?' in ran.err
    assert len(world.store.silences()) == 1


def test_an_expired_silence_leaves_the_list(world: World) -> None:
    add(world, "model=churn", by="grace", comment="[red]over\x1b[0m soon")
    text = world.run("silence", "list").out
    assert "[red]over" in text
    assert "\x1b" not in text
    (row,) = world.run("silence", "list", "--json").json
    assert (row["id"], row["state"], row["matchers"], row["by"]) == (1, "active", "model=churn", "grace")
    assert world.run("silence", "expire", "1").out == "silence 1 is over\n"
    assert world.run("silence", "list").out == "no silences; --all shows those that are over\n"
    assert [row["state"] for row in world.run("silence", "list", "--all", "--json").json] == ["over"]


@pytest.mark.parametrize("silence_id", ["7", str(2**63 - 1)])
def test_a_silence_that_is_not_there_cannot_be_expired(world: World, silence_id: str) -> None:
    ran = world.run("silence", "expire", silence_id)
    assert (ran.code, ran.out) == (1, "")
    assert "driftd silence list" in ran.err


def test_an_id_is_a_number_that_a_database_can_hold(world: World) -> None:
    assert world.run("silence", "expire", str(2**63)).code == 2
    assert world.run("silence", "expire", "one").code == 2
