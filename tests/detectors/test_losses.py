from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import losses
from detectors.losses import LossSample, decode, encode

Row = tuple[int, int, float, float]  # hash, time, loss, bias
ROWS = st.lists(
    st.tuples(
        st.integers(0, 12), st.integers(0, 3), st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 0.5, 1.0])
    ),
    max_size=12,
)


@pytest.fixture(autouse=True)
def _few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "MAX_KEPT", 5)


def of(rows: Sequence[Row]) -> LossSample:
    return LossSample.of(
        np.array([row[1] for row in rows], np.int64),
        np.array([row[0] for row in rows], np.uint64),
        np.array([row[2] for row in rows], np.float32),
        np.array([row[3] for row in rows], np.float32),
    )


def rows_of(sample: LossSample) -> list[Row]:
    parts = (sample.hashes, sample.times_ms, sample.loss, sample.bias)
    return list(zip(*(part.tolist() for part in parts), strict=True))


@given(ROWS)
def test_the_rows_with_the_smallest_hashes_are_kept(rows: list[Row]) -> None:
    smallest = sorted({row[0] for row in rows})[:5]
    kept = sorted({row for row in rows if row[0] in smallest}, key=lambda row: (row[1], *row))
    assert rows_of(of(rows).in_time_order()) == kept
    assert len(of(rows)) == len(kept)


@given(ROWS, ROWS, ROWS)
def test_order_and_batches_do_not_matter(a: list[Row], b: list[Row], c: list[Row]) -> None:
    whole = of(a + b + c)
    assert of(a).merge(of(b)).merge(of(c)) == whole == of(c).merge(of(a).merge(of(b)))
    assert of(a).merge(LossSample.empty()) == of(a) == LossSample.empty().merge(of(a))


@given(ROWS, ROWS, ROWS, ROWS)
def test_taking_away_commutes_with_adding(a: list[Row], b: list[Row], c: list[Row], d: list[Row]) -> None:
    one = of(a).merge(of(b)).minus(of(c)).merge(of(d))
    assert one == of(a).merge(of(d)).merge(of(b)).minus(of(c))
    assert one == of(a).minus(of(c)).merge(of(b).merge(of(d)))


@given(st.sets(st.integers(0, 40), min_size=1, max_size=12), st.data())
def test_a_corrected_row_leaves_no_trace(hashes: set[int], data: st.DataObject) -> None:
    rows = [(one, 7, float(one % 2), 0.5) for one in sorted(hashes)]
    at = data.draw(st.integers(0, len(rows) - 1))
    old = (rows[at][0], 7, 1.0 - rows[at][2], 0.5)
    wrong = [*rows[:at], old, *rows[at + 1 :]]
    assert of(wrong).minus(of([old])).merge(of([rows[at]])) == of(rows)
    assert of(wrong).merge(of([rows[at]])).minus(of([old])) == of(rows)


def test_a_row_that_was_taken_away_is_gone_but_keeps_its_place() -> None:
    rows = [(number, number, 1.0, 0.5) for number in range(5)]
    left = of(rows).minus(of(rows[:2]))
    assert rows_of(left.in_time_order()) == rows[2:]
    assert len(left) == 3
    assert rows_of(left.merge(of([(9, 9, 0.0, 0.5)])).in_time_order()) == rows[2:], (
        "9 was never among the least"
    )


def test_places_of_rows_that_are_gone_do_not_tell_what_was_there() -> None:
    one, other = of([(1, 5, 1.0, 0.5)]), of([(1, 8, 0.0, 1.0)])
    first = one.minus(one).merge(other).minus(other)
    assert first == other.minus(other).merge(one).minus(one)
    assert len(first) == 0


@given(ROWS, ROWS)
def test_the_stored_form_gives_the_same_sample_back(a: list[Row], b: list[Row]) -> None:
    sample = of(a).minus(of(b))
    assert decode(encode(sample)) == sample
    assert encode(decode(encode(sample))) == encode(sample)


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(of([(1, 1, 1.0, 0.5)]))
    monkeypatch.setattr(losses, "VERSION", 2)
    with pytest.raises(ValueError, match="version 1, this driftd reads version 2"):
        decode(data)


def test_a_sample_of_uniform_hashes_is_a_sample_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "MAX_KEPT", 4096)
    rng = np.random.default_rng(3)
    size = 50_000
    loss = (rng.random(size) < 0.1).astype(np.float32)
    hashes = rng.integers(0, 2**64, size, np.uint64)
    sample = LossSample.of(np.arange(size), hashes, loss, np.full(size, 0.5, np.float32))
    assert len(sample) == 4096
    assert float(sample.loss.mean()) == pytest.approx(0.1, abs=4 * np.sqrt(0.1 * 0.9 / 4096))
    np.testing.assert_array_equal(sample.hashes, np.sort(hashes)[:4096])
