"""Several machines, one challenger."""

from __future__ import annotations

import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors.columns import Column
from detectors.outputs import OutputRows
from monitor.challenger import feeding
from monitor.challenger.feeding import Challengers
from monitor.challenger.holder import holder_of
from monitor.clock import ManualClock
from monitor.errors import JoinError
from monitor.join.arrivals import Predictions
from monitor.store.base import Store
from monitor.store.values import ChallengerResult
from tests.monitor.labelled_worlds import PREDICTIONS_AT, labelled_plan
from tests.monitor.test_challenged import CHALLENGER
from tests.monitor.worlds import NOW, new_store

RESULT = ChallengerResult("loans", 0, 1, "arf", "grid", 5, 1.0, 1.0, 0.0, 0.0, 0.0, 5, None, 0)


class Runner:
    """Stands for a runner: no process, one result that is never told."""

    def __init__(self, *_: Any) -> None:
        self.is_held: list[bool] = []

    def hold(self, *, is_held: bool) -> None:
        self.is_held.append(is_held)

    def start(self) -> None: ...

    def collect(self) -> tuple[ChallengerResult, ...]:
        return (RESULT,)


class Machine:
    """A process with a folder and a clock of its own."""

    def __init__(self, folder: Path, store: Store) -> None:
        folder.mkdir(exist_ok=True)
        self.clock, self.store = ManualClock(NOW), store
        self.challengers = Challengers(folder, self.clock)
        self.challengers.follow({"loans": labelled_plan(CHALLENGER)})

    def turns(self, seconds: float = 0.0) -> bool:
        """Let time pass and renew; tell whether it learns."""
        self.clock.advance(seconds)
        self.challengers.hold(self.store)
        learns = bool(self.challengers.sampled(arrived()))
        assert learns == bool(self.challengers.results())
        return learns


def arrived() -> Predictions:
    columns = {"age": Column(np.array([30.0])), "country": Column(np.array(["DE"], object))}
    rows = OutputRows(np.array([1.0]), np.array([[0.9]]))
    times, late = np.zeros(1, np.int64), np.zeros(1, np.bool_)
    return Predictions("loans", PREDICTIONS_AT, np.array([7], np.uint64), times, late, rows, columns)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Machine]:
    monkeypatch.setattr(feeding, "ChallengerRunner", Runner)
    store = new_store()
    return lambda folder: Machine(tmp_path / folder, store)


def test_one_of_two_machines_learns_and_the_other_takes_over_when_it_is_gone(
    machine: Callable[[str], Machine],
) -> None:
    one, other = machine("one"), machine("other")
    assert [one.turns(), other.turns()] == [True, False]
    for _ in range(10):
        assert [one.turns(20), other.turns(20)] == [True, False]
    assert [other.turns(20), other.turns(20), other.turns(21)] == [False, False, True]
    assert not one.turns(61)
    assert other.turns(1)


def test_processes_that_share_a_folder_share_the_lease_and_so_does_the_next_start(
    machine: Callable[[str], Machine],
) -> None:
    assert machine("one").turns()
    assert machine("one").turns()
    assert not machine("other").turns()


def test_nothing_is_sampled_before_the_lease_is_there(machine: Callable[[str], Machine]) -> None:
    assert not machine("one").challengers.sampled(arrived())


def test_a_folder_has_one_name_whoever_asks_first(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(holder_of, [tmp_path] * 32))
    (name,) = names
    assert name.startswith(f"{platform.node()}-")
    assert [path.name for path in tmp_path.iterdir()] == ["challengers.id"]
    with pytest.raises(JoinError, match=r"service\.state_dir: .*challengers\.id: No such file"):
        holder_of(tmp_path / "b")
    (tmp_path / "b").mkdir()
    assert holder_of(tmp_path / "b") != name
