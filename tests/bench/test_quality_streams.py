"""Streams of the comparison: the same each time, changed where they say they are and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.quality import cases
from bench.quality.cases import FEATURES, NULLS, SHIFTS, Case, Change, Dependence
from bench.quality.runners.reading import Answers, streams
from bench.quality.streams import draw, moved_features, write

SMALL = {case.name: replace(case, before=3, after=5, rows=400, reference_rows=800) for case in SHIFTS}


def column(name: str) -> int:
    return FEATURES.index(name)


def test_a_stream_is_the_same_each_time_and_another_is_not() -> None:
    case = SMALL["mean_0.1"]
    first, again = draw(case, 0), draw(case, 0)
    assert np.array_equal(first.windows, again.windows)
    assert np.array_equal(first.reference, again.reference)
    for other in (draw(case, 1), draw(SMALL["mean_0.25"], 0)):
        assert not (first.reference[:, :20] == other.reference[:, :20]).any()


@pytest.mark.parametrize("case", SMALL.values(), ids=SMALL)
def test_only_what_is_named_changes_and_only_from_the_window_named(case: Case) -> None:
    stream, still = draw(case, 4), draw(replace(case, change=Change.NOTHING), 4)
    changed = (stream.windows != still.windows).any(axis=1)
    assert not changed[: case.before].any()
    assert {FEATURES[at] for at in np.flatnonzero(changed.any(axis=0))} <= set(stream.moved)
    last = column(stream.moved[-1])
    assert changed[case.before :, last].all()
    assert np.array_equal(stream.reference, still.reference)


def test_a_mean_moves_by_as_much_as_it_says() -> None:
    case = SMALL["mean_0.25"]
    stream, still = draw(case, 0), draw(replace(case, change=Change.NOTHING), 0)
    at = column(stream.moved[0])
    moved = (stream.windows - still.windows)[case.before :, :, at]
    assert np.allclose(moved, 0.25, atol=1e-5)


def test_a_ramp_rises_window_by_window_to_its_height() -> None:
    case = SMALL["ramp"]
    stream, still = draw(case, 0), draw(replace(case, change=Change.NOTHING), 0)
    moved = (stream.windows - still.windows)[case.before :, :, column(stream.moved[0])].mean(axis=1)
    assert moved == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5], abs=1e-4)


def test_a_category_gives_three_of_a_hundred_rows_to_the_rarest() -> None:
    case = replace(SMALL["category"], rows=40_000)
    stream = draw(case, 0)
    values = stream.windows[..., column(stream.moved[0])]
    first = [(part == 0).mean() for part in (values[: case.before], values[case.before :])]
    last = [(part == 4).mean() for part in (values[: case.before], values[case.before :])]
    assert first == pytest.approx([0.40, 0.37], abs=0.005)
    assert last == pytest.approx([0.05, 0.08], abs=0.005)


def test_a_correlation_comes_without_a_change_of_either_feature() -> None:
    case = replace(SMALL["correlation"], rows=20_000)
    stream = draw(case, 0)
    pair = stream.windows[..., [column(name) for name in stream.moved]]
    before, after = (part.reshape(-1, 2).astype(float) for part in (pair[: case.before], pair[case.before :]))
    assert np.corrcoef(before, rowvar=False)[0, 1] == pytest.approx(0.0, abs=0.02)
    assert np.corrcoef(after, rowvar=False)[0, 1] == pytest.approx(0.5, abs=0.02)
    assert after.std(axis=0) == pytest.approx([1.0, 1.0], abs=0.02)


def test_neighbours_are_alike_or_days_repeat_where_the_case_says_so() -> None:
    by_kind = {case.dependence: draw(replace(case, after=48), 0) for case in NULLS}
    first = {kind: stream.windows[..., 0].astype(np.float64) for kind, stream in by_kind.items()}
    lagged = {kind: np.corrcoef(rows.ravel()[1:], rows.ravel()[:-1])[0, 1] for kind, rows in first.items()}
    assert lagged[Dependence.NONE] == pytest.approx(0.0, abs=0.03)
    assert lagged[Dependence.AUTOCORRELATED] == pytest.approx(0.6, abs=0.03)
    assert first[Dependence.AUTOCORRELATED].std() == pytest.approx(1.0, abs=0.03)
    means = np.array([window.mean() for window in first[Dependence.CYCLE]])
    assert means.reshape(12, 4).mean(axis=0) == pytest.approx([0.19, 0.19, -0.19, -0.19], abs=0.03)


def test_the_feature_that_moves_is_another_in_each_stream() -> None:
    assert len({moved_features(SMALL["mean_0.1"], number) for number in range(12)}) == 12
    assert moved_features(NULLS[0], 3) == ()


def test_whoever_stops_early_has_done_a_like_share_of_every_case() -> None:
    order = list(cases.in_turn(cases.ALL))
    assert len(order) == len(set(order)) == sum(case.streams for case in cases.ALL)
    half = order[: len(order) // 2]
    for case in (*NULLS, *SHIFTS):
        done = sum(each is case for each, _ in half)
        assert abs(done - case.streams / 2) <= 1


def test_programs_in_other_environments_read_what_was_drawn(tmp_path: Path) -> None:
    case = replace(SMALL["category"], streams=2)
    write((case,), tmp_path)
    read = list(streams(tmp_path))
    assert [stream.name for stream in read] == ["category_000", "category_001"]
    drawn = draw(case, 1)
    window = read[1].window(4)
    assert tuple(window.columns) == FEATURES
    assert np.array_equal(window["normal_03"], drawn.windows[4, :, column("normal_03")].astype(float))
    assert set(window["category_1"]) == {"c0", "c1", "c2", "c3", "c4"}
    assert read[1].asked == read[1].moved == drawn.moved
    assert (read[1].before, len(read[1])) == (3, 8)


def test_answers_that_were_not_given_are_no_alarms(tmp_path: Path) -> None:
    write((replace(SMALL["mean_0.5"], streams=1),), tmp_path)
    stream = next(streams(tmp_path))
    answers = Answers(stream)
    answers.say(3, "normal_00", is_alarm=True, score=2.0)
    assert answers.alarm[3, 0] == 1
    assert (answers.alarm == -1).sum() == answers.alarm.size - 1
    assert np.isnan(answers.score).sum() == answers.score.size - 1
