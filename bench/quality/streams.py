"""Seeded streams: a reference and the windows after it, as one table of numbers each."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import log_ndtr, ndtr

from bench.quality.cases import (
    AMPLITUDE,
    AUTOCORRELATION,
    CATEGORICAL,
    FEATURES,
    LOGNORMAL,
    NORMAL,
    NUMERIC,
    SHARES,
    TAIL_STRETCH,
    Case,
    Change,
    Dependence,
    in_turn,
)

SEED = 20
SIGMA = 0.5  # of the logarithm of a lognormal feature

Floats = NDArray[np.float64]
Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stream:
    """``reference`` has a row for each row, ``windows`` a table for each window; columns are `FEATURES`.

    A categorical value is the number of its category. ``moved`` are the features that change.
    """

    reference: Table
    windows: NDArray[np.float32]
    moved: tuple[str, ...]


def moved_features(case: Case, number: int) -> tuple[str, ...]:
    """Name what changes in a stream: another feature in each."""
    match case.change:
        case Change.NOTHING:
            return ()
        case Change.CATEGORY:
            return (CATEGORICAL[number % len(CATEGORICAL)],)
        case Change.CORRELATION:
            return (NORMAL[number % len(NORMAL)], NORMAL[(number + 1) % len(NORMAL)])
        case Change.ALL_MEANS:
            return NUMERIC
        case _:
            return (NORMAL[number % len(NORMAL)],)


def draw(case: Case, number: int) -> Stream:
    """Draw one stream; the same case, with however many streams, gives the same each time."""
    rng = np.random.default_rng([SEED, zlib.crc32(case.name.encode()), number])
    moved = moved_features(case, number)
    rows = case.reference_rows + case.windows * case.rows
    latent = _latent(rng, rows, case)
    columns = [FEATURES.index(name) for name in moved]
    change_at = case.reference_rows + case.before * case.rows
    if case.change is Change.CORRELATION:
        one, other = columns
        latent[change_at:, other] = _correlated(latent[change_at:, one], latent[change_at:, other], case.size)
    values = _values(latent)
    for column in columns:
        values[change_at:, column] = _changed(rng, values[change_at:, column], case, column)
    table = values.astype(np.float32)
    windows = table[case.reference_rows :].reshape(case.windows, case.rows, len(FEATURES))
    return Stream(table[: case.reference_rows], windows, moved)


def _latent(rng: np.random.Generator, rows: int, case: Case) -> Floats:
    """Draw standard normal columns, neighbours in time as much alike as the case says."""
    noise: Floats = rng.standard_normal((rows, len(FEATURES)))
    if case.dependence is Dependence.AUTOCORRELATED:
        noise[1:] *= np.sqrt(1.0 - AUTOCORRELATION**2)
        smooth: Floats = lfilter([1.0], [1.0, -AUTOCORRELATION], noise, axis=0)
        return smooth
    if case.dependence is Dependence.CYCLE:
        days = np.arange(rows) / case.rows * case.hours / 24.0
        return noise + AMPLITUDE * np.sin(2.0 * np.pi * days)[:, None]
    return noise


def _values(latent: Floats) -> Floats:
    """Give each column its distribution."""
    values = latent.copy()
    first, last = len(NORMAL), len(NUMERIC) - len(LOGNORMAL)
    values[:, first:last] = -log_ndtr(-latent[:, first:last])
    values[:, last : len(NUMERIC)] = np.exp(SIGMA * latent[:, last : len(NUMERIC)])
    limits = np.cumsum(SHARES)[:-1]
    values[:, len(NUMERIC) :] = np.searchsorted(limits, ndtr(latent[:, len(NUMERIC) :]), side="right")
    return values


def _correlated(one: Floats, other: Floats, correlation: float) -> Floats:
    """Give the second column this correlation with the first, and leave its distribution alone."""
    mixed: Floats = correlation * one + np.sqrt(1.0 - correlation**2) * other
    return mixed


def _changed(rng: np.random.Generator, values: Floats, case: Case, column: int) -> Floats:
    match case.change:
        case Change.MEAN | Change.ALL_MEANS:
            return values + case.size * _deviation(column)
        case Change.SPREAD:
            return values * case.size
        case Change.TAIL:
            return np.where(rng.random(len(values)) < case.size, values * TAIL_STRETCH, values)
        case Change.CATEGORY:
            is_first = values == 0.0
            goes = rng.random(len(values)) < case.size / SHARES[0]
            return np.where(is_first & goes, float(len(SHARES) - 1), values)
        case Change.RAMP:
            window = np.arange(len(values)) // case.rows
            return values + case.size * (window + 1) / case.after
        case _:
            return values


def _deviation(column: int) -> float:
    """The standard deviation of a column's distribution."""
    if FEATURES[column] in LOGNORMAL:
        return float(np.exp(SIGMA**2 / 2.0) * np.sqrt(np.expm1(SIGMA**2)))
    return 1.0


def write(cases: Sequence[Case], folder: Path) -> None:
    """Draw all streams, and write them with a list of what they are, for programs in other environments."""
    listed = []
    for case, number in in_turn(cases):
        stream = draw(case, number)
        name = f"{case.name}_{number:03d}"
        np.save(folder / f"{name}_reference.npy", stream.reference)
        np.save(folder / f"{name}_windows.npy", stream.windows)
        checksum = zlib.crc32(stream.windows.data, zlib.crc32(stream.reference.data))
        facts = {"case": case.name, "number": number, "moved": stream.moved, "before": case.before}
        listed.append(
            facts | {"name": name, "rows": case.rows, "hours": case.hours, "checksum": f"{checksum:08x}"}
        )
    facts = {"features": FEATURES, "categorical": CATEGORICAL, "streams": listed}
    (folder / "streams.json").write_text(json.dumps(facts))
