"""What stored counts say of two stretches is what the raw rows say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp

from detectors.reference import Reference
from monitor.backfill import backfill, counted
from monitor.clock import ManualClock
from monitor.comparing import Comparison, compare, stretch
from monitor.config import Config
from monitor.errors import DataError
from monitor.judge import Rules
from monitor.store.base import Store
from monitor.store.sql import open_store
from tests.monitor.worlds import HOUR_MS, NOW, START_MS, config, reference

HOURS = 40
PER_HOUR = 60
KNOWN = np.array(["DE", "FR", "PT", "XX"])


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Forty hours; ages rise, and XX is unknown to the reference. Ages lie on the reference's values."""
    rng = np.random.default_rng(11)
    n = HOURS * PER_HOUR
    hours = np.arange(n) // PER_HOUR
    ages = np.sort(reference().grids["age"].points)  # type: ignore[union-attr]
    places = np.clip(rng.normal(len(ages) / 2, len(ages) / 5, n) + 5 * hours, 0, len(ages) - 1)
    return pd.DataFrame(
        {
            "timestamp": START_MS + np.arange(n) * (HOUR_MS // PER_HOUR),
            "age": ages[places.astype(int)],
            "country": rng.choice(KNOWN, n, p=(0.4, 0.3, 0.2, 0.1)),
            "owner": rng.random(n) < 0.3,
            "prediction": rng.integers(0, 2, n),
            "score": rng.random(n).round(4),
        }
    )


@pytest.fixture(scope="module")
def settled() -> Config:
    return config()


@pytest.fixture(scope="module")
def store(settled: Config, rows: pd.DataFrame) -> Iterator[Store]:
    made = open_store("sqlite://")
    made.upgrade_schema()
    fields = settled.models["loans"].fields.resolved("loans")
    windows = counted(rows, fields, reference(), HOUR_MS)
    backfill(settled, "loans", reference(), windows, made, ManualClock(NOW), "rows")
    yield made
    made.close_connections()


def find(reference_id: str) -> Reference | None:
    return reference() if reference_id == reference().id else None


def hour(number: int) -> int:
    return START_MS + number * HOUR_MS


def ask(
    store: Store, settled: Config, current: tuple[int, int], against: tuple[int, int] | None
) -> Comparison:
    now = stretch(store, "loans", hour(current[0]), hour(current[1]), find)
    before = None if against is None else stretch(store, "loans", hour(against[0]), hour(against[1]), find)
    rules = Rules(0.01, 0.02, 20, settled.models["loans"].detectors)
    return compare("loans", "", reference(), now, before, rules)


CUTS = st.lists(st.integers(0, HOURS), min_size=4, max_size=4, unique=True).map(sorted)


@given(cuts=CUTS)
@settings(max_examples=40, deadline=None)
def test_two_stretches_are_tested_as_their_raw_rows(
    store: Store, settled: Config, rows: pd.DataFrame, cuts: list[int]
) -> None:
    a, b, c, d = cuts
    found = ask(store, settled, (c, d), (a, b))
    before, now = rows[a * PER_HOUR : b * PER_HOUR], rows[c * PER_HOUR : d * PER_HOUR]
    results = {(each.feature, each.detector): each.result for each in found.findings}
    ks = results["age", "ks"]
    small = len(before) * len(now) <= 500_000
    expected = ks_2samp(before["age"], now["age"], method="exact" if small else "asymp")
    assert ks.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert ks.bound == 0.0
    if not small:
        assert ks.p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-12)
    table = [[(part["country"] == name).sum() for name in KNOWN] for part in (before, now)]
    plain = chi2_contingency(table, correction=False)
    if (plain.expected_freq >= 5).all():  # else categories are pooled
        assert results["country", "chi2"].statistic == pytest.approx(plain.statistic)
    assert (ks.n_reference, ks.n_current) == (len(before), len(now))


def test_a_stretch_against_the_reference_is_tested_as_one_window_of_its_rows(
    store: Store, settled: Config, rows: pd.DataFrame
) -> None:
    found = ask(store, settled, (3, 21), None)
    ages = np.repeat(reference().grids["age"].points, reference().profile.counts["age"].on)  # type: ignore[union-attr]
    expected = ks_2samp(ages, rows["age"][3 * PER_HOUR : 21 * PER_HOUR], method="asymp")
    ks = next(each.result for each in found.findings if (each.feature, each.detector) == ("age", "ks"))
    assert ks.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert ks.p_value == pytest.approx(expected.pvalue, rel=1e-9)


def test_only_whole_windows_count(store: Store) -> None:
    found = stretch(store, "loans", hour(2) + 1, hour(5) + 1, find)
    assert (found.start_ms, found.end_ms, found.windows) == (hour(3), hour(6), 3)
    assert found.profile.rows == 3 * PER_HOUR


def test_a_stretch_without_windows_says_so(store: Store) -> None:
    with pytest.raises(DataError, match=r"no judged window between 2026-01-02 16:00 UTC and"):
        stretch(store, "loans", hour(HOURS), hour(HOURS + 5), find)


def test_a_stretch_whose_reference_is_gone_says_so(store: Store) -> None:
    with pytest.raises(DataError, match="not kept any more"):
        stretch(store, "loans", hour(0), hour(5), lambda _: None)


def test_a_segment_of_a_stretch_is_what_its_raw_rows_give(rows: pd.DataFrame) -> None:
    parted, wanted = reference(1, ("country",)), config('segments = ["country"]')
    made = open_store("sqlite://")
    made.upgrade_schema()
    fields = wanted.models["loans"].fields.resolved("loans")
    windows = counted(rows, fields, parted, HOUR_MS)
    backfill(wanted, "loans", parted, windows, made, ManualClock(NOW), "rows")
    now, before = (stretch(made, "loans", hour(a), hour(b), lambda _: parted) for a, b in ((20, 40), (0, 10)))
    rules = Rules(0.01, 0.02, 20, wanted.models["loans"].detectors)
    found = compare("loans", "", parted, now, before, rules, "country=DE")
    in_germany = rows[rows["country"] == "DE"]
    hours = (in_germany["timestamp"] - START_MS) // HOUR_MS
    raw = ks_2samp(in_germany["age"][hours >= 20], in_germany["age"][hours < 10])
    (age,) = (each for each in found.findings if (each.feature, each.detector) == ("age", "ks"))
    assert age.result.statistic == pytest.approx(raw.statistic, abs=1e-12)
    assert age.segment == "country=DE"
    assert found.current.profile.rows == (hours >= 20).sum()
    assert found.against is not None
    assert found.against.profile.rows == (hours < 10).sum()
    with pytest.raises(DataError, match="segment country=IT: there are country=DE, country=FR, country=PT"):
        compare("loans", "", parted, now, None, rules, "country=IT")
    with pytest.raises(DataError, match="built without segments"):
        compare("loans", "", reference(), now, None, rules, "country=DE")
    made.close_connections()
