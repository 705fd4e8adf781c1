from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.document import NAME_LENGTH, clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("car_value", "car_value"),
        ("  a \r\n\t b\u2028c\x0bd ", "a b c d"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("a\x00b\x1b[31mc\u200bd\ufeff", "ab[31mcd"),
        ("", "(blank)"),
        ("\u200b\x00 ", "(blank)"),
        ("\ud800x", "x"),
        ("x" * 65, "x" * 63 + "…"),
        ("年収 💰", "年収 💰"),
    ],
)
def test_text_out_of_the_data_becomes_one_harmless_line(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(st.text(max_size=600))
def test_clean_text_is_never_blank_long_or_invisible(text: str) -> None:
    line = clean(text)
    assert 0 < len(line) <= NAME_LENGTH
    assert line == line.strip()
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp", "Cs"} for c in line)
    assert clean(line) == line
