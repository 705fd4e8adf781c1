"""Sequential detectors, configured by how many false alarms they may raise."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from river import drift
from scipy.optimize import brentq

RAREST, MOST = 1e-15, 1.0  # false alarms per row that can be asked for: from this one, below that one
LEAST_MEAN = 0.001  # references that hold fewer errors are taken to have as many
TUNED_TO = 0.2  # the change, in standard deviations, that Page-Hinkley finds fastest


class Kind(StrEnum):
    """The sequential detectors, by the names that a config uses."""

    ADWIN = "adwin"
    DDM = "ddm"
    HDDM_A = "hddm_a"
    HDDM_W = "hddm_w"
    PAGE_HINKLEY = "page_hinkley"
    KSWIN = "kswin"


_CLASSES = {
    Kind.ADWIN: drift.ADWIN,
    Kind.DDM: drift.binary.DDM,
    Kind.HDDM_A: drift.binary.HDDMA,
    Kind.HDDM_W: drift.binary.HDDMW,
    Kind.PAGE_HINKLEY: drift.PageHinkley,
    Kind.KSWIN: drift.KSWIN,
}

Parameters = tuple[tuple[str, int | float | bool | str], ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """A detector and the parameters that river's class is given; its others are river's defaults."""

    kind: Kind
    parameters: Parameters

    def __str__(self) -> str:
        return f"{self.kind} ({', '.join(_told(name, value) for name, value in self.parameters)})"

    def new_detector(self) -> Any:
        """River's detector, before its first row."""
        return _CLASSES[self.kind](**dict(self.parameters))

    def is_of(self, detector: object) -> bool:
        """Whether this is a detector of the kind and with the parameters named here."""
        return type(detector) is _CLASSES[self.kind] and all(
            getattr(detector, name) == value for name, value in self.parameters
        )


def _told(name: str, value: float | bool | str) -> str:
    return f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"


def kind_of(name: str) -> Kind:
    """The detector of this name.

    Raises
    ------
    ValueError
        If there is none, and for EDDM, which is not offered.
    """
    if name == "eddm":
        raise ValueError(
            'the detector "eddm" is not offered: on rows without any change it raises '
            'about 18 false alarms per 10,000 rows; use "adwin"'
        )
    try:
        return Kind(name)
    except ValueError:
        near = difflib.get_close_matches(name, list(Kind), 1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(Kind)}"
        raise ValueError(f'there is no sequential detector "{name}": {hint}') from None


def settings_for(kind: str, false_alarms_per_row: float, mean: float, standard_deviation: float) -> Settings:
    """The settings with at most the wanted rate of false alarms, on independent values in [0, 1].

    The promise: over n rows without a change at most ``n * false_alarms_per_row``
    false alarms are expected, for n of some thousands or more. Rows that
    depend on each other (as prices of neighbouring hours) raise more. ``mean`` and
    ``standard_deviation`` are those of the reference; only ``ddm`` uses the mean alone and
    ``page_hinkley`` both. How each rate becomes a parameter stands at the function of each kind.

    Raises
    ------
    ValueError
        If the kind is not offered or a number is out of its range.
    """
    chosen = kind_of(kind)
    if not RAREST <= false_alarms_per_row < MOST:
        raise ValueError(
            f"{false_alarms_per_row} false alarms per row cannot be asked for: give at least {RAREST} "
            f"and less than {MOST:g}"
        )
    if not (0.0 <= mean <= 1.0 and 0.0 <= standard_deviation <= 1.0):
        raise ValueError(
            f"a reference with mean {mean} and standard deviation {standard_deviation} is not one of values "
            f'from 0 to 1, which the detector "{chosen}" watches: scale the values first'
        )
    least = LEAST_MEAN
    mean = min(max(mean, least), 1.0 - least)
    deviation = max(standard_deviation, math.sqrt(least * (1.0 - least)))
    parameters: dict[Kind, Any] = {
        Kind.ADWIN: lambda: _adwin(false_alarms_per_row),
        Kind.DDM: lambda: _ddm(false_alarms_per_row, mean),
        Kind.HDDM_A: lambda: _hddm_a(false_alarms_per_row),
        Kind.HDDM_W: lambda: _hddm_w(false_alarms_per_row),
        Kind.PAGE_HINKLEY: lambda: _page_hinkley(false_alarms_per_row, mean, deviation),
        Kind.KSWIN: lambda: _kswin(false_alarms_per_row),
    }
    return Settings(chosen, parameters[chosen]())


def _adwin(rate: float) -> Parameters:
    """Delta from a measured rate: at most ``2e-4 * delta`` false alarms per row.

    A test is made every 32 rows, each with a false-alarm probability of at most
    delta [1]_ (theorem 3.1), so by the union bound there are at most delta / 32 per
    row. That is far off: measured on 1e7 to 1e8 rows, in streams of 400,000, were,
    in units of delta per row,

    ====== ========= ========= ========= =========
    delta  coin .5   coin .2   coin .05  uniform
    ====== ========= ========= ========= =========
    0.05   1.4e-4    1.2e-4    0.8e-4    0.4e-4
    0.01   1.2e-4    1.0e-4    0.5e-4    0.7e-4
    0.001  0.6e-4    0.2e-4
    ====== ========= ========= ========= =========

    They do not grow as delta falls, so 2e-4 is an upper bound for smaller deltas
    too; above 0.05 it is not, so delta goes no higher.

    References
    ----------
    .. [1] Bifet, A. and Gavalda, R. (2007), Learning from time-changing data
       with adaptive windowing, SIAM International Conference on Data Mining.
    """
    return (("clock", 32), ("delta", min(0.05, rate / 2e-4)))


