"""The data-quality checks of what every feature has: a key, a type, values, and that they vary."""

from __future__ import annotations

from detectors.checks import BY_CHANCE, Outcome, Subject, others, percent, percent_of, value_counts
from detectors.clustering import absent
from detectors.counts import CategoricalCounts, NumericCounts
from detectors.dictionary import Role
from detectors.grid import CategoricalGrid
from detectors.proportions import all_by_chance, share_exceeds, share_rose


def missing_column(subject: Subject) -> Outcome | None:
    """No row has the key, of a required feature, and that is no run of absent values."""
    current, known = subject.current, subject.known
    if subject.feature.role is Role.LABEL or not subject.feature.required or current.rows == 0:
        return None
    usual = absent(known) / known.rows if known.rows else 0.0
    chance = all_by_chance(usual, current.rows, subject.absence_effect)
    gone = current.missing == current.rows and chance < BY_CHANCE
    expected = "a value" if usual == 0.0 else f"{percent(absent(known), known.rows)} without a value"
    return Outcome(
        expected=expected,
        observed="in no row" if current.missing == current.rows else "present",
        failed_rows=current.missing if gone else 0,
        total_rows=current.rows,
        is_bad=gone,
        note="the key is in no row of the window" if gone else "",
    )


def _is_gone(subject: Subject) -> bool:
    outcome = missing_column(subject)
    return outcome is not None and outcome.is_bad


def completeness(subject: Subject) -> Outcome | None:
    """The share of absent values, against the stated limit or else against the reference's share."""
    current, known, limit = subject.current, subject.known, subject.feature.max_null_fraction
    if subject.feature.role is Role.LABEL or current.rows == 0 or _is_gone(subject):
        return None  # labels come late; a column that is gone is one defect, not two
    hits, rows = absent(current), current.rows
    share = hits / rows
    if limit is not None:
        expected, beyond = f"at most {percent_of(limit)}", share > limit
        p_value = share_exceeds(hits, rows, limit, subject.absence_effect)
    else:
        usual = absent(known) / known.rows if known.rows else 0.0
        expected = f"about {percent(absent(known), known.rows)}, as in the reference"
        beyond = share - usual >= subject.expectations.min_effect
        p_value = share_rose(hits, rows, absent(known), known.rows, subject.absence_effect)
    return Outcome(
        expected=expected,
        observed=percent(hits, rows),
        failed_rows=hits,
        total_rows=rows,
        is_bad=beyond,
        p_value=p_value,
        is_enough=subject.is_enough or _is_broken_rule(hits, limit),
        note=_absence_note(current),
    )


def _is_broken_rule(hits: int, limit: float | None) -> bool:
    """One row is enough to break a rule that tolerates none."""
    return hits > 0 and limit == 0.0


def _absence_note(current: NumericCounts | CategoricalCounts) -> str:
    nan = current.nan if isinstance(current, NumericCounts) else 0
    kinds = (("key absent", current.missing), ("null", current.null), ("NaN", nan))
    return ", ".join(f"{count} {kind}" for kind, count in kinds if count)


def data_type(subject: Subject) -> Outcome | None:
    """Values of another type than the dictionary's, beyond what the reference had."""
    wanted = f"type {subject.feature.type}"
    return _defect(subject, subject.current.bad_type, subject.known.bad_type, wanted)


def not_finite(subject: Subject) -> Outcome | None:
    """Infinities, and NaN too where the reference never lacks a value (elsewhere NaN is an absent value)."""
    current, known = subject.current, subject.known
    if not isinstance(current, NumericCounts) or not isinstance(known, NumericCounts):
        return None
    hits = current.pos_inf + current.neg_inf
    if absent(known) == 0:
        hits += current.nan
    return _defect(subject, hits, known.pos_inf + known.neg_inf, "finite numbers")


def _defect(subject: Subject, hits: int, known_hits: int, wanted: str) -> Outcome | None:
    """A defect that never needs a limit: what the reference had, it may have; more is a fault."""
    rows, known_rows = subject.current.rows, subject.known.rows
    if rows == 0:
        return None
    usual = known_hits / known_rows if known_rows else 0.0
    allowed = subject.expectations.max_bad_fraction
    return Outcome(
        expected=wanted if known_hits == 0 else f"{wanted}, but for about {percent(known_hits, known_rows)}",
        observed=others(hits, rows),
        failed_rows=hits,
        total_rows=rows,
        is_bad=hits / rows - usual > allowed,
        p_value=share_rose(hits, rows, known_hits, known_rows),
        is_odd=hits > 0 and known_hits == 0,
        is_enough=subject.is_enough,
    )


def constant(subject: Subject) -> Outcome | None:
    """One value in every row, of a feature that varied so much that this is no accident."""
    current, known = subject.current, subject.known
    if value_counts(known) < 2 or current.n == 0:  # noqa: PLR2004
        return None
    is_constant = value_counts(current) == 1
    effect = subject.reference.design_effect.get(subject.feature.name, 1.0)
    chance = all_by_chance(_largest_share(subject), current.n, effect)
    stuck = is_constant and chance < BY_CHANCE
    return Outcome(
        expected="values that vary",
        observed="one value" if is_constant else "values that vary",
        failed_rows=current.n if stuck else 0,
        total_rows=current.n,
        is_bad=stuck,
        is_enough=subject.is_enough,
        note=f"always {_the_value(subject)}" if stuck else "",
    )


def _largest_share(subject: Subject) -> float:
    """The share of the reference's most frequent value, from above."""
    known = subject.known
    if isinstance(known, NumericCounts):
        return max(int(known.on.max(initial=0)), int(known.between.max(initial=0))) / known.n
    return max(int(known.known.max(initial=0)), known.other) / known.n


def _the_value(subject: Subject) -> str:
    current, grid = subject.current, subject.grid
    if isinstance(current, NumericCounts):
        return f"{current.minimum:g}"
    if current.unseen:
        return repr(next(iter(current.unseen)))
    if isinstance(grid, CategoricalGrid):
        return repr(grid.categories[int(current.known.argmax())])
    return "the same"
