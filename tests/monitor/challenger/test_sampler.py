from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.challenger.sampler import Sampler, mixed


def hashes(size: int, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.random.default_rng(seed).integers(0, 2**64, size, np.uint64, endpoint=False)


def test_all_rows_are_taken_while_the_budget_lasts() -> None:
    sampler = Sampler(10, seed=1)
    assert sampler.choose(hashes(15), 0.0).tolist() == list(range(15))
    assert len(sampler.choose(hashes(15), 0.0)) == 5  # two seconds' worth in all
    assert len(sampler.choose(hashes(15), 0.0)) == 0
    assert len(sampler.choose(hashes(15), 0.5)) == 5


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 3)), max_size=20), st.floats(0.1, 200))
def test_never_more_than_the_rate_and_a_burst_of_two_seconds(
    calls: list[tuple[int, float]], rate: float
) -> None:
    sampler, now, taken = Sampler(rate, seed=1), 1e9, 0
    for size, pause in calls:
        now += pause
        taken += len(sampler.choose(hashes(size), now))
        assert taken <= (now - 1e9) * rate + max(1.0, 2 * rate) + 1e-6


def test_a_clock_that_goes_back_adds_nothing_and_stops_nothing() -> None:
    sampler = Sampler(10, seed=1)
    sampler.choose(hashes(20), 1_000.0)
    assert len(sampler.choose(hashes(5), 10.0)) == 0
    assert len(sampler.choose(hashes(5), 10.25)) == 2


def test_less_than_a_row_a_second_still_gives_rows() -> None:
    sampler = Sampler(0.1, seed=1)
    taken = [len(sampler.choose(hashes(1, at), float(at))) for at in range(100)]
    assert sum(taken) == pytest.approx(10, abs=1)


def test_equal_calls_give_equal_rows_and_other_seeds_give_others() -> None:
    rows = hashes(2_000)
    chosen = [set(Sampler(100, seed).choose(rows, 0.0).tolist()) for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1]
    # of 2,000 rows 200 are taken: two samples that know nothing of each other share 20, with a deviation of 4
    assert 4 <= len(chosen[0] & chosen[2]) <= 36


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = hashes(500)
    order = np.random.default_rng(5).permutation(500)
    first, second = Sampler(30, 1).choose(rows, 0.0), Sampler(30, 1).choose(rows[order], 0.0)
    assert set(rows[first].tolist()) == set(rows[order][second].tolist())
    assert first.tolist() == sorted(first.tolist())


def test_ids_that_are_counted_up_are_sampled_like_any_others() -> None:
    """Each tenth of 10,000 neighbouring hashes gets about 100 of 1,000: within 4 deviations of 9.5."""
    chosen = Sampler(500, seed=7).choose(np.arange(10_000, dtype=np.uint64), 0.0)
    counts = np.histogram(chosen, 10, (0, 10_000))[0]
    assert counts.min() >= 62
    assert counts.max() <= 138


def test_the_mix_is_splitmix64() -> None:
    """The first outputs of the reference implementation (Vigna, splitmix64.c) for the state 1234567."""
    states = np.array([1_234_567], np.uint64)
    assert mixed(states, 0).tolist() == [6_457_827_717_110_365_317]
    assert mixed(states, 1).tolist() == [3_203_168_211_198_807_973]
