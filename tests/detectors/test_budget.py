from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.budget import Budget, alpha, holm, levels, parse_budget

DAY = 86_400.0


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("1 per 30d", Budget(1.0, 30 * DAY)),
        ("0.5 per 2w", Budget(0.5, 14 * DAY)),
        (" 3  per 12 h ", Budget(3.0, DAY / 2)),
        ("2 per 90m", Budget(2.0, 5400.0)),
        ("1 per 1.5s", Budget(1.0, 1.5)),
    ],
)
def test_a_budget_is_a_number_of_alarms_and_a_time(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    "text", ["", "1", "1 per", "1 per 30", "one per 30d", "-1 per 30d", "1 per 3y", "1/30d"]
)
def test_another_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="1 per 30d"):
        parse_budget(text)


@pytest.mark.parametrize("text", ["0 per 30d", "1 per 0d"])
def test_a_budget_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        parse_budget(text)


def test_window_lengths_double_up_to_the_longest() -> None:
    assert levels(3600.0, 7 * DAY) == (1, 2, 4, 8, 16, 32, 64, 128)
    assert levels(DAY, 4 * DAY) == (1, 2, 4)
    assert levels(DAY, DAY) == levels(DAY, 3600.0) == (1,)


def test_a_window_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="no length"):
        levels(0.0, DAY)


@given(st.integers(1, 40), st.floats(0.01, 5.0))
def test_all_windows_of_the_budgets_time_together_spend_the_budget(days: int, alarms: float) -> None:
    budget, multiples = Budget(alarms, days * DAY), levels(600.0, DAY)
    spent = sum(
        alpha(budget, 600.0, multiple, len(multiples)) * (days * DAY / (600.0 * multiple))
        for multiple in multiples
    )
    assert spent <= alarms * (1 + 1e-9)


def test_the_share_of_a_window_is_its_length_over_the_time_and_the_lengths() -> None:
    assert alpha(Budget(1.0, 30 * DAY), DAY, 2, 4) == pytest.approx(2 / 30 / 4)


def test_no_window_spends_more_than_five_percent() -> None:
    assert alpha(Budget(100.0, DAY), DAY, 1, 1) == 0.05


P_VALUES = st.lists(st.none() | st.floats(0.0, 1.0), max_size=12)


def slow_holm(p_values: list[float | None]) -> list[float | None]:
    """Give Holm's definition: the smallest level at which a test is rejected, test by test."""
    made = [p for p in p_values if p is not None]

    def adjusted(p: float) -> float:
        before = [q for q in made if q <= p]
        return min(1.0, max(sum(other >= q for other in made) * q for q in before))

    return [None if p is None else adjusted(p) for p in p_values]


@given(P_VALUES)
def test_holm_equals_its_definition(p_values: list[float | None]) -> None:
    assert list(holm(p_values)) == pytest.approx(slow_holm(p_values))


@given(P_VALUES)
def test_holm_is_between_the_plain_p_value_and_bonferroni(p_values: list[float | None]) -> None:
    made = sum(p is not None for p in p_values)
    for p, adjusted in zip(p_values, holm(p_values), strict=True):
        assert (p is None) == (adjusted is None)
        if p is not None and adjusted is not None:
            assert p <= adjusted <= min(1.0, p * made)


def test_a_test_that_was_not_made_does_not_count() -> None:
    assert holm([0.01, None, 0.04]) == (0.02, None, 0.04)
    assert holm([]) == ()
    assert holm([None]) == (None,)


def test_holm_keeps_the_family_wise_rate_and_finds_the_true_shifts() -> None:
    rng = np.random.default_rng(1)
    families, wanted = 2000, 0.05
    false = 0
    for _ in range(families):
        p = rng.random(20)
        p[:5] = rng.random(5) * 1e-6  # five true shifts do not eat the others' budget
        adjusted = holm(p.tolist())
        assert all(value is not None and value <= wanted for value in adjusted[:5])
        false += any(value is not None and value <= wanted for value in adjusted[5:])
    # wanted at most 5 %; 2000 families: mean 100, sd 9.7, so 139 is four sd above
    assert false <= 139
