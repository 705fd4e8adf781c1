"""Predictions meet labels: whatever the order, the batches and the crashes, each pair once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from detectors.outputs import OutputRows
from monitor.join.arrivals import Labels, Predictions, Tally, all_rows
from monitor.join.entry import UNKNOWN_MS
from monitor.join.joiner import Joiner, Terms
from monitor.join.table import JoinTable, Position
from monitor.source.base import TopicPartition

HOUR_MS = 3_600_000
PREDICTIONS, LABELS = TopicPartition("predictions", 0), TopicPartition("labels", 0)
TERMS = Terms("m", HOUR_MS, 10 * HOUR_MS, 1, "classes a, b")

Prediction = tuple[int, int, float]
"""An id, its time and its class."""
Label = tuple[int, int, float]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[JoinTable]:
    table = JoinTable(tmp_path, 1 << 26, "test")
    yield table
    table.close()


@pytest.fixture
def joiner(table: JoinTable) -> Joiner:
    joiner = Joiner(table)
    joiner.follow(TERMS)
    return joiner


def predictions(*rows: Prediction, late: Sequence[bool] | None = None) -> Predictions:
    ids, times, classes = zip(*rows, strict=True)
    scores = np.full((len(rows), 1), 0.5)
    return Predictions(
        "m",
        PREDICTIONS,
        np.array(ids, np.uint64),
        np.array(times, np.int64),
        np.array(late if late is not None else [False] * len(rows)),
        OutputRows(np.array(classes, np.float64), scores),
    )


def labels(*rows: Label, late: Sequence[bool] | None = None, seen_ms: int = 0) -> Labels:
    ids, times, values = zip(*rows, strict=True)
    return Labels(
        "m",
        LABELS,
        np.array(ids, np.uint64),
        np.array(times, np.int64),
        np.array([seen_ms if each == UNKNOWN_MS else each for each in times], np.int64),
        np.array(late if late is not None else [False] * len(rows)),
        np.array(values, np.float64),
    )


def joined(joiner: Joiner) -> Counter[tuple[int, int, float, float]]:
    """How often each id, time, prediction and label is in force."""
    met = joiner.met.get("m")
    found: Counter[tuple[int, int, float, float]] = Counter()
    if met is None or not met.rows:
        return found
    rows = all_rows(met.rows)
    for sign, key, time_ms, prediction, label in zip(
        rows.sign, rows.hashes, rows.times_ms, rows.outputs.prediction, rows.labels, strict=True
    ):
        found[int(key), int(time_ms), float(prediction), float(label)] += int(sign)
    return Counter({row: count for row, count in found.items() if count})


def tallies(joiner: Joiner) -> dict[tuple[int, int], Tally]:
    met = joiner.met.get("m")
    nothing = Tally()
    return {} if met is None else {key: each for key, each in met.tallies.items() if each != nothing}


def test_a_label_after_its_prediction_is_joined(joiner: Joiner) -> None:
    joiner.predictions(predictions((1, 5, 1.0), (2, 6, 0.0)))
    joiner.labels(labels((1, 7, 0.0)))
    assert joined(joiner) == {(1, 5, 1.0, 0.0): 1}
    assert tallies(joiner) == {}


def test_a_label_before_its_prediction_waits_and_is_unmatched_meanwhile(joiner: Joiner) -> None:
    joiner.labels(labels((1, HOUR_MS + 7, 0.0)))
    assert joined(joiner) == {}
    assert tallies(joiner) == {(0, HOUR_MS): Tally(unmatched=1)}
    joiner.predictions(predictions((1, 5, 1.0)))
    assert joined(joiner) == {(1, 5, 1.0, 0.0): 1}
    assert tallies(joiner) == {}


def test_of_predictions_with_one_id_the_first_counts(joiner: Joiner) -> None:
    joiner.predictions(predictions((1, 5, 1.0), (1, 6, 0.0)))
    joiner.predictions(predictions((1, 7, 0.0)))
    joiner.labels(labels((1, 8, 1.0)))
    assert joined(joiner) == {(1, 5, 1.0, 1.0): 1}


def test_an_equal_label_is_a_duplicate_and_another_one_a_correction(joiner: Joiner) -> None:
    joiner.predictions(predictions((1, 5, 1.0), (2, HOUR_MS, 1.0)))
    joiner.labels(labels((1, 7, 0.0), (1, 8, 0.0), (2, HOUR_MS, 0.0), (2, HOUR_MS + 1, 1.0)))
    assert joined(joiner) == {(1, 5, 1.0, 0.0): 1, (2, HOUR_MS, 1.0, 1.0): 1}
    number = joiner.table.number_of(PREDICTIONS)
    assert tallies(joiner) == {(number, 0): Tally(duplicates=1), (number, HOUR_MS): Tally(corrected=1)}


def test_a_waiting_label_without_a_time_is_unmatched_in_the_window_in_which_it_was_met(
    joiner: Joiner,
) -> None:
    joiner.labels(labels((1, UNKNOWN_MS, 0.0), (2, UNKNOWN_MS, 0.0), seen_ms=5 * HOUR_MS + 9))
    assert tallies(joiner) == {(0, 5 * HOUR_MS): Tally(unmatched=2)}
    joiner.predictions(predictions((1, 5, 1.0)))
    assert tallies(joiner) == {(0, 5 * HOUR_MS): Tally(unmatched=1)}
    assert joined(joiner) == {(1, 5, 1.0, 0.0): 1}


def test_labels_count_as_joined_once_they_are_committed_and_corrections_do_not(joiner: Joiner) -> None:
    joiner.predictions(predictions((1, 5, 1.0), (2, 5, 1.0)))
    joiner.labels(labels((1, 9, 0.0), (2, 9, 0.0), (1, 10, 1.0), (3, 9, 1.0)))
    assert joiner.joined["m"] == 0
    joiner.committed({PREDICTIONS: Position(1)}, {})
    joiner.abandon()
    joiner.labels(labels((2, 11, 1.0)))
    joiner.committed({PREDICTIONS: Position(1)}, {})
    assert joiner.joined["m"] == 2


def test_a_label_beyond_the_horizon_is_too_late(joiner: Joiner) -> None:
    joiner.predictions(predictions((1, 5, 1.0), (2, 5, 1.0), (3, 5, 1.0)))
    joiner.labels(labels((1, 10 * HOUR_MS + 5, 0.0), (2, 10 * HOUR_MS + 6, 0.0), (3, UNKNOWN_MS, 1.0)))
    assert joined(joiner) == {(1, 5, 1.0, 0.0): 1, (3, 5, 1.0, 1.0): 1}
    assert tallies(joiner) == {(joiner.table.number_of(PREDICTIONS), 0): Tally(too_late=1)}


def test_each_id_is_fed_once_with_its_first_label_unless_something_was_late(joiner: Joiner) -> None:
    joiner.predictions(predictions((1, 5, 1.0), (2, 5, 1.0), (3, 5, 1.0), late=[False, True, False]))
    joiner.labels(
        labels((1, 9, 0.0), (1, 10, 1.0), (2, 9, 0.0), (3, 9, 0.0), late=[False, False, False, True])
    )
    rows = all_rows(joiner.met["m"].rows)
    fed = rows.take(rows.is_fed)
    assert fed.hashes.tolist() == [1]
    assert fed.first_labels.tolist() == [0.0]
    assert fed.known_ms.tolist() == [9]


def test_delay_is_from_prediction_to_first_label_and_unknown_without_a_time(joiner: Joiner) -> None:
    joiner.predictions(predictions((1, 5, 1.0), (2, 50, 1.0), (3, 5, 1.0)))
    joiner.labels(labels((1, 9, 0.0), (2, 9, 0.0), (3, UNKNOWN_MS, 0.0)))
    assert all_rows(joiner.met["m"].rows).delays_ms.tolist() == [4, 0, -1]
    assert all_rows(joiner.met["m"].rows).known_ms.tolist() == [9, 50, 5]


def test_what_was_not_committed_is_forgotten(joiner: Joiner) -> None:
    joiner.predictions(predictions((1, 5, 1.0)))
    joiner.committed({PREDICTIONS: Position(1)}, {})
    joiner.labels(labels((1, 9, 0.0)))
    joiner.abandon()
    assert joined(joiner) == {}
    joiner.labels(labels((1, 9, 0.0)))
    assert joined(joiner) == {(1, 5, 1.0, 0.0): 1}


def test_restored_messages_are_remembered_and_not_counted(joiner: Joiner) -> None:
    joiner.predictions(predictions((1, 5, 1.0), (2, 5, 1.0)), counts=False)
    joiner.labels(labels((1, 9, 0.0), (3, 9, 0.0)), counts=False)
    assert joined(joiner) == {}
    joiner.labels(labels((1, 10, 0.0), (2, 10, 0.0)))
    assert joined(joiner) == {(2, 5, 1.0, 0.0): 1}
    assert tallies(joiner) == {(joiner.table.number_of(PREDICTIONS), 0): Tally(duplicates=1)}


def test_entries_past_the_horizon_are_swept_away(joiner: Joiner, table: JoinTable) -> None:
    joiner.predictions(predictions(*((i, i * HOUR_MS, 1.0) for i in range(100))))
    joiner.committed({}, {"m": 50 * HOUR_MS})
    joiner.flush()
    assert table.entries("m") == 100 - 39  # 50 hours less the horizon of 10 and one window
    joiner.labels(labels((3, 50 * HOUR_MS, 1.0)))
    assert joined(joiner) == {}


def test_a_full_table_lets_the_oldest_go_and_counts_them(tmp_path: Path) -> None:
    table = JoinTable(tmp_path, 1 << 22, "small")
    joiner = Joiner(table)
    joiner.follow(TERMS)
    rng = np.random.default_rng(1)
    for batch in range(60):
        keys = rng.integers(0, 2**63, 500, dtype=np.int64).tolist()
        joiner.predictions(predictions(*((key, batch * 1000 + 1, 1.0) for key in keys)))
        joiner.committed({}, {"m": 0})
    joiner.flush()
    assert joiner.evicted > 0
    assert table.entries("m") + joiner.evicted == 60 * 500
    assert min(table.sample_times("m", 10**6)) > 1
    table.close()


TALLIED = ("duplicates", "corrected", "too_late", "unmatched")
Event = tuple[str, int, int, float]


def _events(rng: random.Random) -> tuple[list[Event], list[Event]]:
    """Two topics in which everything happens: ids twice, labels twice, corrected, unknown, too late."""
    ids = list(range(30))
    made = [
        ("prediction", rng.choice(ids), rng.randrange(4 * HOUR_MS), float(rng.randrange(2)))
        for _ in range(40)
    ]
    told = [
        ("label", rng.choice(ids), rng.randrange(16 * HOUR_MS), float(rng.randrange(2))) for _ in range(50)
    ]
    return made, told


class Run:
    """Reads both topics in random steps, commits and crashes now and then, and adds up what was committed."""

    def __init__(self, folder: Path, rng: random.Random, made: list[Event], told: list[Event]) -> None:
        self._folder, self._rng, self._topics = folder, rng, (made, told)
        self._done: Counter[tuple[int, int, float, float]] = Counter()
        self._counts: dict[tuple[str, int], Counter[str]] = {}
        self._fed: list[tuple[int, int, float]] = []
        self._cursors, self._reached = [0, 0], [0, 0]
        self._open()

    def _open(self) -> None:
        self._table = JoinTable(self._folder, 1 << 24, "same")
        self._joiner = Joiner(self._table)
        self._joiner.follow(TERMS)

    def outcome(self, *, crashes: bool) -> tuple[object, ...]:
        """Go on to the end; give what is in force, the tallies, and what detectors would step through."""
        ends = [len(topic) for topic in self._topics]
        while self._cursors != ends:
            which = self._rng.randrange(2)
            until = self._reached[which] + self._rng.randrange(1, 8)
            self._give(which, self._reached[which], until, counts=True)
            self._reached[which] = min(until, ends[which])
            if crashes and self._rng.random() < 0.1:  # before the commit
                self._joiner.abandon()
                self._reached = list(self._cursors)
            elif self._rng.random() < 0.4 or self._reached == ends:
                self._commit()
                if crashes and self._rng.random() < 0.3:  # after the database's commit, before the table's
                    self._crash()
                positions = {PREDICTIONS: Position(self._cursors[0]), LABELS: Position(self._cursors[1])}
                self._joiner.committed(positions, {})
        self._table.close()
        tallies = {key: {name: n for name, n in each.items() if n} for key, each in self._counts.items()}
        in_force = {row: n for row, n in self._done.items() if n}
        return in_force, {key: each for key, each in tallies.items() if each}, sorted(self._fed)

    def _give(self, which: int, begin: int, end: int, *, counts: bool) -> None:
        rows = [(key, time_ms, value) for _, key, time_ms, value in self._topics[which][begin:end]]
        if rows and which == 0:
            self._joiner.predictions(predictions(*rows), counts=counts)
        elif rows:
            self._joiner.labels(labels(*rows), counts=counts)

    def _commit(self) -> None:
        self._done.update(joined(self._joiner))
        for (number, start), tally in tallies(self._joiner).items():
            counted = self._counts.setdefault((self._table.partition_of(number).topic, start), Counter())
            counted.update({name: getattr(tally, name) for name in TALLIED})
        met = self._joiner.met.get("m")
        if met is not None and met.rows:
            rows = all_rows(met.rows)
            fed = rows.take(rows.is_fed)
            columns = (fed.hashes, fed.known_ms, fed.first_labels)
            self._fed += zip(*(column.tolist() for column in columns), strict=True)
        self._cursors = list(self._reached)

    def _crash(self) -> None:
        self._table.close()
        self._open()
        positions = self._table.positions()
        for which in self._rng.sample((0, 1), 2):
            known = positions.get((PREDICTIONS, LABELS)[which], Position(0)).next
            self._give(which, known, self._cursors[which], counts=False)


@pytest.mark.parametrize("seed", range(20))
def test_order_batches_and_crashes_change_nothing(tmp_path: Path, seed: int) -> None:
    made, told = _events(random.Random(seed))
    plain = Run(tmp_path / "plain", random.Random(0), made, told).outcome(crashes=False)
    assert plain[0]
    for run in range(3):
        rng = random.Random(f"{seed} {run}")
        assert Run(tmp_path / str(run), rng, made, told).outcome(crashes=True) == plain


def test_the_table_of_another_owner_and_entries_of_another_meaning_are_emptied(tmp_path: Path) -> None:
    for owner, signature, left in (("a", "x", 0), ("a", "x", 1), ("a", "y", 0), ("b", "y", 0)):
        table = JoinTable(tmp_path, 1 << 24, owner)
        joiner = Joiner(table)
        joiner.follow(Terms("m", HOUR_MS, HOUR_MS, 1, signature))
        assert table.entries("m") == left, (owner, signature)
        assert len(table.positions()) == left
        joiner.predictions(predictions((1, 5, 1.0)))
        joiner.committed({PREDICTIONS: Position(1, {"m": 5})}, {})
        joiner.flush()
        assert table.positions() == {PREDICTIONS: Position(1, {"m": 5})}
        table.close()


def test_two_processes_have_two_tables(tmp_path: Path) -> None:
    first, second = JoinTable(tmp_path, 1 << 24, "a"), JoinTable(tmp_path, 1 << 24, "a")
    for table in (first, second):
        joiner = Joiner(table)
        joiner.follow(TERMS)
        assert table.entries("m") == 0
        joiner.predictions(predictions((1, 5, 1.0)))
        joiner.committed({}, {})
        joiner.flush()
    first.close()
    second.close()
