from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.decode.times import UNREADABLE, milliseconds

MS = 1_767_225_600_123


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-01-01T00:00:00.123Z", MS),
        ("2026-01-01T00:00:00.123456Z", MS),
        ("2026-01-01T01:00:00.123+01:00", MS),
        ("2026-01-01 00:00:00.123", MS),
        ("2026-01-01", MS - 123),
        (MS, MS),
        (MS / 1000, MS),
        (MS * 1000, MS),
        (MS * 1_000_000, MS),
        (MS // 1000, MS - 123),
        ("", UNREADABLE),
        ("yesterday", UNREADABLE),
        ("2026-02-30T00:00:00Z", UNREADABLE),
        (None, UNREADABLE),
        (float("nan"), UNREADABLE),
        (float("inf"), UNREADABLE),
        (10**400, UNREADABLE),
        (1.7e308, UNREADABLE),
        ("0001-01-01", UNREADABLE),
        ("9999-12-31T23:59:59Z", UNREADABLE),
        (-(10**13), UNREADABLE),
    ],
)
def test_every_common_form_is_read(cell: object, expected: int) -> None:
    assert milliseconds([cell], "auto").tolist() == [expected]
    assert milliseconds([cell, "x", 5, None], "auto").tolist()[0] == expected


@pytest.mark.parametrize(("unit", "factor"), [("s", 1e-3), ("ms", 1), ("us", 1e3), ("ns", 1e6)])
def test_a_stated_unit_is_not_guessed(unit: str, factor: float) -> None:
    small = 5_000 * factor
    assert milliseconds([small], unit).tolist() == [5_000]  # type: ignore[arg-type]
    assert milliseconds(["2026-01-01"], unit).tolist() == [UNREADABLE]  # type: ignore[arg-type]


def test_a_number_that_overflows_as_milliseconds_is_no_time() -> None:
    assert milliseconds([1.7e308, -1.7e308, 5.0], "s").tolist() == [UNREADABLE, UNREADABLE, 5_000]


def test_numbers_are_no_times_when_text_is_asked_for() -> None:
    assert milliseconds([MS], "iso8601").tolist() == [UNREADABLE]


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001  # hypothesis wants them naive
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_the_fast_and_the_careful_way_agree(moment: datetime, spec: str) -> None:
    cell = moment.replace(tzinfo=UTC).isoformat(timespec=spec).replace("+00:00", "Z")
    assert milliseconds([cell], "auto").tolist() == milliseconds([cell, 0], "auto").tolist()[:1]


def test_a_text_means_the_same_alone_and_among_others() -> None:
    rng, read = Random(1), 0
    for _ in range(20_000):
        letters = list(
            rng.choice(("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123Z", "1969-12-31T23:59:59.999999Z"))
        )
        for _ in range(rng.randrange(1, 4)):
            letters[rng.randrange(len(letters))] = rng.choice("0123456789-+:.TZ tWz,_\u0660Na")
        cell = "".join(letters)
        alone = milliseconds([cell], "auto")
        assert alone[0] == milliseconds([cell, "x"], "auto")[0], cell
        read += int(alone[0] != UNREADABLE)
    assert read > 2_000  # many are times still


@pytest.mark.parametrize(
    "cell", ["2026-01-01T00:00:00 EST", "2026-01-01T02100:00Z", "2026-01-01T00:00:00.1T3Z"]
)
def test_what_only_numpy_takes_for_a_time_is_none(cell: str) -> None:
    assert milliseconds([cell, cell], "auto").tolist() == [UNREADABLE] * 2


def test_one_odd_cell_does_not_keep_the_others_from_being_read_together() -> None:
    cells = [MS, "2026-01-01T00:00:00.123Z", None, True, [1], 5.5, "x"]
    expected = [MS, MS, UNREADABLE, UNREADABLE, UNREADABLE, 5_500, UNREADABLE]
    assert milliseconds(cells, "auto").tolist() == expected
    assert milliseconds(cells, "iso8601").tolist() == [UNREADABLE, MS, *[UNREADABLE] * 5]
    np.testing.assert_array_equal(milliseconds(cells, "ms")[[1, 6]], UNREADABLE)
