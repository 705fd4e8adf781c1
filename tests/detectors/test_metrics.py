from __future__ import annotations

import math

import pytest
from scipy import stats

from detectors.metrics import Z, badness, base_name, is_share, of_interval, of_mean, of_variance, wilson


@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 1), (1, 1), (3, 20), (20, 20), (4718, 5000), (1, 10_000)]
)
def test_the_interval_of_a_share_is_wilsons(successes: int, trials: int) -> None:
    wanted = stats.binomtest(successes, trials).proportion_ci(0.95, "wilson")
    assert wilson(successes, trials) == pytest.approx((wanted.low, wanted.high))


def test_a_metric_without_errors_still_has_a_standard_error() -> None:
    perfect = of_interval("accuracy", 1.0, wilson(100, 100), 100)
    assert perfect.high == 1.0
    assert 0.0 < perfect.standard_error < 0.02
    usual = of_interval("accuracy", 0.9, wilson(9000, 10_000), 10_000)
    assert usual.standard_error == pytest.approx(math.sqrt(0.9 * 0.1 / 10_000), rel=0.001)


def test_a_further_variance_widens_the_interval_and_stays_in_range() -> None:
    narrow, wide = (of_interval("f1", 0.9, wilson(90, 100), 100, extra) for extra in (0.0, 0.03**2))
    assert wide.standard_error == pytest.approx(math.hypot(narrow.standard_error, 0.03))
    assert wide.low < narrow.low < 0.9 < narrow.high < wide.high <= 1.0
    assert of_interval("f1", 0.9, wilson(90, 100), 100, 1.0).high == 1.0


def test_a_mean_has_a_normal_interval_inside_its_range() -> None:
    values = [0.1, 0.2, 0.6, 0.1]
    mean = sum(values) / 4
    found = of_mean("brier", mean, sum(value**2 for value in values) / 4, 4, least=0.0)
    assert found is not None
    assert found.standard_error == pytest.approx(stats.sem(values))
    assert (found.low, found.high) == pytest.approx(
        (max(0.0, mean - Z * stats.sem(values)), mean + Z * stats.sem(values))
    )
    assert of_mean("brier", 0.5, 0.25, 1) is None


def test_a_variance_that_rounding_made_negative_is_none() -> None:
    assert of_variance("mae", 1.0, -1e-18, 5).standard_error == 0.0


def test_metrics_know_which_way_is_good() -> None:
    assert badness("accuracy", 0.8) > badness("accuracy", 0.9)
    assert badness("recall[cat]", 0.8) > badness("recall[cat]", 0.9)
    assert badness("log_loss", 0.8) < badness("log_loss", 0.9)
    assert badness("bias", -3.0) > badness("bias", 1.0)
    assert badness("r2", -3.0) > badness("r2", 1.0)


def test_names_of_classes_and_means_have_a_base() -> None:
    assert [base_name(name) for name in ("precision[a[b]", "f1_macro", "roc_auc")] == [
        "precision",
        "f1",
        "roc_auc",
    ]
    assert is_share("precision[x]")
    assert is_share("roc_auc_macro")
    assert not is_share("brier")
