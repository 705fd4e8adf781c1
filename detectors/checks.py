"""What the data-quality checks have in common: their names, what they are given and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from detectors.counts import CategoricalCounts, Counts
from detectors.dictionary import Feature
from detectors.grid import Grid
from detectors.profile import Profile
from detectors.reference import Reference

BY_CHANCE = 1e-6  # below it, a pattern in the whole window is taken as no accident
MANY = 5  # names listed in a note


class CheckName(StrEnum):
    """The checks, as they are named in ``quality_history``."""

    MISSING_COLUMN = "missing_column"
    EXTRA_COLUMN = "extra_column"
    SCHEMA_DRIFT = "schema_drift"
    DATA_TYPE = "data_type"
    COMPLETENESS = "completeness"
    RANGE = "range"
    CATEGORICAL_VALUES = "categorical_values"
    PATTERN = "pattern"
    FORMAT = "format"
    NOT_FINITE = "not_finite"
    CONSTANT = "constant"
    UNIQUENESS = "uniqueness"
    ROW_COUNT = "row_count"


class Dimension(StrEnum):
    """The aspects of quality in the words of the Open Data Contract Standard."""

    ACCURACY = "accuracy"
    COMPLETENESS = "completeness"
    CONFORMITY = "conformity"
    CONSISTENCY = "consistency"
    COVERAGE = "coverage"
    UNIQUENESS = "uniqueness"


DIMENSIONS = {
    CheckName.MISSING_COLUMN: Dimension.COMPLETENESS,
    CheckName.EXTRA_COLUMN: Dimension.CONFORMITY,
    CheckName.SCHEMA_DRIFT: Dimension.CONFORMITY,
    CheckName.DATA_TYPE: Dimension.CONFORMITY,
    CheckName.COMPLETENESS: Dimension.COMPLETENESS,
    CheckName.RANGE: Dimension.ACCURACY,
    CheckName.CATEGORICAL_VALUES: Dimension.CONFORMITY,
    CheckName.PATTERN: Dimension.CONFORMITY,
    CheckName.FORMAT: Dimension.CONFORMITY,
    CheckName.NOT_FINITE: Dimension.ACCURACY,
    CheckName.CONSTANT: Dimension.CONSISTENCY,
    CheckName.UNIQUENESS: Dimension.UNIQUENESS,
    CheckName.ROW_COUNT: Dimension.COVERAGE,
}


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a window is held to beside the dictionary and the reference.

    ``min_effect`` is the least rise of the share of absent values that matters;
    ``max_bad_fraction`` the share of mistyped, non-finite or repeated rows above
    the reference's that is let pass with a warning. ``min_window_rows`` and
    ``max_window_rows`` replace the reference's rows per window. A window that
    was not watched from its start to its end (``is_partial``) has no row count
    to judge.
    """

    min_effect: float = 0.02
    max_bad_fraction: float = 0.001
    min_window_rows: int | None = None
    max_window_rows: int | None = None
    window_ms: int | None = None
    is_partial: bool = False
    fail_on_extra_columns: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check saw, before the correction for the number of checks.

    ``is_bad`` says that the figure is beyond what is allowed. With a ``p_value``
    it fails only if that stays under the level after correction; without one
    it fails at once. ``is_odd`` makes what does not fail a warning, and
    ``is_enough`` False makes it inconclusive.
    """

    expected: str
    observed: str
    failed_rows: int
    total_rows: int
    is_bad: bool
    p_value: float | None = None
    is_odd: bool = False
    is_enough: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """One feature: what the dictionary says, what the reference held, what the window holds."""

    feature: Feature
    grid: Grid
    reference: Reference
    window: Profile
    expectations: Expectations
    min_rows: int

    @property
    def known(self) -> Counts:
        """The reference's counts."""
        return self.reference.profile.counts[self.feature.name]

    @property
    def current(self) -> Counts:
        """The window's counts."""
        return self.window.counts[self.feature.name]

    @property
    def is_enough(self) -> bool:
        """Whether the window has the rows that a statistical check needs."""
        return self.current.rows >= self.min_rows

    @property
    def absence_effect(self) -> float:
        """The design effect of this feature's absent values."""
        return self.reference.absence_effect.get(self.feature.name, 1.0)


FeatureCheck = Callable[[Subject], Outcome | None]  # None: the check does not apply to the feature


@dataclass(frozen=True, slots=True)
class Table:
    """The whole log: what the checks that belong to no feature are given."""

    reference: Reference
    window: Profile
    expectations: Expectations
    min_rows: int


TableCheck = Callable[[Table], Outcome | None]


def value_counts(counts: Counts) -> int:
    """The number of different places (grid points, gaps, categories) that hold at least one value."""
    if isinstance(counts, CategoricalCounts):
        held = int((counts.known > 0).sum()) + sum(count > 0 for count in counts.unseen.values())
        return held + min(counts.other, 2)  # the rest may be one category or many: never constant
    if counts.n == 0:
        return 0
    return 1 if counts.minimum == counts.maximum else 2


def percent(hits: int, rows: int) -> str:
    """A share in words, with as many digits as it needs to be told from none."""
    if rows == 0:
        return "no rows"
    share = 100 * hits / rows
    return f"{share:.3g} %" if share < 10 else f"{share:.1f} %"  # noqa: PLR2004


def percent_of(share: float) -> str:
    """A limit in words."""
    return f"{100 * share:g} %"


def others(hits: int, rows: int) -> str:
    """What was seen beside what was wanted."""
    return f"{percent(hits, rows)} other" if hits else "all rows"


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many there are beside them."""
    shown = list(names)
    more = f" and {len(shown) - MANY} more" if len(shown) > MANY else ""
    return ", ".join(repr(name) for name in shown[:MANY]) + more
