"""Rates of false alarms, simulated with river's own classes and fixed seeds.

A rate is an upper bound: a count is accepted up to the 99.99 % point of the
Poisson distribution of the wanted one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm, poisson

from detectors.concept import KINDS, Settings, kind_of, settings_for
from detectors.sequential_settings import RAREST

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]


def coin(rate: float) -> Draw:
    return lambda rng, rows: (rng.random(rows) < rate).astype(np.float64)


def uniform(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    return rng.random(rows)


STREAMS: dict[str, tuple[Draw, float, float]] = {
    "coin .05": (coin(0.05), 0.05, math.sqrt(0.05 * 0.95)),
    "coin .2": (coin(0.2), 0.2, 0.4),
    "uniform": (uniform, 0.5, math.sqrt(1 / 12)),
}


def alarms(chosen: Settings, draw: Draw, streams: int, rows: int, seed: int) -> int:
    rng = np.random.default_rng(seed)
    count = 0
    for _ in range(streams):
        detector = chosen.new_detector()
        for value in draw(rng, rows).tolist():
            detector.update(value)
            count += detector.drift_detected
    return count


# the rate is one at which the kind's own limit does not yet hold it back
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(
    ("kind", "rate", "streams", "rows"),
    [
        ("adwin", 1e-5, 4, 200_000),
        ("ddm", 1e-4, 20, 5_000),
        ("hddm_a", 1e-4, 4, 12_000),
        ("hddm_w", 1e-4, 4, 12_000),
        ("page_hinkley", 1e-3, 4, 25_000),
    ],
)
def test_there_are_no_more_false_alarms_than_wanted(
    kind: str, rate: float, streams: int, rows: int, stream: str
) -> None:
    draw, mean, deviation = STREAMS[stream]
    found = alarms(settings_for(kind, rate, mean, deviation), draw, streams, rows, seed=1)
    assert found <= poisson.ppf(0.9999, rate * streams * rows)


def test_kswin_tests_every_row_at_the_wanted_rate_and_raises_less() -> None:
    chosen = settings_for("kswin", 1e-4, 0.5, math.sqrt(1 / 12))
    assert dict(chosen.parameters)["alpha"] == 1e-4
    assert alarms(chosen, uniform, 1, 4_000, seed=1) <= 1  # four is the most: a thousand rows fill its window


@pytest.mark.parametrize("stream", STREAMS)
def test_page_hinkley_has_nearly_the_wanted_rate(stream: str) -> None:
    draw, mean, deviation = STREAMS[stream]
    wanted = 1e-3 * 100_000
    assert alarms(settings_for("page_hinkley", 1e-3, mean, deviation), draw, 1, 100_000, seed=2) > wanted / 3


def test_fair_coins_the_worst_case_of_hddm_a_keep_its_rate() -> None:
    """In streams of 1,000 rows, where most of its false alarms come."""
    found = alarms(settings_for("hddm_a", 1e-5, 0.5, 0.5), coin(0.5), 100, 1_000, seed=4)
    assert found <= poisson.ppf(0.9999, 1)


def test_fair_coins_are_the_worst_case_of_hddm_w() -> None:
    found = alarms(settings_for("hddm_w", 1e-3 / 4, 0.5, 0.5), coin(0.5), 1, 60_000, seed=3)
    assert poisson.ppf(0.0001, 15 / 2) <= found <= poisson.ppf(0.9999, 15)


def test_a_ninth_of_the_rate_is_dearer_for_every_kind() -> None:
    looser = {"adwin": "delta", "hddm_a": "drift_confidence", "hddm_w": "drift_confidence", "kswin": "alpha"}
    tighter = {"ddm": "drift_threshold", "page_hinkley": "threshold"}
    for kind in KINDS:
        often, rarely = (dict(settings_for(kind, rate, 0.2, 0.4).parameters) for rate in (9e-6, 1e-6))
        if kind in looser:
            assert float(often[looser[kind]]) > float(rarely[looser[kind]])
        else:
            assert float(often[tighter[kind]]) < float(rarely[tighter[kind]])


def test_page_hinkley_is_siegmunds_approximation_for_symmetric_values() -> None:
    chosen = dict(settings_for("page_hinkley", 1e-5, 0.5, 0.5).parameters)
    drift = 0.1  # of a standard deviation
    height = float(chosen["threshold"]) / 0.5
    one_side = (math.expm1(2 * drift * height) - 2 * drift * height) / (2 * drift**2)
    assert one_side / 2 == pytest.approx(1e5, rel=0.06)  # a coin's root is not the normal distribution's
    assert float(chosen["delta"]) == pytest.approx(drift * 0.5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mean", [0.0, 1e-6, 0.5, 1.0])
@pytest.mark.parametrize("rate", [RAREST, 1e-7, 0.5])
def test_extreme_references_and_rates_give_finite_settings(kind: str, mean: float, rate: float) -> None:
    chosen = settings_for(kind, rate, mean, math.sqrt(mean * (1 - mean)))
    assert all(math.isfinite(float(value)) for _, value in chosen.parameters if not isinstance(value, str))
    assert chosen.is_of(chosen.new_detector())


def test_ddm_warms_up_until_thirty_errors_are_expected() -> None:
    assert dict(settings_for("ddm", 1e-5, 0.02, 0.14).parameters)["warm_start"] == 1500
    assert dict(settings_for("ddm", 1e-5, 0.0, 0.0).parameters)["warm_start"] == 30_000


def test_eddm_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r'"eddm" is not offered: .*18 false alarms per 10,000 rows; use'):
        settings_for("eddm", 1e-5, 0.2, 0.4)


def test_an_unknown_kind_is_told_the_nearest_one() -> None:
    with pytest.raises(ValueError, match='no sequential detector "adwim": did you mean "adwin"'):
        kind_of("adwim")
    with pytest.raises(ValueError, match="there are adwin, ddm, hddm_a, hddm_w, page_hinkley, kswin"):
        kind_of("quux")


@pytest.mark.parametrize("rate", [0.0, -1e-5, 1.0, math.nan, math.inf, RAREST / 10])
def test_a_rate_out_of_range_is_an_error(rate: float) -> None:
    with pytest.raises(ValueError, match="false alarms per row cannot be asked for"):
        settings_for("adwin", rate, 0.2, 0.4)


@pytest.mark.parametrize(("mean", "deviation"), [(-0.1, 0.4), (1.1, 0.4), (math.nan, 0.4), (0.2, math.nan)])
def test_a_reference_outside_the_unit_interval_is_an_error(mean: float, deviation: float) -> None:
    with pytest.raises(ValueError, match="not one of values from 0 to 1"):
        settings_for("page_hinkley", 1e-5, mean, deviation)


def test_the_normal_tail_falls_faster_than_ddms_formula() -> None:
    """Its multiplier is extrapolated over 6: from there on the normal tail must lie below it."""
    for low, high in ((6.0, 7.0), (8.0, 9.0)):
        assert norm.sf(high) / norm.sf(low) < math.exp(-2.2)
