"""The data-quality checks of values against the rules that the dictionary states for them."""

from __future__ import annotations

from detectors.checks import Outcome, Subject, listed, others, percent_of
from detectors.counts import CategoricalCounts, NumericCounts
from detectors.counts_categorical import MAX_TEXT
from detectors.grid import CategoricalGrid
from detectors.proportions import share_exceeds, share_rose


def value_range(subject: Subject) -> Outcome | None:
    """Values outside the stated minimum and maximum."""
    feature, current = subject.feature, subject.current
    if (feature.min is None and feature.max is None) or not isinstance(current, NumericCounts):
        return None
    low = "" if feature.min is None else f"{feature.min:g} <= "
    high = "" if feature.max is None else f" <= {feature.max:g}"
    hits = subject.window.checks[feature.name].out_of_range
    seen = f"{current.minimum:g} to {current.maximum:g}" if current.n else "no values"
    return _stated(subject, hits, feature.max_out_of_range_fraction, f"{low}value{high}", seen)


def _stated(
    subject: Subject, hits: int, limit: float, wanted: str, observed: str, *, note: str = ""
) -> Outcome | None:
    """A rule of the dictionary about values, with the share of them that may break it."""
    rows = subject.current.n
    if rows == 0:
        return None
    return Outcome(
        expected=wanted if limit == 0.0 else f"{wanted}, but for at most {percent_of(limit)}",
        observed=observed,
        failed_rows=hits,
        total_rows=rows,
        is_bad=hits / rows > limit,
        p_value=share_exceeds(hits, rows, limit),
        is_enough=subject.is_enough or limit == 0.0,
        note=note,
    )


def pattern(subject: Subject) -> Outcome | None:
    """Texts that the stated pattern does not match in full."""
    wanted = subject.feature.pattern
    if wanted is None:
        return None
    hits = subject.window.checks[subject.feature.name].pattern
    return _stated(subject, hits, 0.0, f"matches {wanted}", others(hits, subject.current.n))


def datetime_format(subject: Subject) -> Outcome | None:
    """Texts that are no date or time in the stated format."""
    wanted = subject.feature.format
    if wanted is None:
        return None
    hits = subject.window.checks[subject.feature.name].format
    return _stated(subject, hits, 0.0, f"format {wanted}", others(hits, subject.current.n))


def categorical_values(subject: Subject) -> Outcome | None:
    """Categories outside the stated set or, where none is stated, that the reference never had.

    An unstated set may have a tail that the reference did not reach: there the
    share of unseen categories is tested against the share of rows that were the
    only one of their category (Good, Biometrika 40, 1953), and one more.
    """
    current, known, grid = subject.current, subject.known, subject.grid
    if not isinstance(current, CategoricalCounts) or not isinstance(grid, CategoricalGrid):
        return None
    if grid.is_open or subject.feature.type == "bool":
        return None
    odd = _outside(subject, current, grid)
    hits = sum(odd.values()) + current.other
    named = sorted(odd, key=lambda name: (-odd[name], name))
    note = f"not expected: {listed(named)}" if named else ""
    allowed = 1.0 - subject.feature.min_domain_mass
    if subject.feature.categories is not None or not isinstance(known, CategoricalCounts):
        wanted = f"one of {listed(subject.feature.categories or ())}"
        return _stated(subject, hits, allowed, wanted, others(hits, current.n), note=note)
    if current.n == 0:
        return None
    lone = int((known.known == 1).sum()) + 1
    return Outcome(
        expected="categories of the reference",
        observed=others(hits, current.n),
        failed_rows=hits,
        total_rows=current.n,
        is_bad=hits / current.n > allowed,
        p_value=share_rose(hits, current.n, lone, known.n + 1),
        is_enough=subject.is_enough,
        note=note,
    )


def _outside(subject: Subject, current: CategoricalCounts, grid: CategoricalGrid) -> dict[str, int]:
    stated = subject.feature.categories
    if stated is None:
        return dict(current.unseen)
    allowed = {name[:MAX_TEXT] for name in stated}
    known = zip(grid.categories, current.known.tolist(), strict=True)
    return {name: count for name, count in current.unseen.items() if name not in allowed} | {
        name: count for name, count in known if count and name not in stated
    }
