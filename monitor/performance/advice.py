"""Whether a model that kept learning does better than the one in production. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from monitor.store.base import ChallengerResult

_Z95 = 1.959963984540054
_FEWEST_ROWS = 200


def advice_of(results: Iterable[ChallengerResult]) -> Mapping[str, Any] | None:
    """Sum up a challenger's latest windows; None when they say too little.

    The difference of the error rates on the same rows, challenger less production, with the interval of a
    mean of windows weighted by their rows.
    """
    kept = [result for result in results if result.rows]
    rows = sum(result.rows for result in kept)
    if rows < _FEWEST_ROWS:
        return None
    production = sum(result.production_errors for result in kept) / rows
    challenger = sum(result.challenger_errors for result in kept) / rows
    variance = sum(((result.high - result.low) / 2 / _Z95 * result.rows) ** 2 for result in kept) / rows**2
    half = _Z95 * math.sqrt(variance)
    difference = challenger - production
    return {
        "rows": rows,
        "production_error": production,
        "challenger_error": challenger,
        "difference": difference,
        "low": difference - half,
        "high": difference + half,
    }
