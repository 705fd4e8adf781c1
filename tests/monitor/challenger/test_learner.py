from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import msgspec
import pytest

from detectors.warm_up import rows_of
from monitor.challenger.learner import Learner
from monitor.challenger.rows import LabelledRow, SeenRow, features_of
from monitor.challenger.state import ChallengerState
from monitor.challenger.sums import WindowSums
from tests.monitor.challenger.streams import HOUR_MS, TERMS, stream

WARMED = 800


@cache
def warmed() -> ChallengerState:
    learner = Learner(TERMS, HOUR_MS)
    learner.warm_up(rows_of(stream(WARMED, seed=9).warm_up()))
    return saved(learner)


def warm() -> Learner:
    return Learner.restored(warmed(), TERMS, HOUR_MS)


def saved(learner: Learner, **changes: Any) -> ChallengerState:
    return msgspec.structs.replace(learner.state(5, "label", "toml"), **changes)


def test_each_row_is_predicted_before_it_is_learned() -> None:
    """A row that comes once and again: the first answer cannot know it."""
    rows = stream(60).labelled()
    learner, oracle = warm(), warm()._ensemble
    learner.take(rows)
    wrong = 0
    for row in rows:
        features = features_of(row.features)
        wrong += oracle.predict_one(features) != row.label
        oracle.learn_one(features, row.label)
    (sums,) = learner.windows.all()
    assert (sums.rows, sums.challenger_errors) == (60, wrong)
    assert sums.production_errors == sum(row.prediction != row.label for row in rows)
    assert learner.learned_rows == WARMED + 60


def test_rows_are_counted_in_the_window_of_their_own_time() -> None:
    learner = warm()
    rows = stream(20).labelled(hour=3)
    learner.take([*rows[:5], replace_time(rows[5], 7), *stream(4).seen(hour=1)])
    found = [(sums.start_ms // HOUR_MS, sums.rows, sums.scored_rows) for sums in learner.windows.all()]
    assert found == [(0, 1, 0), (1, 0, 4), (3, 5, 0)]


def replace_time(row: LabelledRow, time_ms: int) -> LabelledRow:
    return msgspec.structs.replace(row, time_ms=time_ms)


def test_rows_without_a_label_teach_nothing() -> None:
    learner, other = warm(), warm()
    learner.take(stream(100, seed=3).seen())
    after = [each.take(stream(50).labelled()) or each.windows.all()[0] for each in (learner, other)]
    assert learner.learned_rows == other.learned_rows
    assert isinstance(after[0], WindowSums)
    assert isinstance(after[1], WindowSums)
    assert after[0].challenger_errors == after[1].challenger_errors


def test_rows_from_where_the_members_are_unsure_warn_and_others_do_not() -> None:
    learner = warm()
    assert learner.take(stream(600, seed=2).seen()) == ()
    rises = learner.take(stream(200, seed=3, is_moved=True).seen(hour=1))
    assert len(rises) == 1
    assert abs(rises[0].rows_since - (rises[0].noticed_ms - HOUR_MS + 1)) < 20
    assert rises[0].after > rises[0].before + 0.1
    before, after = (sums.abstention_share for sums in learner.windows.all())
    assert before is not None
    assert after is not None
    assert after > before + 0.1


def test_another_concept_alone_is_no_early_warning() -> None:
    """The features do not move: only labels can tell."""
    learner = warm()
    assert learner.take(stream(800, seed=2, limit=12.0).seen()) == ()


def test_without_anything_learned_nothing_is_scored() -> None:
    """An adaptive random forest has no members before the first label."""
    learner = Learner(msgspec.structs.replace(TERMS, base="arf"), HOUR_MS)
    learner.take(stream(5).seen())
    assert learner.windows.all() == ()
    learner.take(stream(1).labelled())
    (sums,) = learner.windows.all()
    assert (sums.rows, sums.challenger_errors) == (1, 1)  # no answer is no right one


def test_a_row_that_fails_is_told_and_keeps_no_other_back() -> None:
    learner = warm()
    learner.take([SeenRow(0, b"\xc1"), LabelledRow(0, b"", 1, 1), *stream(5).labelled()])
    assert len(learner.failures) == 2
    assert "damaged" in learner.failures[0]
    assert [sums.rows for sums in learner.windows.all()] == [5]


def test_a_state_goes_on_as_if_nothing_had_happened() -> None:
    first, second = stream(50).labelled(), stream(100, limit=12.0, seed=2).labelled()
    learner = warm()
    learner.take(first)
    copy = Learner.restored(saved(learner), TERMS, HOUR_MS)
    learner.take(second)
    copy.take(second)
    assert copy.windows.all() == learner.windows.all()
    assert copy.learned_rows == learner.learned_rows == WARMED + 150


def test_windows_of_another_length_are_left_behind() -> None:
    learner = warm()
    learner.take(stream(5).labelled())
    assert Learner.restored(saved(learner), TERMS, 2 * HOUR_MS).windows.all() == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"terms": msgspec.structs.replace(TERMS, base="arf")}, "base was arf, is adwin_bagging now"),
        ({"terms": msgspec.structs.replace(TERMS, river="0.1")}, "river's version was 0.1"),
        ({"terms": msgspec.structs.replace(TERMS, classes=("no", "yes"))}, "classes are others"),
        ({"ensemble": b"\x80no pickle"}, "cannot be opened"),
        ({"watch": pickle.dumps("something else")}, "is something else"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Learner.restored(saved(warm(), **changes), TERMS, HOUR_MS)
