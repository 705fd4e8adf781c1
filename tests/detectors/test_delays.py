from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.delays import EDGES_MS, LONGEST_MS, Delays

DELAYS = st.lists(st.integers(-5, 2 * LONGEST_MS), max_size=30)


def of(delays: list[int]) -> Delays:
    return Delays.of(np.array(delays, np.int64))


@given(DELAYS, DELAYS)
def test_parts_add_up_and_can_be_taken_away_again(first: list[int], second: list[int]) -> None:
    whole = of(first).merge(of(second))
    assert whole == of(first + second) == of(second).merge(of(first))
    assert whole.minus(of(second)) == of(first)
    assert of(first).merge(Delays.empty()) == of(first)
    assert whole.n + whole.unknown == len(first) + len(second)


@pytest.mark.parametrize("q", [0.5, 0.95])
@pytest.mark.parametrize("scale", [30.0, 3e4, 6e8])
def test_quantiles_are_within_five_percent(q: float, scale: float) -> None:
    delays = np.random.default_rng(1).lognormal(np.log(scale), 1.5, 5001).astype(np.int64)
    exact = float(np.quantile(delays, q, method="inverted_cdf"))
    assert Delays.of(delays).quantile_ms(q) == pytest.approx(exact, rel=0.05)


def test_single_delays_are_within_five_percent() -> None:
    for delay in (1, 2, 9, 10, 11, 59_999, 60_000, 86_400_000, LONGEST_MS // 2):
        assert of([delay]).quantile_ms(0.5) == pytest.approx(delay, rel=0.05)


def test_unknown_delays_are_in_no_quantile() -> None:
    assert of([-1, -7]).quantile_ms(0.5) is None
    assert Delays.empty().quantile_ms(0.5) is None
    assert of([-1, 0, 0]).quantile_ms(0.5) == 0.0
    assert of([-1, 0, 0]).unknown == 1


def test_a_delay_beyond_the_last_edge_counts_as_the_last_edge() -> None:
    assert of([10 * LONGEST_MS]).quantile_ms(0.5) == pytest.approx(float(EDGES_MS[-1]))
