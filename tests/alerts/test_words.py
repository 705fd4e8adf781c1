from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import words


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (36.0, "36"),
        (165, "165"),
        (999.4, "999"),
        (999.9, "1k"),
        (1000, "1k"),
        (4012, "4.01k"),
        (24_700.0, "24.7k"),
        (999_950, "1M"),
        (1_234_567, "1.23M"),
        (-2_500_000, "-2.5M"),
        (3e15, "3e15"),
        (0.034, "0.034"),
        (0.1 + 0.2, "0.3"),
        (0.00012345, "0.000123"),
        (1.5e-9, "1.5e-9"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_are_short(value: float, expected: str) -> None:
    assert words.number(value) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_has_a_short_text(value: float) -> None:
    assert 0 < len(words.number(value)) <= 10


@given(st.floats(1e-3, 1e14))
def test_a_number_is_read_back_within_its_digits(value: float) -> None:
    text = words.number(value)
    factor = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(text[-1], 1.0)
    assert float(text.rstrip("kMGT")) * factor == pytest.approx(value, rel=0.0051)


def test_two_numbers_get_the_digits_that_tell_them_apart() -> None:
    assert words.numbers(24_700, 46_100) == ("24.7k", "46.1k")
    assert words.numbers(24_710, 24_740) == ("24.71k", "24.74k")
    assert words.numbers(5, 5) == ("5", "5")


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "0 %"),
        (0.0004, "under 0.1 %"),
        (0.001, "0.1 %"),
        (0.034, "3.4 %"),
        (0.0996, "10 %"),
        (0.1, "10 %"),
        (0.314, "31 %"),
        (0.99, "99 %"),
        (0.9949, "99.5 %"),
        (0.9999, "over 99.9 %"),
        (1.0, "100 %"),
        (math.nan, "unknown"),
    ],
)
def test_shares_have_no_false_precision(share: float, expected: str) -> None:
    assert words.percent(share) == expected


def test_two_shares_get_the_decimals_that_tell_them_apart() -> None:
    assert words.percents(0.10, 0.012) == ("10 %", "1.2 %")
    assert words.percents(0.312, 0.314) == ("31.2 %", "31.4 %")
    assert words.percents(0.5, 0.5) == ("50 %", "50 %")


@pytest.mark.parametrize(
    ("length_ms", "expected"),
    [
        (0, "no time"),
        (999, "no time"),
        (1_000, "1 second"),
        (3_600_000, "1 hour"),
        (90 * 60_000, "1 hour 30 minutes"),
        (86_400_000, "1 day"),
        (30 * 3_600_000, "1 day 6 hours"),
        (86_400_000 + 60_000, "1 day"),
        (3_600_000 + 59_000, "1 hour"),
    ],
)
def test_durations_have_two_units(length_ms: int, expected: str) -> None:
    assert words.duration(length_ms) == expected


def test_times_are_utc_and_in_english() -> None:
    assert words.moment(1_553_990_400_000) == "31 Mar 2019 00:00 UTC"
    assert words.day(1_553_990_400_000 + 86_399_999) == "2019-03-31"
    assert words.moment(-1) == "31 Dec 1969 23:59 UTC"


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (1.0, "1 in 1"),
        (0.01, "1 in 100"),
        (0.004, "1 in 250"),
        (0.00042, "1 in 2,300"),
        (1e-6, "1 in a million"),
        (0.0, "1 in a million"),
        (1.1e-6, "1 in 900,000"),
    ],
)
def test_odds_promise_less_rather_than_more(p: float, expected: str) -> None:
    assert words.odds(p) == expected
