"""The challenger in its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from monitor.challenger.runner import ChallengerRunner
from monitor.challenger.state import ChallengerState, read_state
from monitor.challenger.terms import state_path
from monitor.config.concept import Challenger
from tests.monitor.challenger.streams import DICTIONARY, HOUR_MS, OUTPUTS, stream
from tests.services.waiting import until

LIMIT_S = 60.0
SETTINGS = Challenger(rows_per_s=100.0, seed=3)
Make = Callable[..., ChallengerRunner]


def new_runner(folder: Path, save_every_s: float = 60.0, settings: Challenger = SETTINGS) -> ChallengerRunner:
    return ChallengerRunner(
        "loans", settings, DICTIONARY, OUTPUTS, HOUR_MS, stream(500, seed=9).warm_up(), folder,
        save_every_s=save_every_s, first_pause_s=0.01,
    )  # fmt: skip


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[ChallengerRunner]:
    runner = new_runner(tmp_path, save_every_s=0.0)
    runner.start()
    yield runner
    runner.stop(LIMIT_S)
    assert runner.pid is None
    assert not psutil.Process().children()


def saved(folder: Path) -> ChallengerState:
    state = read_state(state_path(folder, "loans"))
    assert state is not None
    return state


def test_after_a_change_of_the_concept_it_beats_a_model_that_stays_as_it_is(
    runner: ChallengerRunner, tmp_path: Path
) -> None:
    runner.labelled(stream(300).labelled())
    runner.labelled(stream(1_200, limit=12.0, seed=2).labelled(hour=1))
    assert runner.wait_idle(LIMIT_S)
    runner.stop(LIMIT_S)
    before, after = runner.collect()
    assert (before.rows, after.rows) == (300, 1_200)
    assert before.high > 0  # no reason to retrain
    assert after.high < 0  # reason enough
    assert after.challenger_errors < 0.75 * after.production_errors
    assert runner.learned_rows == saved(tmp_path).learned_rows == 2_000
    assert (runner.shed_rows, runner.restarts) == (0, 0)


def test_when_it_is_killed_it_goes_on_from_what_it_saved(runner: ChallengerRunner, tmp_path: Path) -> None:
    runner.labelled(stream(100).labelled())
    assert runner.wait_idle(LIMIT_S)
    until(state_path(tmp_path, "loans").exists, "a saved state")
    first = runner.pid
    assert first is not None
    until(lambda: saved(tmp_path).learned_rows == 600, "the rows in the state")
    os.kill(first, signal.SIGKILL)
    until(lambda: runner.restarts == 1 and runner.pid not in {first, None}, "another process")
    runner.labelled(stream(50, seed=2).labelled())
    assert runner.wait_idle(LIMIT_S)
    assert runner.learned_rows == 650
    assert [result.rows for result in runner.collect()] == [150]
    assert not psutil.pid_exists(first)


def test_a_process_that_stands_still_makes_rows_shed_and_nobody_wait(runner: ChallengerRunner) -> None:
    runner.labelled(stream(1).labelled())
    assert runner.wait_idle(LIMIT_S)
    process = psutil.Process(runner.pid)
    assert process.nice() == min(19, psutil.Process().nice() + 10)
    assert os.getpgid(process.pid) == process.pid  # Ctrl-C on a terminal does not reach it
    process.suspend()
    try:
        for _ in range(4):
            runner.labelled(stream(1_000).labelled(hour=2))
        # the queue holds 20 s of the budget, and a batch of 100 rows may have left it
        assert 4_000 - 2_100 <= runner.shed_rows <= 4_000 - 2_000
        until(lambda: [result.start_ms for result in runner.collect()] == [0, 2 * HOUR_MS], "both windows")
        assert runner.collect()[1].shed_rows == runner.shed_rows
        assert not runner.wait_idle(0)
    finally:
        process.resume()


PARENT = """
import sys
from pathlib import Path
from tests.monitor.challenger.streams import stream
from tests.monitor.challenger.test_process import new_runner
runner = new_runner(Path(sys.argv[1]))
runner.start()
runner.labelled(stream(50).labelled())
assert runner.wait_idle(60)
print(runner.pid, flush=True)
sys.stdin.read()
"""


def has_ended(pid: int) -> bool:
    """Tell whether it is gone, or a zombie where nobody cares for orphans."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_when_the_service_is_killed_it_saves_and_ends(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = next(int(line) for line in parent.stdout if line.strip().isdigit())
        assert psutil.pid_exists(pid)
        parent.kill()
    until(lambda: has_ended(pid), "its end")
    assert saved(tmp_path).learned_rows == 550


def test_it_loads_neither_the_broker_nor_the_database_nor_the_messengers() -> None:
    """River brings sqlalchemy in by itself; driftd's own store is not there."""
    code = "import sys, monitor.challenger.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())
    assert not names & {"kafka", "apprise", "psycopg", "alembic", "monitor.store", "monitor.config"}
    assert "monitor.challenger.worker" in names
