"""A regression's errors without labels: direct loss estimation (DLE) from the counts of a window."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.columns import Columns
from detectors.counts import Counts
from detectors.grid import Grid
from detectors.loss_model_bins import Binning, bin_of_rows, binnings, bins_of_counts
from detectors.metrics import Measured, of_variance

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Places = NDArray[np.intp]

MAX_FEATURES = 32  # those whose bins differ most in the absolute error
PENALTY = 10.0  # rows without effect that each bin is mixed with


class Effect(msgspec.Struct, frozen=True):
    """What each bin of a feature adds to the mean absolute and squared error, and its reference rows."""

    binning: Binning
    absolute: tuple[float, ...]
    squared: tuple[float, ...]
    rows: tuple[int, ...]


class LossModel(msgspec.Struct, frozen=True):
    """An additive piecewise-constant model of the absolute and of the squared error [1]_.

    Each feature (and the prediction) is cut into bins, and each bin adds its effect: ridge
    regression on the bins' indicators. Because it is additive, the mean error of a window
    follows from how many rows fall into each bin of each feature, which a window's counts
    say; how features go together in a row is not needed, and a change in only that is not
    seen. Like every estimate without labels it assumes that the errors at given features
    have not changed. Errors are in units of ``unit``; ``residual`` and ``squared_residual``
    are the variances that the features leave of the absolute and of the squared error.

    References
    ----------
    .. [1] NannyML's documentation, Direct loss estimation: any model of the loss, trained on the
       reference; here an additive one.
    """

    unit: float
    rows: int
    mean_absolute: float
    mean_squared: float
    residual: float
    squared_residual: float
    effects: tuple[Effect, ...]


def fit_loss_model(
    errors: FloatArray, columns: Columns, grids: Mapping[str, Grid], unit: float
) -> LossModel | None:
    """The model of the reference's errors, NaN where there is no label; None where no feature can be used."""
    is_known = ~np.isnan(errors)
    scaled = errors[is_known] / unit
    if len(scaled) < 2:  # noqa: PLR2004
        return None
    targets = np.stack((np.abs(scaled), scaled**2))
    found = []
    for binning in binnings(grids, columns, is_known):
        place = bin_of_rows(binning, grids[binning.name], columns[binning.name].take(is_known))
        found.append((_explained(place, binning.size, targets[0]), binning, place))
    if not found:
        return None
    strongest = sorted(found, key=lambda one: (-one[0], one[1].name))[:MAX_FEATURES]
    chosen = [binning for _, binning, _ in strongest]
    places = [place for _, _, place in strongest]
    means = targets.mean(axis=1)
    weights = _solve(places, [binning.size for binning in chosen], targets - means[:, None])
    return _model(unit, targets, means, chosen, places, weights)


def _explained(place: Places, size: int, target: FloatArray) -> float:
    """The sum of squares between the bins of one feature, each shrunk by the penalty."""
    rows = np.bincount(place, minlength=size)
    sums = np.bincount(place, target - target.mean(), size)
    return float((sums**2 / (rows + PENALTY)).sum())


def _solve(places: Sequence[Places], sizes: Sequence[int], targets: FloatArray) -> FloatArray:
    """The bins' effects, one row per target: the normal equations are counts of rows by pairs of bins."""
    starts = np.cumsum([0, *sizes])
    gram = np.zeros((starts[-1], starts[-1]))
    right = np.zeros((starts[-1], len(targets)))
    for one, (place, size) in enumerate(zip(places, sizes, strict=True)):
        mine = slice(starts[one], starts[one + 1])
        for column, target in enumerate(targets):
            right[mine, column] = np.bincount(place, target, size)
        for other in range(one + 1):
            theirs = slice(starts[other], starts[other + 1])
            joint = np.bincount(place * sizes[other] + places[other], minlength=size * sizes[other])
            gram[mine, theirs] = joint.reshape(size, sizes[other])
            gram[theirs, mine] = gram[mine, theirs].T
    gram[np.diag_indices_from(gram)] += PENALTY
    solved: FloatArray = np.linalg.solve(gram, right).T
    return solved


def _model(
    unit: float,
    targets: FloatArray,
    means: FloatArray,
    chosen: Sequence[Binning],
    places: Sequence[Places],
    weights: FloatArray,
) -> LossModel:
    fitted = np.repeat(means[:, None], targets.shape[1], axis=1)
    effects, start = [], 0
    for binning, place in zip(chosen, places, strict=True):
        mine = weights[:, start : start + binning.size]
        start += binning.size
        rows = np.bincount(place, minlength=binning.size)
        centred = (
            mine - (mine @ rows / len(place))[:, None]
        )  # the reference's own rows add nothing on average
        fitted += centred[:, place]
        absolute, squared = (tuple(part.tolist()) for part in centred)
        effects.append(Effect(binning, absolute, squared, tuple(rows.tolist())))
    residual = ((targets - fitted) ** 2).mean(axis=1)
    return LossModel(
        unit,
        targets.shape[1],
        float(means[0]),
        float(means[1]),
        float(residual[0]),
        float(residual[1]),
        tuple(effects),
    )


def estimated_losses(model: LossModel, counts: Mapping[str, Counts], rows: int) -> Iterator[Measured]:
    """The mean absolute and root mean square error to expect in a window of so many rows, from its counts.

    A feature that ``counts`` lacks, or that has no rows there, counts as unchanged. The
    intervals hold the scatter of single errors in a window of so many rows and the error of
    each bin's mean; nothing for what an additive model cannot fit.
    """
    if rows < 2:  # noqa: PLR2004
        return
    absolute, squared, doubt = model.mean_absolute, model.mean_squared, 1.0 / model.rows
    for effect in model.effects:
        found = counts.get(effect.binning.name)
        if found is None or not found.rows:
            continue
        shares = bins_of_counts(effect.binning, found) / found.rows
        absolute += float(shares @ np.array(effect.absolute))
        squared += float(shares @ np.array(effect.squared))
        reference = np.array(effect.rows)
        doubt += float(((shares - reference / model.rows) ** 2 / (reference + PENALTY)).sum())
    yield from _measured(model, absolute, squared, doubt, rows)


def _measured(
    model: LossModel, absolute: float, squared: float, doubt: float, rows: int
) -> Iterator[Measured]:
    note = "" if absolute > 0.0 and squared > 0.0 else "far outside the reference: the estimate fell below 0"
    absolute, squared = max(0.0, absolute), max(0.0, squared)
    variance = max(model.residual, squared - absolute**2) / rows + model.residual * doubt
    yield _in_units(of_variance("mae", absolute, variance, rows, least=0.0), model.unit, note)
    growth = squared / model.mean_squared if model.mean_squared else 1.0
    variance = model.squared_residual * max(1.0, growth**2) * (1.0 / rows + doubt)
    root = math.sqrt(squared)
    of_root = variance / (4.0 * squared) if squared > 0.0 else math.sqrt(variance)
    yield _in_units(of_variance("rmse", root, of_root, rows, least=0.0), model.unit, note)


def _in_units(measured: Measured, unit: float, note: str) -> Measured:
    return replace(
        measured,
        value=measured.value * unit,
        low=measured.low * unit,
        high=measured.high * unit,
        standard_error=measured.standard_error * unit,
        note=note,
    )
