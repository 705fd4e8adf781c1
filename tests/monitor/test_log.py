"""One line per event, complete, ordered, and without secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from monitor import log
from monitor.clock import ManualClock
from monitor.logfilters import LONGEST, Quieten, Redact

START = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    for name in log._QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_event_first(clock: ManualClock) -> None:
    stream = io.StringIO()
    log.configure(clock, stream=stream)
    log.logger("engine").info("window closed", model="churn", rows=12, share=float("nan"))
    (line,) = lines(stream)
    assert list(line)[:3] == ["ts", "level", "event"]
    assert line == {
        "ts": "2026-01-02T03:04:05.678Z",
        "level": "info",
        "event": "window closed",
        "module": "engine",
        "model": "churn",
        "rows": 12,
        "share": None,
    }


def test_people_on_a_terminal_get_text(clock: ManualClock) -> None:
    stream = Terminal()
    log.configure(clock, stream=stream)
    log.logger("engine").info("window closed", model="churn")
    assert "window closed" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_the_form_can_be_chosen_whatever_the_stream(clock: ManualClock) -> None:
    stream = Terminal()
    log.configure(clock, "json", stream=stream)
    log.logger("engine").info("x")
    assert lines(stream)[0]["event"] == "x"


def test_less_serious_lines_are_left_out(clock: ManualClock) -> None:
    stream = io.StringIO()
    log.configure(clock, level="warning", stream=stream)
    log.logger("engine").info("quiet")
    log.logger("engine").warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_a_logger_made_before_follows_the_latest_configuration(clock: ManualClock) -> None:
    early, first, second = log.logger("early"), io.StringIO(), io.StringIO()
    log.configure(clock, stream=first)
    log.configure(clock, stream=second)
    early.info("here")
    logging.getLogger("some.library").warning("there")
    assert not first.getvalue()
    assert [line["event"] for line in lines(second)] == ["here", "there"]


def test_libraries_go_the_same_way(clock: ManualClock) -> None:
    stream = io.StringIO()
    log.configure(clock, stream=stream)
    logging.getLogger("kafka.client").warning("broker %s is away, %d%%", "b1", 5)
    logging.getLogger("kafka.client").info("chatter")
    logging.getLogger("x").log(25, "an Apprise level")
    found = lines(stream)
    assert [(each["event"], each["module"]) for each in found] == [
        ("broker b1 is away, 5%", "kafka.client"),
        ("an Apprise level", "x"),
    ]


def test_a_line_whose_values_do_not_fit_is_told_as_it_is(clock: ManualClock) -> None:
    stream = io.StringIO()
    log.configure(clock, stream=stream)
    log._Forward().emit(logging.LogRecord("x", logging.ERROR, "f", 1, "%d rows", ("many",), None))
    assert lines(stream)[0]["event"] == "%d rows"


def test_an_exception_is_told_whole_without_its_secrets(clock: ManualClock) -> None:
    stream = io.StringIO()
    log.configure(clock, secrets=["hunter2"], stream=stream)
    try:
        int("me:hunter2")
    except ValueError:
        log.logger("a").exception("failed")
        logging.getLogger("b").exception("failed")
    assert len(lines(stream)) == 2
    for line in lines(stream):
        assert "base 10: 'me:***'" in line["exception"]
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("url", "postgresql://me:pw@h/x", "postgresql://me:***@h/x"),
        ("url", "mailto://me:pw@h and http://a:b@c", "mailto://me:***@h and http://a:***@c"),
        ("url", "https://hooks.slack.com/services/T0/B0/x", "https://hooks.slack.com/***"),
        ("text", "see http://h:80/x?a=b", "see http://h:80/x?a=b"),
        ("text", "the s3cret is out", "the *** is out"),
        ("sasl_plain_password", "x", "***"),
        ("value", b"payload", "<7 bytes>"),
        ("many", ["a", {"password": "x", "n": 1}], ["a", {"password": "***", "n": 1}]),
        ("event", "two\nlines \x1b[31m", "two\\nlines \\x1b[31m"),
        ("flag", True, True),
        ("nothing", None, None),
    ],
)
def test_what_must_not_be_read_is_masked(key: str, value: Any, shown: Any) -> None:
    assert Redact(["s3cret", ""])(None, "", {key: value}) == {key: shown}


def test_long_values_are_cut() -> None:
    cut = Redact()(None, "", {"text": "x" * 100_000})["text"]
    assert len(cut) < LONGEST + 50
    assert cut.endswith("(100000 characters)")


@given(st.text(), st.text(alphabet="abc/.:@*", min_size=4, max_size=8), st.text())
def test_a_known_secret_never_passes(before: str, secret: str, after: str) -> None:
    masked = Redact([secret]).text(before + secret + after)
    assert secret not in masked.replace("***", "\0")


def about(event: str, level: str = "warning", **more: str) -> dict[str, Any]:
    return {"event": event, "level": level, **more}


def test_the_same_warning_comes_once_a_minute_with_the_number_held_back(clock: ManualClock) -> None:
    quieten = Quieten(clock)
    assert quieten(None, "", about("away")) == about("away")
    for _ in range(5):
        with pytest.raises(structlog.DropEvent):
            quieten(None, "", about("away"))
    clock.advance(60)
    assert quieten(None, "", about("away")) == about("away") | {"repeated": 5}
    clock.advance(60)
    assert "repeated" not in quieten(None, "", about("away"))


def test_the_first_warning_of_every_outage_passes(clock: ManualClock) -> None:
    quieten = Quieten(clock)
    for outage in ("1", "2"):
        first = about("away", what="database", outage=outage)
        assert quieten(None, "", first) == first
        with pytest.raises(structlog.DropEvent):
            quieten(None, "", about("away", what="database", outage=outage))


def test_other_events_are_not_held_back(clock: ManualClock) -> None:
    quieten = Quieten(clock)
    for event in (
        about("a"),
        about("b"),
        about("a", model="x"),
        about("a", "error"),
        *[about("c", "info")] * 3,
    ):
        assert quieten(None, "", event) == event


def test_the_memory_of_warnings_is_bounded(clock: ManualClock) -> None:
    quieten = Quieten(clock, most=10)
    for number in range(1000):
        quieten(None, "", about(f"event {number}"))
    assert len(quieten._seen) == 10
    quieten(None, "", about("event 0"))  # long forgotten, so it passes


def test_repeats_are_held_back_on_the_way_through_the_whole_chain(clock: ManualClock) -> None:
    stream = io.StringIO()
    log.configure(clock, stream=stream)
    for offset in range(50):
        log.logger("engine").warning("message rejected", topic="t", offset=offset)
        logging.getLogger("kafka").error("connection refused")
    assert [line["event"] for line in lines(stream)] == ["message rejected", "connection refused"]


def test_text_that_reorders_or_breaks_lines_is_shown_as_escapes_in_exceptions_too() -> None:
    odd = "a\u202eb\u2028c\x9bd\x1be\ud800"
    shown = "a\\u202eb\\u2028c\\x9bd\\x1be\\ud800"
    assert Redact()(None, "", {"event": odd}) == {"event": shown}
    assert Redact()(None, "", {"exception": f"x\n{odd}"}) == {"exception": f"x\n{shown}"}
