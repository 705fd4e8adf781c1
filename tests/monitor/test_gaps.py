"""Findings about the log as a whole."""

from __future__ import annotations

from detectors.checks import DIMENSIONS, CheckName
from monitor.gaps import freshness, replaced, silence
from monitor.source.base import TopicPartition
from monitor.store.base import PartitionClock
from monitor.windows import Span
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, plan


def test_findings_have_the_dimension_of_their_check() -> None:
    model = plan("\n[models.loans.row_count]\nmin = 5\n")
    (quiet,) = silence(model, model.reference, START_MS, START_MS + 3 * HOUR_MS)
    changed = replaced(model, Span(START_MS, START_MS + HOUR_MS, 1))
    assert (quiet.check_name, quiet.dimension) == ("row_count", DIMENSIONS[CheckName.ROW_COUNT])
    assert (changed.check_name, changed.dimension) == ("schema_drift", DIMENSIONS[CheckName.SCHEMA_DRIFT])
    assert quiet.dimension != changed.dimension


def test_freshness_is_a_matter_of_time() -> None:
    clock = PartitionClock("loans", TopicPartition("predictions", 0), START_MS, NOW, caught_up=True)
    found = freshness(plan("freshness = '30m'"), [clock], NOW)
    assert found is not None
    assert (found.check_name, found.dimension) == ("freshness", "timeliness")
