"""`driftd status --watch` on a terminal and in a pipe."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.cli.watching import watched
from monitor.clock import ManualClock
from monitor.errors import StoreError
from tests.monitor.cli.terminals import COLUMNS, OnTerminal
from tests.monitor.cli.worlds import World
from tests.monitor.store.rows import alert, closed, finding

COMMAND = (sys.executable, "-m", "monitor", "status", "--watch", "--every", "1s", "--config", "config.toml")
CLEAR = "\x1b[2J\x1b[H"
ROOT = str(Path(__file__).parents[3])


@pytest.fixture
def told(world: World) -> World:
    world.close_windows(closed(0, (finding(0, "car_value"),), rows=12_345))
    world.raise_alerts(alert("car_value"))
    world.read(0, 1_204_332, 1_204_332, timedelta(0))
    world.beat(0, timedelta(0), [(1_204_332, 0)] * 12)
    return world


@pytest.mark.slow
def test_a_terminal_is_drawn_anew_until_ctrl_c(told: World) -> None:
    with OnTerminal(COMMAND, told.folder, {"PYTHONPATH": ROOT}) as terminal:
        terminal.wait_for("OK")
        told.read(1, 5, 5, timedelta(0))
        terminal.wait_for("predictions/1")
        terminal.type("\x03")
        assert terminal.process.wait(90) == 0
        terminal.shows("")
    first, *frames = terminal.shown.split(CLEAR)
    assert (first, len(frames) >= 2) == ("", True)
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, every 1s; Ctrl-C ends it", frames[0])
    assert "Traceback" not in terminal.shown
    plain = re.sub(r"\x1b\[[\d;]*m", "", terminal.shown.replace(CLEAR, ""))
    assert max(map(len, plain.splitlines())) <= COLUMNS


@pytest.mark.slow
def test_in_a_pipe_one_follows_the_other(told: World) -> None:
    command = [*COMMAND, "--json"]
    with subprocess.Popen(
        command,
        cwd=told.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": ROOT},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # not ours to ignore
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=90)
    assert (process.returncode, said) == (0, "")
    frames = [json.loads(line) for line in (*lines, *rest.splitlines())]
    assert frames[0]["at"] < frames[1]["at"]
    assert frames[0]["models"][0]["rows"] == 12_345
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(
    ("every", "why"), [("often", '"often" is not a duration'), ("10ms", "10ms is too often: give 1s or more")]
)
def test_how_often_has_to_make_sense(every: str, why: str, world: World) -> None:
    ran = world.run("status", "--watch", "--every", every)
    assert ran.code == 2
    assert why in ran.err


def test_a_database_that_is_away_is_told_and_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    answers: list[BaseException | str] = [StoreError("no answer"), "there", KeyboardInterrupt()]
    seen: list[str] = []

    def look() -> str:
        answer = answers.pop(0)
        if isinstance(answer, str):
            return answer
        raise answer

    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    watched(look, seen.append, 5.0, clock)
    assert (seen, clock.monotonic()) == (["there"], 10.0)
    assert "driftd: no answer; asking again" in capsys.readouterr().err
