"""Streams without drift, or with one shift: 25 features, independent, autocorrelated or with a daily cycle.

Numeric features only have ranks that matter, so one distribution stands for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from detectors.columns import Column
from detectors.dictionary import Dictionary, Feature, Kind
from detectors.reference import Reference, build

HOUR_MS = 3_600_000
BUILT_AT = datetime(2026, 1, 1, tzinfo=UTC)
CATEGORIES = np.array(["a", "b", "c", "d", "e"], object)
LIMITS = np.array([-0.25, 0.5, 1.1, 1.5])  # of a normal value: from about two fifths to one in fifteen

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class World:
    """How rows are related. ``cycle`` is a daily one's amplitude, ``wander`` the spread of windows' means."""

    name: str
    numeric: int = 20
    categorical: int = 5
    reference_windows: int = 10
    rows: int = 1_000
    windows: int = 500
    per_row: float = 0.0
    cycle: float = 0.0
    wander: float = 0.0
    grid_size: int = 256

    @property
    def is_independent(self) -> bool:
        """Whether rows have nothing in common."""
        return not (self.per_row or self.cycle or self.wander)

    @property
    def features(self) -> int:
        """How many there are."""
        return self.numeric + self.categorical


def values(world: World, windows: int, first_hour: int, phase: float, rng: np.random.Generator) -> Floats:
    """Normal values of one feature, one row for each window; ``phase`` is the cycle's."""
    found = rng.normal(size=windows * world.rows)
    if world.per_row:
        found *= np.sqrt(1.0 - world.per_row**2)
        found[0] /= np.sqrt(1.0 - world.per_row**2)
        found = lfilter([1.0], [1.0, -world.per_row], found)
    hours = first_hour + np.arange(windows)
    means = world.cycle * np.sin(2.0 * np.pi * hours / 24.0 + phase)
    if world.wander:
        steps = rng.normal(size=windows + 50) * np.sqrt(1.0 - 0.6**2)
        means = means + world.wander * lfilter([1.0], [1.0, -0.6], steps)[50:]
    rows: Floats = found.reshape(windows, world.rows) + means[:, None]
    return rows


def column(of: Floats, *, is_numeric: bool) -> Column:
    """Values as they would be logged: as they are, or cut into categories."""
    flat = of.ravel()
    return Column(flat) if is_numeric else Column(CATEGORIES[LIMITS.searchsorted(flat)])


def names(world: World) -> Mapping[str, bool]:
    """The features, and whether they are numeric."""
    return {f"f{at:02}": at < world.numeric for at in range(world.features)}


def reference(world: World, phases: Floats, rng: np.random.Generator) -> Reference:
    """A reference of the hours before the stream begins, built as `driftd reference build` does."""
    known = names(world)
    columns = {
        name: column(values(world, world.reference_windows, 0, phase, rng), is_numeric=is_numeric)
        for (name, is_numeric), phase in zip(known.items(), phases, strict=True)
    }
    features = {
        name: Feature(
            name, Kind.NUMERIC if is_numeric else Kind.CATEGORICAL, "float" if is_numeric else "str"
        )
        for name, is_numeric in known.items()
    }
    rows = world.reference_windows * world.rows
    return build(
        columns,
        Dictionary(features),
        model="m",
        version="",
        source="bench",
        built_at=BUILT_AT,
        grid_size=world.grid_size,
        times_ms=np.arange(rows) * HOUR_MS // world.rows,
        window_ms=HOUR_MS,
    )
