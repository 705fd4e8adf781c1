from __future__ import annotations

import math

from monitor.challenger.results import Results
from monitor.challenger.rows import LabelledRow, SeenRow
from monitor.challenger.sums import WindowSums
from monitor.challenger.watch import Rise
from tests.monitor.challenger.streams import HOUR_MS, TERMS

RISE = Rise(changed_ms=5, noticed_ms=9, before=0.2, after=0.4, rows_since=5)


def results() -> Results:
    return Results(TERMS, HOUR_MS)


def test_windows_become_rows_for_the_database() -> None:
    found = results()
    found.begin([], 0)
    found.take([WindowSums(HOUR_MS, 100, 20, 10, 14, 50, 12.5, 0)], [], 100)
    (row,) = found.untold()
    assert (row.model, row.base, row.rule) == ("loans", "adwin_bagging", "grid")
    assert (row.start_ms, row.end_ms) == (HOUR_MS, 2 * HOUR_MS)
    assert (row.rows, row.production_errors, row.challenger_errors) == (100, 20.0, 10.0)
    assert (row.scored_rows, row.abstention_share) == (50, 0.25)
    assert row.low < row.difference == -0.1 < row.high < 0


def test_results_are_given_until_they_are_told_and_again_when_they_change() -> None:
    found = results()
    found.begin([], 0)
    found.take([WindowSums(0, rows=1), WindowSums(HOUR_MS, rows=1)], [RISE], 2)
    given, warned = found.untold(), found.warnings()
    assert given == found.untold()
    found.take([WindowSums(HOUR_MS, rows=2)], [], 3)
    found.told(given, warned)
    assert [(row.start_ms, row.rows) for row in found.untold()] == [(HOUR_MS, 2)]
    assert found.warnings() == ()


def test_a_warning_names_its_model() -> None:
    found = results()
    found.take([], [RISE], 0)
    (warning,) = found.warnings()
    assert (warning.model, warning.changed_ms, warning.rows_since) == ("loans", 5, 5)
    assert (warning.before, warning.after) == (0.2, 0.4)


def test_shed_rows_are_counted_in_their_windows_even_before_anything_was_learned() -> None:
    found = results()
    found.shed([LabelledRow(5, b"", 1, 1), LabelledRow(HOUR_MS, b"", 1, 1), SeenRow(5, b"")])
    assert found.untold() == ()  # as long as another process may have the challenger
    found.begin([], 0)
    assert [(row.start_ms, row.rows, row.shed_rows) for row in found.untold()] == [(0, 0, 1), (HOUR_MS, 0, 1)]
    assert all(math.isnan(row.difference) for row in found.untold())
    assert (found.shed_rows, found.unseen_rows) == (2, 1)


def test_shed_rows_are_added_to_those_of_the_state_once() -> None:
    found = results()
    found.shed([LabelledRow(5, b"", 1, 1)])
    assert found.known() == ()
    found.begin([WindowSums(0, rows=10, shed_rows=4)], 10)
    assert [(row.rows, row.shed_rows) for row in found.untold()] == [(10, 5)]
    assert found.sheds() == {0: 5}
    assert found.sheds() == {}
    # the process begins again: it knows what it was told, and is told what is known here
    assert found.known() == (WindowSums(0, rows=10, shed_rows=5),)
    found.begin([WindowSums(0, rows=10, shed_rows=5)], 10)
    assert [(row.rows, row.shed_rows) for row in found.untold()] == [(10, 5)]


def test_what_the_process_says_of_shed_rows_does_not_overrule_what_came_since() -> None:
    found = results()
    found.begin([], 0)
    found.shed([LabelledRow(5, b"", 1, 1)] * 3)
    found.take([WindowSums(0, rows=10, shed_rows=1)], [], 10)
    assert [(row.rows, row.shed_rows) for row in found.untold()] == [(10, 3)]
