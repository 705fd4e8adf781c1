from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli.condition import Limits, Signs, Word, condition_of, limits_of, worst_of
from monitor.config import Duration, Model
from monitor.store.base import Sample

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
LIMITS = Limits(quiet=2 * HOUR, behind=HOUR)


def samples(*positions: tuple[int, int]) -> list[Sample]:
    """Give beats ten seconds apart: how far was read, and how much waited then."""
    return [Sample(10_000 * i, at, at + waiting) for i, (at, waiting) in enumerate(positions)]


def word(
    recent: list[Sample],
    beat: timedelta | None = SECOND,
    quiet: timedelta | None = SECOND,
    behind: timedelta | None = SECOND,
) -> Word:
    return condition_of(Signs(beat, recent, quiet, behind), LIMITS)[0]


MOVING = [(100 * i, 0) for i in range(12)]
STILL = [(100, 5)] * 7
GROWING = [(100 * i, 1_000 + 200 * i + 300 * (i % 2)) for i in range(18)]
SHRINKING = [(100 * i, 9_000 - 200 * i) for i in range(18)]


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        (MOVING, Word.OK),
        ([(100, 0)] * 12, Word.OK),  # read to its end, and nothing comes
        (SHRINKING, Word.OK),
        ([(100 * i, 500 + 300 * (i % 2)) for i in range(18)], Word.OK),  # steady, with noise
        ([(100 * i, 0 if i == 3 else waiting) for i, (_, waiting) in enumerate(GROWING)], Word.OK),
        (GROWING, Word.WARN),
        (GROWING[:4], Word.OK),  # too early to tell
        (STILL, Word.STALL),
        (STILL[:6], Word.OK),
        ([(100, 0), *STILL[:6]], Word.OK),
        ([*MOVING, *[(1_100, 5 + i) for i in range(7)]], Word.STALL),
        ([*MOVING, (900, 0), (1_000, 0)], Word.REWIND),
        ([*MOVING, *[(900, 5)] * 7], Word.REWIND),
        ([], Word.STOP),
    ],
)
def test_positions_are_described_in_one_word(positions: list[tuple[int, int]], expected: Word) -> None:
    assert word(samples(*positions)) is expected


@pytest.mark.parametrize(
    ("waiting", "beat", "quiet", "behind", "expected"),
    [
        (0, None, SECOND, SECOND, Word.STOP),
        (0, 120 * SECOND, SECOND, SECOND, Word.STOP),
        (0, 119 * SECOND, SECOND, SECOND, Word.OK),
        (0, SECOND, 2 * HOUR, 2 * HOUR, Word.WARN),
        (0, SECOND, 1.9 * HOUR, 2 * HOUR, Word.OK),
        (0, SECOND, None, None, Word.OK),
        (5, SECOND, SECOND, HOUR, Word.WARN),
        (5, SECOND, SECOND, SECOND, Word.OK),
        (5, SECOND, 3 * HOUR, None, Word.OK),
    ],
)
def test_silence_and_event_time_far_behind_are_worth_a_word(
    waiting: int, beat: timedelta | None, quiet: timedelta | None, behind: timedelta | None, expected: Word
) -> None:
    recent = samples(*[(100 * i, waiting) for i in range(3)])
    assert word(recent, beat, quiet, behind) is expected


@given(
    st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 1_000)), min_size=1, max_size=18),
    st.integers(0, 10_000),
)
def test_where_the_log_begins_does_not_matter(positions: list[tuple[int, int]], offset: int) -> None:
    moved = [(at + offset, waiting) for at, waiting in positions]
    assert word(samples(*positions)) is word(samples(*moved))


def test_an_end_of_the_log_that_is_unknown_counts_as_nothing_waiting() -> None:
    assert word([Sample(10_000 * i, 5, None) for i in range(12)]) is Word.OK


def test_every_word_but_ok_says_why() -> None:
    for positions in (GROWING, STILL, [*MOVING, (0, 0)], []):
        found, why = condition_of(Signs(SECOND, samples(*positions)), LIMITS)
        assert found is not Word.OK
        assert why
    assert condition_of(Signs(SECOND, samples(*MOVING)), LIMITS) == (Word.OK, "")


def test_the_worst_word_stands_for_all() -> None:
    assert worst_of([Word.OK, Word.STALL, Word.WARN]) is Word.STALL
    assert worst_of(Word) is Word.STOP
    assert worst_of([]) is None


def test_limits_follow_the_models_window_and_freshness() -> None:
    daily = Model(topics=("p",), window=Duration.parse("1d"), lateness=Duration.parse("0s"))
    assert limits_of(daily) == Limits(quiet=48 * HOUR, behind=24 * HOUR)
    fresh = Model(topics=("p",), freshness=Duration.parse("30m"))
    assert limits_of(fresh).quiet == HOUR / 2
    assert limits_of(Model(topics=("p",), window=Duration.parse("1m"))).quiet == HOUR
