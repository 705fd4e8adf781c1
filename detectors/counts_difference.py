"""The counts of the rows that are in a whole and not in a part of it."""

from __future__ import annotations

from typing import Any

from detectors.counts_categorical import CategoricalCounts
from detectors.counts_numeric import NumericCounts

Counts = NumericCounts | CategoricalCounts


def difference(whole: Counts, part: Counts) -> Counts:
    """What is left of ``whole`` without ``part``, whose rows are all among its own.

    Exact, but that the extremes stay those of the whole, and that unseen categories which the whole does not
    have by name are not named here either.
    """
    if isinstance(whole, NumericCounts) and isinstance(part, NumericCounts):
        return _numeric(whole, part)
    if isinstance(whole, CategoricalCounts) and isinstance(part, CategoricalCounts):
        return _categorical(whole, part)
    raise TypeError(f"cannot take {type(part).__name__} out of {type(whole).__name__}")


def _numeric(whole: NumericCounts, part: NumericCounts) -> NumericCounts:
    tallies = (a - b for a, b in zip(whole.tallies(), part.tallies(), strict=True))
    beside: tuple[Any, ...] = (*tallies, whole.minimum, whole.maximum)
    return NumericCounts(whole.on - part.on, whole.between - part.between, *beside)


def _categorical(whole: CategoricalCounts, part: CategoricalCounts) -> CategoricalCounts:
    unseen = {text: left for text, n in whole.unseen.items() if (left := n - part.unseen.get(text, 0)) > 0}
    demoted = sum(n for text, n in part.unseen.items() if text not in whole.unseen)
    rest, *tallies = (a - b for a, b in zip(whole.tallies(), part.tallies(), strict=True))
    return CategoricalCounts(whole.known - part.known, unseen, rest - demoted, *tallies)
