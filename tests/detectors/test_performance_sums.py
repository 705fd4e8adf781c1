from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import performance_sums
from detectors.performance_errors import exact_dot
from detectors.performance_sums import LOSS_UNITS, SHARE_UNITS, add_by, count_by, in_shares, pack, unpack

WORST_LOSS = 36.05
ROWS = 10_000_000


def test_sums_by_cell_are_whole_and_do_not_depend_on_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    cells, units = rng.integers(0, 7, 1000), in_shares(rng.random(1000))
    wanted = [int(units[cells == cell].astype(np.int64).sum()) for cell in range(9)]
    assert add_by(cells, units, 9).tolist() == wanted
    monkeypatch.setattr(performance_sums, "_SLICE", 64)
    assert add_by(cells, units, 9).tolist() == wanted
    assert count_by(cells, 9).tolist() == [int((cells == cell).sum()) for cell in range(9)]


def test_ten_million_of_the_worst_rows_fit() -> None:
    assert ROWS * SHARE_UNITS < 2**63
    assert ROWS * WORST_LOSS**2 * LOSS_UNITS < 2**63


@given(st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40)), max_size=20))
def test_products_are_added_exactly(pairs: list[tuple[int, int]]) -> None:
    first = np.array([pair[0] for pair in pairs], np.int64)
    second = np.array([pair[1] for pair in pairs], np.int64)
    assert exact_dot(first, second) == sum(a * b for a, b in pairs)


def test_products_of_many_of_the_largest_numbers_are_added_exactly() -> None:
    largest = np.full(50_000, 2**40, np.int64)
    assert exact_dot(largest, -largest) == -50_000 * 2**80


@given(
    st.lists(st.integers(-(2**90), 2**90), max_size=3),
    st.lists(st.integers(-(2**62), 2**62), min_size=6, max_size=6),
)
def test_the_stored_form_gives_everything_back(numbers: list[int], cells: list[int]) -> None:
    arrays = [np.array(cells[:2], np.int64), np.array(cells[2:], np.int64).reshape(2, 2)]
    back, found, parts = unpack(pack(numbers, arrays, [b"x"]), [(2,), (2, 2)], "sums")
    assert back == numbers
    assert parts == [b"x"]
    for one, other in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(one, other)


def test_sums_of_another_reference_version_or_damaged_ones_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = pack((1,), [np.zeros(3, np.int64)])
    with pytest.raises(ValueError, match="3 cells where the reference has 4"):
        unpack(data, [(4,)], "sums")
    for damaged in (b"", data[:-3], data.replace(b"x", b"y")):
        with pytest.raises(ValueError, match="damaged"):
            unpack(damaged, [(3,)], "sums")
    monkeypatch.setattr(performance_sums, "VERSION", 2)
    with pytest.raises(ValueError, match="version 1, this driftd reads version 2"):
        unpack(data, [(3,)], "sums")
