"""How many values of a batch break a rule of the dictionary that their counts cannot show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detectors.columns import Column
from detectors.counts import Counts, NumericCounts
from detectors.dictionary import ISO8601, Feature

MAX_TEXT = 4096  # characters; a longer text matches no pattern, so that one value cannot stall the service


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """Rows that broke a declared rule. `CheckCounts` add up; the empty one is ``CheckCounts()``."""

    out_of_range: int = 0
    pattern: int = 0
    format: int = 0

    def tallies(self) -> tuple[int, int, int]:
        """The counts in the order of the fields."""
        return (self.out_of_range, self.pattern, self.format)

    def merge(self, other: Self) -> Self:
        return type(self)(*(a + b for a, b in zip(self.tallies(), other.tallies(), strict=True)))


NO_VIOLATION = CheckCounts()


def violations(feature: Feature, column: Column, counts: Counts) -> CheckCounts:
    """Hold the present values of a batch, whose counts these are, against the declared rules."""
    if isinstance(counts, NumericCounts):
        outside = _out_of_range(feature, column, counts)
        return CheckCounts(out_of_range=outside) if outside else NO_VIOLATION
    if feature.pattern is not None:
        return CheckCounts(pattern=_mismatches(feature.pattern, _texts(column)))
    if feature.format is not None:
        return CheckCounts(format=_misformatted(feature.format, _texts(column)))
    return NO_VIOLATION


def _texts(column: Column) -> list[str]:
    texts: list[str] = column.present().tolist()
    return texts


def _out_of_range(feature: Feature, column: Column, counts: NumericCounts) -> int:
    """Finite values below the minimum or above the maximum; infinities are counted elsewhere."""
    values: NDArray[np.float64] = column.values  # noqa: PD011  # no pandas object
    outside = 0
    if feature.min is not None and counts.minimum < feature.min:
        outside += int(np.count_nonzero(values < feature.min)) - counts.neg_inf
    if feature.max is not None and counts.maximum > feature.max:
        outside += int(np.count_nonzero(values > feature.max)) - counts.pos_inf
    return outside


def _mismatches(pattern: str, texts: list[str]) -> int:
    matches = re.compile(pattern).fullmatch  # cached by re
    return _count_bad(texts, lambda text: len(text) <= MAX_TEXT and matches(text) is not None)


def _misformatted(date_format: str, texts: list[str]) -> int:
    if date_format != ISO8601:
        parsed = pd.to_datetime(pd.Series(texts, dtype=object), format=date_format, errors="coerce", utc=True)
        return int(parsed.isna().sum())
    try:  # the usual case, all well: no bookkeeping
        for _ in map(datetime.fromisoformat, texts):
            pass
    except ValueError:
        return _count_bad(texts, _is_iso8601)
    return 0


def _is_iso8601(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _count_bad(texts: list[str], is_good: Callable[[str], bool]) -> int:
    """The number of texts that are not good, asking once for each distinct text."""
    bad = {text for text in set(texts) if not is_good(text)}
    if not bad:
        return 0
    counts = Counter(texts)
    return sum(counts[text] for text in bad)
