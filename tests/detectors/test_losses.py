from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import losses
from detectors.losses import LossSample, decode, encode, loss_sample
from detectors.outputs import OutputRows
from detectors.performance_layout import PerformanceLayout, lay_out
from tests.detectors.performance_worlds import (
    BINARY,
    REGRESSION,
    THREE,
    regression_frame,
    regression_world,
)

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
    kept = [min(row for row in rows if row[0] == one) for one in smallest]  # the least time, loss, bias
    assert rows_of(of(rows)) == kept
    assert rows_of(of(rows).in_time_order()) == sorted(kept, key=lambda row: (row[1], row[0]))
    assert len(of(rows)) == len(kept)


@given(ROWS, ROWS, ROWS)
def test_order_and_batches_do_not_matter(a: list[Row], b: list[Row], c: list[Row]) -> None:
    whole = of(a + b + c)
    assert of(a).merge(of(b)).merge(of(c)) == whole == of(c).merge(of(a).merge(of(b)))
    assert whole.merge(of(b)) == whole
    assert of(a).merge(LossSample.empty()) == of(a) == LossSample.empty().merge(of(a))


@given(ROWS)
def test_the_stored_form_gives_the_same_sample_back(rows: list[Row]) -> None:
    sample = of(rows)
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


def losses_of(
    layout: PerformanceLayout, prediction: list[float], labels: list[float]
) -> tuple[list[float], list[float]]:
    places = np.arange(len(labels))
    rows = OutputRows(np.array(prediction), np.full((len(labels), len(layout.outputs.scores)), 0.5))
    found = loss_sample(layout, rows, np.array(labels), places, places.astype(np.uint64))
    return found.loss.tolist(), found.bias.tolist()


def test_single_losses_are_errors_and_biases_their_direction() -> None:
    binary, three = PerformanceLayout(BINARY), PerformanceLayout(THREE)
    assert losses_of(binary, [1, 0, 1, 0, 2], [1, 0, 0, 1, 2]) == ([0, 0, 1, 1, 1], [0.5, 0.5, 1.0, 0.0, 0.5])
    assert losses_of(three, [0, 1, 2], [0, 2, 2]) == ([0, 1, 0], [0.5, 0.5, 0.5])


def test_single_losses_of_a_regression_are_shares_of_the_references_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(losses, "MAX_KEPT", 4096)
    world = regression_world(regression_frame(np.random.default_rng(12), 400))
    layout = lay_out(REGRESSION, world.rows, world.labels)
    errors = world.rows.prediction - world.labels
    loss, bias = losses_of(layout, world.rows.prediction.tolist(), world.labels.tolist())
    assert loss == pytest.approx((np.abs(errors).argsort().argsort() + 0.5) / len(errors), abs=1e-6)
    assert bias == pytest.approx((errors.argsort().argsort() + 0.5) / len(errors), abs=1e-6)
    assert losses_of(layout, [1e9, -1e9, 0.0], [0.0, 0.0, 0.0])[0] == [1.0, 1.0, 0.0]
    assert losses_of(layout, [1e9, -1e9], [0.0, 0.0])[1] == [1.0, 0.0]


def test_rows_without_a_label_or_a_prediction_are_left_out() -> None:
    rows = OutputRows(np.array([np.nan, 1.0, 0.0, 1.0]), np.full((4, 1), np.nan))
    labels, times = np.array([1.0, np.nan, 1.0, 0.0]), np.array([10, 20, 30, 40])
    found = loss_sample(PerformanceLayout(BINARY), rows, labels, times, np.array([4, 3, 2, 1], np.uint64))
    assert rows_of(found) == [(1, 40, 1.0, 1.0), (2, 30, 1.0, 0.0)]
