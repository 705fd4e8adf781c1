"""The data-quality checks of the log as a whole."""

from __future__ import annotations

import math

from scipy import stats

from detectors.checks import CheckName, Outcome, Table, TableCheck, listed, percent
from detectors.clustering import RowsPerWindow
from detectors.dictionary import Role
from detectors.proportions import share_rose

SURE = 3.0  # standard errors that an estimated number of duplicates must be above the allowed one
WINDOWS_TO_EXPECT = 8  # of the reference, before its rows per window say what to expect
UNLIKELY = 1e-6  # by chance, of rows that come at the reference's rate
FAR = 2.0  # times beyond the least or most rows of any window of the reference


def extra_column(table: Table) -> Outcome | None:
    """Features that the dictionary does not know. They cannot hurt the model, so by default they warn."""
    sample = table.window.sample
    if sample.rows == 0:
        return None
    extra = sample.extra_columns
    most = max([*extra.values(), sample.extra_other], default=0)
    names = sorted(extra, key=lambda name: (-extra[name], name))
    return Outcome(
        expected="the dictionary's columns",
        observed=f"{len(extra)} more" if extra else "no others",
        failed_rows=most,
        total_rows=sample.rows,
        is_bad=most > 0 and table.expectations.fail_on_extra_columns,
        is_odd=most > 0,
        note=f"not in the dictionary: {listed(names)}" if names else "",
    )


def schema_drift(table: Table) -> Outcome | None:
    """Rows that have another number of features than the dictionary: like extra columns, they warn."""
    sample = table.window.sample
    if sample.rows == 0:
        return None
    roles = [table.reference.dictionary.features[name].role for name in table.reference.grids]
    return Outcome(
        expected=f"{roles.count(Role.FEATURE)} features",
        observed=f"another number in {percent(sample.other_width, sample.rows)}",
        failed_rows=sample.other_width,
        total_rows=sample.rows,
        is_bad=sample.other_width > 0 and table.expectations.fail_on_extra_columns,
        is_odd=sample.other_width > 0,
    )


def uniqueness(table: Table) -> Outcome | None:
    """Rows that repeat the id of another row of the window."""
    ids = table.window.identifiers
    if ids.rows == 0:
        return None
    found = ids.duplicates()
    known = table.reference.profile.identifiers
    usual = known.duplicates().rows if known.rows else 0.0
    allowed = table.expectations.max_bad_fraction + (usual / known.rows if known.rows else 0.0)
    surely = max(0.0, found.rows - SURE * found.standard_error)
    return Outcome(
        expected="ids that occur once" if usual == 0 else f"at most {100 * allowed:.3g} % repeated",
        observed=f"{percent(round(found.rows), ids.rows)} repeated",
        failed_rows=round(found.rows),
        total_rows=ids.rows,
        is_bad=surely / ids.rows > allowed,
        p_value=share_rose(round(surely), ids.rows, round(usual), known.rows) if known.rows else None,
        is_odd=found.rows > 0 and usual == 0,
        is_enough=ids.rows >= table.min_rows,
        note="" if found.is_exact else f"estimated, standard error {found.standard_error:.0f} rows",
    )


def row_count(table: Table) -> Outcome | None:
    """Fewer or more rows than configured fail; far fewer or more than the reference's windows had, warn.

    Training files are often samples of the traffic, so their volume alone wakes nobody.
    """
    expectations, rows = table.expectations, table.window.rows
    low, high = expectations.min_window_rows, expectations.max_window_rows
    if expectations.is_partial:
        return None
    if low is None and high is None:
        usual = table.reference.rows_per_window
        if usual is None or expectations.window_ms not in (None, usual.window_ms):
            return None
        return _against_reference(rows, usual)
    is_bad = (low is not None and rows < low) or (high is not None and rows > high)
    expected = f"{0 if low is None else low} to {'any number' if high is None else high} rows"
    return Outcome(expected, f"{rows} rows", 0, rows, is_bad)


def _against_reference(rows: int, usual: RowsPerWindow) -> Outcome | None:
    """Beyond twice the reference's extremes, and further than a Poisson number would stray from them."""
    if usual.windows < WINDOWS_TO_EXPECT:
        return None
    few = float(stats.poisson.cdf(rows, usual.minimum))
    many = float(stats.poisson.sf(rows - 1, usual.maximum))
    is_odd = (rows < usual.minimum / FAR or rows > usual.maximum * FAR) and min(few, many) < UNLIKELY
    low, high = math.ceil(usual.minimum / FAR), math.floor(usual.maximum * FAR)
    note = f"the reference's {usual.windows} windows had {usual.minimum} to {usual.maximum} rows"
    return Outcome(f"{low} to {high} rows", f"{rows} rows", 0, rows, is_bad=False, is_odd=is_odd, note=note)


TABLE_CHECKS: tuple[tuple[CheckName, TableCheck], ...] = (
    (CheckName.EXTRA_COLUMN, extra_column),
    (CheckName.SCHEMA_DRIFT, schema_drift),
    (CheckName.UNIQUENESS, uniqueness),
    (CheckName.ROW_COUNT, row_count),
)
