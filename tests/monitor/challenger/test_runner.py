"""What the service sees of the challenger, with processes that are made up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detectors.dictionary import Dictionary, Feature, Kind
from detectors.outputs import Outputs, Task
from monitor.challenger import runner as module
from monitor.challenger.messages import Batch, Done, Hello, Question, Ready, Refused
from monitor.challenger.rows import LabelledRow, SeenRow
from monitor.challenger.runner import ChallengerRunner
from monitor.challenger.state import taken
from monitor.challenger.sums import WindowSums
from monitor.challenger.terms import state_path
from monitor.challenger.watch import Rise
from monitor.clock import ManualClock, SystemClock
from monitor.config.concept import Challenger
from monitor.errors import ConfigError
from tests.monitor.challenger.streams import DICTIONARY, HOUR_MS, OUTPUTS
from tests.services.waiting import until

RISE = Rise(changed_ms=1, noticed_ms=2, before=0.1, after=0.3, rows_since=2)


class MadeUp:
    """All processes of a test: they count labelled rows of one window, and die at a row whose label is 9."""

    def __init__(self) -> None:
        self.begun: list[Hello] = []
        self.refusals = 0
        self.failures = 0
        self.killed = 0
        self.pid = 1

    def __call__(self) -> MadeUp:
        if self.failures:
            self.failures -= 1
            raise OSError("no memory")
        return self

    def ask(self, question: Question, is_stopping: Callable[[], bool]) -> Ready | Done | Refused:
        del is_stopping
        if isinstance(question, Hello):
            self.begun.append(question)
            if self.refusals:
                self.refusals -= 1
                return Refused("another process has it")
            self.rows = sum(sums.rows for sums in question.windows)
            return Ready(question.windows, self.rows)
        return self._done(question)

    def _done(self, batch: Batch) -> Done:
        labelled = [row for row in batch.rows if isinstance(row, LabelledRow)]
        if any(row.label == 9 for row in labelled):
            raise ConnectionError("it ended in the middle of its work")
        self.rows += len(labelled)
        sums = WindowSums(0, rows=self.rows, shed_rows=batch.shed.get(0, 0))
        rises = (RISE,) if any(isinstance(row, SeenRow) for row in batch.rows) else ()
        return Done((sums,), rises, self.rows)

    def ended(self) -> None:
        return None

    def finish(self) -> Done:
        return Done((WindowSums(0, rows=self.rows + 1000),), (), self.rows)

    def kill(self) -> None:
        self.killed += 1

    def end(self) -> int:
        return 1


def labelled(size: int, label: int = 1) -> list[LabelledRow]:
    return [LabelledRow(0, b"", label, 1)] * size


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    made_up = MadeUp()
    monkeypatch.setattr(module, "Child", made_up)
    return made_up


@pytest.fixture
def make(tmp_path: Path, processes: MadeUp) -> Iterator[Callable[..., ChallengerRunner]]:
    del processes
    made: list[ChallengerRunner] = []

    def runner(**changes: Any) -> ChallengerRunner:
        settings = Challenger(rows_per_s=1.0)
        given: dict[str, Any] = {"window_ms": HOUR_MS, "warm_up": b"rows", "first_pause_s": 0.0} | changes
        runner = ChallengerRunner("loans", settings, DICTIONARY, OUTPUTS, state_dir=tmp_path, **given)
        made.append(runner)
        return runner

    yield runner
    for each in made:
        each.stop(5.0)


def test_results_come_back_until_they_are_told(make: Callable[..., ChallengerRunner]) -> None:
    runner = make()
    runner.labelled(labelled(5))
    runner.seen([SeenRow(0, b"")])
    runner.start()
    assert runner.wait_idle(20)
    (result,) = runner.collect()
    (warning,) = runner.warnings()
    assert (result.model, result.rows, result.end_ms) == ("loans", 5, HOUR_MS)
    assert (warning.model, warning.after) == ("loans", 0.3)
    assert (runner.collect(), runner.warnings()) == ((result,), (warning,))
    runner.told([result], [warning])
    assert (runner.collect(), runner.warnings()) == ((), ())


def test_changes_are_told_every_few_seconds_only(make: Callable[..., ChallengerRunner]) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    runner = make(clock=clock)
    runner.start()
    for size in (1, 2):
        runner.labelled(labelled(size))
        assert runner.wait_idle(20)
        runner.told(runner.collect())
    assert runner.collect() == ()
    clock.advance(3.0)
    assert [result.rows for result in runner.collect()] == [3]


def test_a_challenger_that_may_not_learn_here_saves_ends_and_goes_on_when_it_may(
    make: Callable[..., ChallengerRunner], processes: MadeUp
) -> None:
    runner = make()
    runner.hold(is_held=False)
    runner.start()
    runner.labelled(labelled(2))
    assert not runner.wait_idle(1.5)
    assert not processes.begun
    runner.hold(is_held=True)
    assert runner.wait_idle(20)
    assert [result.rows for result in runner.collect()] == [2]
    runner.hold(is_held=False)
    until(lambda: runner.pid is None, "the end of the process")
    assert runner.restarts == 0
    runner.hold(is_held=True)
    until(lambda: len(processes.begun) == 2, "another process")
    assert [sums.rows for sums in processes.begun[1].windows] == [1002]


def test_the_last_word_comes_at_the_end(make: Callable[..., ChallengerRunner]) -> None:
    runner = make()
    runner.start()
    runner.labelled(labelled(5))
    assert runner.wait_idle(20)
    runner.told(runner.collect())
    runner.stop(20)
    assert [result.rows for result in runner.collect()] == [1005]


def test_what_does_not_fit_is_shed_and_shown(make: Callable[..., ChallengerRunner]) -> None:
    runner = make()  # not started: nothing leaves the queue of 200 rows
    runner.labelled(labelled(150))
    runner.seen([SeenRow(0, b"")] * 60)
    runner.labelled(labelled(7))
    assert (runner.shed_rows, runner.unseen_rows) == (7, 10)
    assert runner.collect() == ()
    runner.start()
    assert runner.wait_idle(20)
    assert [(result.rows, result.shed_rows) for result in runner.collect()] == [(150, 7)]


def test_while_another_process_has_the_state_it_waits_and_then_takes_over(
    make: Callable[..., ChallengerRunner], processes: MadeUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ELSEWHERE_S", 0.01)
    waits = threading.Event()
    monkeypatch.setattr(SystemClock, "wait", lambda *_: waits.set())
    lock = taken(state_path(tmp_path, "loans"))
    assert lock is not None
    with lock:
        runner = make()
        runner.labelled(labelled(5))
        runner.start()
        assert waits.wait(20)
        assert (processes.begun, runner.collect()) == ([], ())
    assert runner.wait_idle(20)
    assert [result.rows for result in runner.collect()] == [5]
    assert runner.restarts == 0


def test_rows_that_come_after_the_end_are_shed_like_those_still_queued(
    make: Callable[..., ChallengerRunner],
) -> None:
    runner = make()
    runner.labelled(labelled(3))
    runner.stop(1.0)
    runner.labelled(labelled(4))
    assert runner.shed_rows == 7


def test_a_process_that_dies_is_started_again_and_its_rows_are_shed(
    make: Callable[..., ChallengerRunner], processes: MadeUp
) -> None:
    runner = make()
    runner.start()
    runner.labelled(labelled(5))
    assert runner.wait_idle(20)
    runner.labelled(labelled(2, label=9))
    until(lambda: runner.restarts == 1, "a restart")
    runner.labelled(labelled(3))
    until(lambda: [result.rows for result in runner.collect()] == [8], "the rows after it")
    assert runner.shed_rows == 2
    # the second process knows what was told of the windows before
    assert processes.begun[0].windows == ()
    assert processes.begun[1].windows == (WindowSums(0, rows=5, shed_rows=2),)


def test_a_process_that_cannot_be_started_or_may_not_begin_is_tried_again(
    make: Callable[..., ChallengerRunner], processes: MadeUp
) -> None:
    processes.failures, processes.refusals = 2, 1
    runner = make(first_pause_s=0.001)
    runner.labelled(labelled(5))
    runner.start()
    until(lambda: [result.rows for result in runner.collect()] == [5], "rows after three attempts")
    assert runner.restarts == 3
    assert runner.shed_rows == 0


def test_pauses_grow(make: Callable[..., ChallengerRunner], processes: MadeUp) -> None:
    processes.failures = 10**6
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    runner = make(first_pause_s=1.0, clock=clock)
    begun = clock.monotonic()
    runner.start()
    until(lambda: runner.restarts >= 8, "eight restarts", every_s=0.001)
    runner.stop(20)
    expected = sum(min(60.0, 2.0**at) for at in range(runner.restarts))
    assert clock.monotonic() - begun == expected


def test_a_process_that_does_not_end_is_killed(
    make: Callable[..., ChallengerRunner], processes: MadeUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish() -> None:
        until(lambda: processes.killed > 0, "a kill")
        raise ConnectionError

    monkeypatch.setattr(processes, "finish", finish)
    runner = make()
    runner.start()
    until(lambda: bool(processes.begun), "the beginning")
    runner.stop(0.05)
    assert processes.killed == 1
    assert runner.pid is None


def test_what_it_cannot_learn_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    regression = Outputs(Task.REGRESSION, (), "prediction", (), "label")
    only_text = Dictionary({"note": Feature("note", Kind.TEXT, "str")})
    for dictionary, outputs, words in (
        (DICTIONARY, regression, r"models\.loans\.challenger: the model predicts numbers"),
        (only_text, OUTPUTS, "no numeric, categorical or boolean feature"),
    ):
        with pytest.raises(ConfigError, match=words):
            ChallengerRunner("loans", Challenger(), dictionary, outputs, HOUR_MS, b"", tmp_path)


def test_a_reload_that_changes_nothing_for_it_lets_it_stay(make: Callable[..., ChallengerRunner]) -> None:
    runner = make()
    settings = Challenger(rows_per_s=1.0)
    assert runner.serves(settings, DICTIONARY, OUTPUTS, HOUR_MS)
    assert not runner.serves(msgspec.structs.replace(settings, seed=1), DICTIONARY, OUTPUTS, HOUR_MS)
    assert not runner.serves(settings, DICTIONARY, OUTPUTS, 2 * HOUR_MS)
    assert not runner.serves(settings, Dictionary({"a": DICTIONARY.features["a"]}), OUTPUTS, HOUR_MS)
