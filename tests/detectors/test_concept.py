from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.concept import KINDS, Change, State, StateLost, decode, encode, settings_for, step

FAST = tuple(kind for kind in KINDS if kind != "kswin")  # which takes about a millisecond a row


def errors(rate: float, rows: int, seed: int = 1) -> NDArray[np.float64]:
    return (np.random.default_rng(seed).random(rows) < rate).astype(np.float64)


def times(rows: int) -> NDArray[np.int64]:
    return np.arange(rows, dtype=np.int64) * 1000


def run(
    kind: str, values: NDArray[np.float64], rate: float = 1e-5, mean: float = 0.2
) -> tuple[State, list[Change]]:
    settings = settings_for(kind, rate, mean, float(np.sqrt(mean * (1 - mean))))
    state, changes = step(None, settings, values, times(len(values)))
    return state, list(changes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAST)
def test_false_alarms_are_no_more_than_asked_for(kind: str) -> None:
    """Wanted: at most 1e-4 a row, so 20 in 200,000 rows; 34 is the 99.9 % bound of that Poisson number."""
    for mean in (0.05, 0.2, 0.5):
        _, changes = run(kind, errors(mean, 200_000, 3), 1e-4, mean)
        assert len(changes) <= 34, (mean, len(changes))


@pytest.mark.parametrize(("kind", "within"), [("adwin", 500), ("hddm_a", 700), ("page_hinkley", 400)])
def test_a_doubled_error_rate_is_found_and_its_beginning_is_estimated(kind: str, within: int) -> None:
    values = np.concatenate((errors(0.2, 10_000), errors(0.4, 3_000, 2)))
    _, changes = run(kind, values)
    first = changes[0]
    assert 0 < first.detected_at_ms - 10_000_000 < within * 1000
    assert abs(first.changed_at_ms - 10_000_000) < 150_000
    assert first.before == pytest.approx(0.2, abs=0.02)
    assert first.after == pytest.approx(0.4, abs=0.12)


@pytest.mark.parametrize("kind", FAST)
def test_batches_and_storage_change_nothing(kind: str) -> None:
    values = np.concatenate((errors(0.1, 6_000), errors(0.8, 6_000, 2)))
    whole, changes = run(kind, values)
    state, found = None, list[Change]()
    for first in range(0, len(values), 500):
        part = slice(first, first + 500)
        state, some = step(state, whole.settings, values[part], times(len(values))[part])
        state = decode(encode(state), whole.settings)
        found += some
    assert found == changes
    assert state is not None
    assert encode(state) == encode(whole)


def test_what_is_not_finite_is_counted_and_kept_out() -> None:
    values = np.concatenate((errors(0.2, 10_000), errors(0.5, 3_000, 2)))
    state, changes = run("adwin", np.insert(values, [5, 9_000], [np.nan, np.inf]))
    plain, wanted = run("adwin", values)
    assert (state.dropped, plain.dropped) == (2, 0)
    assert len(changes) == len(wanted) > 0


def test_the_state_that_is_given_does_not_change() -> None:
    state, _ = run("adwin", errors(0.2, 5_000))
    before = encode(state)
    step(state, state.settings, errors(0.9, 500), times(500))
    assert encode(state) == before


def test_a_state_of_other_settings_or_a_damaged_one_is_lost_and_says_why() -> None:
    state, _ = run("adwin", errors(0.2, 100))
    with pytest.raises(StateLost, match="starts anew"):
        decode(encode(state), settings_for("adwin", 1e-6, 0.2, 0.4))
    with pytest.raises(StateLost, match="damaged"):
        decode(encode(state)[:-5], state.settings)


@pytest.mark.parametrize("kind", ["eddm", "cusum"])
def test_what_there_is_not_is_refused_in_words(kind: str) -> None:
    with pytest.raises(ValueError, match=r"is not offered|there is no sequential detector"):
        settings_for(kind, 1e-5, 0.2, 0.4)
