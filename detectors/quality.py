"""Data quality of one window: every check, corrected for their number, with a verdict each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from detectors.budget import holm
from detectors.checks import (
    DIMENSIONS,
    CheckName,
    Dimension,
    Expectations,
    FeatureCheck,
    Outcome,
    Subject,
    Table,
    TableCheck,
)
from detectors.checks_feature import FEATURE_CHECKS
from detectors.checks_table import TABLE_CHECKS
from detectors.dictionary import Role
from detectors.profile import Profile
from detectors.reference import Reference
from detectors.result import Verdict

__all__ = ["CheckName", "Dimension", "Expectations", "QualityResult", "check"]


@dataclass(frozen=True, slots=True)
class QualityResult:
    """One check's verdict; ``feature`` is empty for checks of the whole log.

    ``p_value`` is before correction, and None for checks that leave nothing to
    chance.
    """

    feature: str
    check_name: CheckName
    dimension: Dimension
    expected: str
    observed: str
    failed_rows: int
    total_rows: int
    p_value: float | None
    verdict: Verdict
    note: str


@dataclass(frozen=True, slots=True)
class _Made:
    feature: str
    name: CheckName
    outcome: Outcome
    error: str = ""


def check(
    reference: Reference,
    window: Profile,
    level: float,
    min_rows: int,
    expectations: Expectations | None = None,
    *,
    feature_checks: Sequence[tuple[CheckName, FeatureCheck]] = FEATURE_CHECKS,
    table_checks: Sequence[tuple[CheckName, TableCheck]] = TABLE_CHECKS,
) -> tuple[QualityResult, ...]:
    """Hold a window against the dictionary and the reference.

    One result for each check that applies, whether it passes or not. Checks that
    test a share fail only if their p-value, corrected by Holm over the tests
    of this window, is within ``level``: on data like the reference's, at most that
    share of windows has a false failure among them. Below ``min_rows`` such
    tests are inconclusive. A check that crashes has the verdict ``error`` and
    does not keep others from being made.
    """
    given = expectations or Expectations()
    made = list(_on_table(Table(reference, window, given, min_rows), table_checks))
    for name, grid in reference.grids.items():
        feature = reference.dictionary.features[name]
        if feature.role is Role.DERIVED:
            continue  # nobody logs it: what is wrong with it is wrong with what it is made of
        subject = Subject(feature, grid, reference, window, given, min_rows)
        made += _on_feature(subject, feature_checks)
    adjusted = holm([one.outcome.p_value if one.outcome.is_enough else None for one in made])
    return tuple(_result(one, p, level) for one, p in zip(made, adjusted, strict=True))


def _on_table(table: Table, checks: Sequence[tuple[CheckName, TableCheck]]) -> Iterator[_Made]:
    for name, apply in checks:
        try:
            outcome = apply(table)
        except Exception as error:  # noqa: BLE001  # a crashed check is a result, not a stopped service
            yield _crashed("", name, error, table.window.rows)
        else:
            if outcome is not None:
                yield _Made("", name, outcome)


def _on_feature(subject: Subject, checks: Sequence[tuple[CheckName, FeatureCheck]]) -> Iterator[_Made]:
    for name, apply in checks:
        try:
            outcome = apply(subject)
        except Exception as error:  # noqa: BLE001  # as above
            yield _crashed(subject.feature.name, name, error, subject.window.rows)
        else:
            if outcome is not None:
                yield _Made(subject.feature.name, name, outcome)


def _crashed(feature: str, name: CheckName, error: Exception, rows: int) -> _Made:
    text = f"the check crashed: {type(error).__name__}: {error}"
    return _Made(feature, name, Outcome("", "", 0, rows, is_bad=False), text)


def _result(made: _Made, adjusted_p: float | None, level: float) -> QualityResult:
    outcome = made.outcome
    return QualityResult(
        feature=made.feature,
        check_name=made.name,
        dimension=DIMENSIONS[made.name],
        expected=outcome.expected,
        observed=outcome.observed,
        failed_rows=outcome.failed_rows,
        total_rows=outcome.total_rows,
        p_value=outcome.p_value,
        verdict=_verdict(made, adjusted_p, level),
        note=made.error or outcome.note,
    )


def _verdict(made: _Made, adjusted_p: float | None, level: float) -> Verdict:
    outcome = made.outcome
    if made.error:
        return Verdict.ERROR
    if not outcome.is_enough:
        return Verdict.INCONCLUSIVE
    if outcome.is_bad and (adjusted_p is None or adjusted_p <= level):
        return Verdict.FAIL
    return Verdict.WARN if outcome.is_odd else Verdict.OK
