"""Tails of the hypergeometric distribution, beside scipy's, which are slow with many rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from detectors.hypergeometric import smaller_tail


def of_one(hits: int, total: int, n: int, m: int) -> float:
    return float(smaller_tail(np.array([float(hits)]), np.array([float(total)]), n, m)[0])


def scipys(hits: int, total: int, n: int, m: int) -> float:
    return float(min(hypergeom.cdf(hits, n + m, total, m), hypergeom.sf(hits - 1, n + m, total, m)))


@given(st.integers(0, 400), st.integers(1, 400), st.data())
def test_the_tail_is_scipys(n: int, m: int, data: st.DataObject) -> None:
    total = data.draw(st.integers(0, n + m))
    hits = data.draw(st.integers(max(0, total - n), min(total, m)))
    assert of_one(hits, total, n, m) == pytest.approx(scipys(hits, total, n, m), rel=1e-10, abs=1e-300)


def test_many_cells_are_each_as_alone() -> None:
    rng = np.random.default_rng(1)
    known, window = (rng.multinomial(rows, np.full(300, 1 / 300)) for rows in (3_000, 1_000))
    hits, totals = window.astype(float), (known + window).astype(float)
    alone = [scipys(int(hit), int(total), 3_000, 1_000) for hit, total in zip(hits, totals, strict=True)]
    assert smaller_tail(hits, totals, 3_000, 1_000) == pytest.approx(alone, rel=1e-11)


@pytest.mark.parametrize("hits", [0, 3, 10, 40])
def test_of_very_many_rows_it_is_the_binomial_tail(hits: int) -> None:
    expected = min(binom.cdf(hits, 40, 0.1), binom.sf(hits - 1, 40, 0.1))
    assert of_one(hits, 40, 900_000_000, 100_000_000) == pytest.approx(expected, rel=1e-4)


def test_what_is_too_unlikely_for_a_float_is_zero_and_no_rows_say_nothing() -> None:
    assert of_one(5_000, 5_000, 10**6, 10_000) == 0.0
    assert of_one(0, 0, 0, 0) == 1.0
