"""Exact one-sided tests of shares: of a window against the reference, and against a stated limit."""

from __future__ import annotations

import math

from scipy import stats


def share_rose(
    window_hits: int, window_rows: int, reference_hits: int, reference_rows: int, design_effect: float = 1.0
) -> float:
    """How likely so large a share of hits is in the window, if both are samples of one population.

    Fisher's exact test (R. A. Fisher, Statistical Methods for Research Workers,
    5th ed., 1934, section 21.02), one-sided: given the hits of both together,
    those in the window are hypergeometric. It allows for the reference being a
    sample too. A ``design_effect`` d counts d rows that resemble each other as
    one. 1.0 when the window has no hit.
    """
    if window_hits == 0 or window_rows == 0:
        return 1.0
    hits = math.floor(window_hits / design_effect)
    rows = max(hits, math.ceil(window_rows / design_effect))
    known_rows = math.floor(reference_rows / design_effect)
    known_hits = min(known_rows, math.ceil(reference_hits / design_effect))
    p = stats.hypergeom.sf(hits - 1, rows + known_rows, hits + known_hits, rows)
    return min(1.0, max(0.0, float(p)))


def share_exceeds(hits: int, rows: int, limit: float, design_effect: float = 1.0) -> float | None:
    """How likely so many hits are if each row is one with the probability ``limit``: an exact binomial test.

    None when the limit is 0: a rule that one hit breaks needs no test.
    """
    if limit <= 0.0:
        return None
    if hits == 0:
        return 1.0
    effective = math.floor(hits / design_effect)
    return float(stats.binom.sf(effective - 1, max(effective, math.ceil(rows / design_effect)), limit))


def all_by_chance(share: float, rows: int, design_effect: float = 1.0) -> float:
    """How likely it is that every one of these rows is what this share of all rows is."""
    return float(share ** (rows / design_effect))