def _ddm(rate: float, mean: float) -> Parameters:
    """The multiplier k of the standard deviation, and a warm-up in which 30 errors are expected.

    With fewer errors the smallest rate seen is a matter of luck, and 0 errors make
    every later one an alarm. In a stationary stream the rate's error shrinks like
    its own standard deviation, so alarms come per doubling of the rows: their
    largest number per row, over all lengths of streams, is ``g(k) / warm-up``. Measured on
    5e8 to 4e9 rows at error rates of .2, .05, .02 and .01, the largest g at
    k = 2.5, 3, 3.5, 4, 4.5, 5, 5.5 and 6 were .071, .022, .0069, .0022, .00074, .00025,
    .00007 and .00004: at most ``.08 exp(-2.2 (k - 2.5))``, which is solved for k.
    """
    warm_up = math.ceil(30.0 / mean)
    multiplier = max(3.0, 2.5 + math.log(0.08 / (rate * warm_up)) / 2.2)
    return (("drift_threshold", multiplier), ("warm_start", warm_up))


def _hddm_a(rate: float) -> Parameters:
    """The confidence c from a measured rate: at most ``0.1 c`` false alarms per row, both sides together.

    Two tests a row would allow 2 c by the union bound. Hoeffding's bound knows no
    variance and is tightest on fair coins. There, on 1e8 to 1e9 rows, the largest
    rates over all lengths of streams were .093 c, .086 c and .081 c at c = 1e-3, 1e-4
    and 1e-5, and .12 c at 1e-2: c stays at most 1e-3. On coins of .2 they were a
    quarter of that, on coins of .05 below a twentieth.
    """
    return (("drift_confidence", min(1e-3, rate / 0.1)), ("two_sided_test", True))


# False alarms per row on fair coins by confidence, both sides, lambda .01, 3e8 rows each, rounded up by
# three standard errors; the last row is extrapolated with less than the last measured slope.
_HDDM_W_CONFIDENCES = (1e-19, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
_HDDM_W_RATES = (9e-16, 9e-8, 4.6e-7, 2.5e-6, 1.05e-5, 3.4e-5, 1.02e-4, 2.8e-4, 7.1e-4)


def _hddm_w(rate: float) -> Parameters:
    """The confidence from a table of measured rates.

    The bound of each test does not hold for the sequence, because the first of the
    two compared averages is the lowest (highest) so far: on fair coins a confidence of 1e-6
    gave 1e-5 false alarms per row. The weight of the newest row is .01 instead of
    river's .05, with which no confidence gives both few false alarms and a
    chance to see a rate of .2 rise to .4. Coins of .2 and .05 raise far fewer.
    """
    confidence = np.exp(np.interp(math.log(rate), np.log(_HDDM_W_RATES), np.log(_HDDM_W_CONFIDENCES)))
    return (("drift_confidence", float(confidence)), ("lambda_val", 0.01), ("two_sided_test", True))


def _kswin(rate: float) -> Parameters:
    """Alpha of each row's test is the wanted rate: the union bound.

    It is too careful: on 80,000 uniform values alpha 0.001 gave a sixth of it, on
    as many coins of .2 no alarm. The newest 300 rows are compared with 300 drawn from the 700
    before, with a fixed seed.
    """
    return (("alpha", rate), ("seed", 0), ("stat_size", 300), ("window_size", 1000))


def _page_hinkley(rate: float, mean: float, deviation: float) -> Parameters:
    """The threshold whose two sides together have a mean time between false alarms of 1 / rate.

    Page's sums lose delta, half of the change they are tuned to (`TUNED_TO`
    standard deviations); changes smaller than delta may never be found.
    Siegmund's approximation [1]_ (chapter 2) of one side's mean time is, with the
    root w of ``E exp(w (x - mean - delta)) = 1`` and the threshold h,
    ``(exp(w h) - 1 - w h) / (w delta)``. Its correction for the overshoot is left
    out, which errs towards fewer alarms, and w is not that of the normal
    distribution but the smallest that values in [0, 1] with this mean and deviation can
    have (Bennett's two-point distribution: coins are it), because rare errors
    are skewed. Measured: .6 to .85 of the wanted rate on coins, .4 to .65 on uniform
    values. The sums do not fade.

    References
    ----------
    .. [1] Siegmund, D. (1985), Sequential Analysis, Springer.
    """
    delta = TUNED_TO / 2.0 * deviation
    roots = [w for reach in (1.0 - mean, mean) if (w := _root(reach, deviation, delta)) is not None]

    def excess(log_threshold: float) -> float:
        heights = np.array(roots) * math.exp(log_threshold)
        logs = np.log(np.array(roots) * delta) - heights - np.log1p(-(1.0 + heights) * np.exp(-heights))
        return float(np.logaddexp.reduce(logs)) - math.log(rate)

    threshold = math.exp(brentq(excess, math.log(1e-4 * deviation), math.log(1e5)))
    return (("alpha", 1.0), ("delta", delta), ("mode", "both"), ("threshold", threshold))


def _root(reach: float, deviation: float, delta: float) -> float | None:
    """The w > 0 with ``E exp(w (x - delta)) = 1`` for the two-point x of mean 0 that is at most ``reach``.

    None if no value gets over delta: then this side cannot alarm.
    """
    if reach <= delta:
        return None
    variance = deviation * deviation
    share = variance / (variance + reach * reach)
    up, down = reach - delta, -variance / reach - delta

    def log_mean(w: float) -> float:
        return float(np.logaddexp(math.log(share) + w * up, math.log1p(-share) + w * down))

    high = delta / variance  # half of the normal distribution's root
    while log_mean(high) <= 0.0:
        high *= 2.0
    low = high
    while log_mean(low) >= 0.0:
        low /= 2.0
    return float(brentq(log_mean, low, high))
