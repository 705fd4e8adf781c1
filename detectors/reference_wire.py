"""The stored form of a reference."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any, Self

import msgspec
import numpy as np

from detectors.clustering import RowsPerWindow
from detectors.dictionary import Dictionary, Feature
from detectors.grid import CategoricalGrid, Grid, NumericGrid
from detectors.pairs_wire import decode_pairing, encode_pairing
from detectors.performance import decode as decode_performance
from detectors.performance import encode as encode_performance
from detectors.profile import decode_parts, encode_parts
from detectors.reconstruction_wire import decode_reconstruction, encode_reconstruction
from detectors.reference import FixedLayout, Reference
from detectors.season import Hours, Season
from detectors.seasonal import Seasonal

VERSION = 1


class _Seasonal(msgspec.Struct, frozen=True):
    """What the hours of a cycle look like, as it is written."""

    hours: Hours
    zone: str
    hour_parts: tuple[int, ...]
    rows: tuple[int, ...]
    counts: dict[str, tuple[bytes, ...]]
    effects: dict[str, tuple[float, ...]]

    @classmethod
    def of(cls, known: Seasonal) -> Self:
        season = known.season
        counts, effects = dict(known.packed), dict(known.effects)
        return cls(season.hours, season.zone, season.parts, known.rows, counts, effects)

    def read(self) -> Seasonal:
        season = Season(self.hours, self.zone, self.hour_parts)
        return Seasonal(season, self.rows, self.counts, self.effects)


class _Stored(msgspec.Struct, frozen=True):
    """A reference as it is written: everything but the grids and counts is plain."""

    id: str
    model: str
    version: str
    rows: int
    source: str
    content_hash: str
    built_at: datetime
    features: tuple[Feature, ...]
    grids: dict[str, tuple[Any, ...]]
    parts: dict[str, bytes]
    rows_per_window: RowsPerWindow | None
    design_effect: dict[str, float]
    absence_effect: dict[str, float]
    performance: bytes = b""  # empty: it is not known, or was not when the reference was stored
    warm_up: bytes = b""
    segments: dict[str, tuple[str, ...]] = {}
    longer_effects: dict[str, tuple[float, ...]] = {}  # msgspec copies it
    pairing: bytes = b""
    seasonal: _Seasonal | None = None
    reconstruction: bytes = b""


def encode(reference: Reference) -> bytes:
    """The wire form: versioned, exact."""
    stored = _Stored(
        id=reference.id,
        model=reference.model,
        version=reference.version,
        rows=reference.rows,
        source=reference.source,
        content_hash=reference.content_hash,
        built_at=reference.built_at,
        features=tuple(reference.dictionary.features.values()),
        grids={name: _packed(grid) for name, grid in reference.grids.items()},
        parts=encode_parts(reference.profile),
        rows_per_window=reference.rows_per_window,
        design_effect=dict(reference.design_effect),
        absence_effect=dict(reference.absence_effect),
        performance=b"" if reference.performance is None else encode_performance(reference.performance),
        warm_up=reference.warm_up,
        segments=dict(reference.segments),
        longer_effects=dict(reference.longer_effects),
        pairing=b"" if reference.pairing is None else encode_pairing(reference.pairing),
        seasonal=None if reference.seasonal is None else _Seasonal.of(reference.seasonal),
        reconstruction=b""
        if reference.reconstruction is None
        else encode_reconstruction(reference.reconstruction),
    )
    return msgspec.msgpack.encode((VERSION, stored))


def decode(data: bytes) -> Reference:
    """Read the wire form.

    Raises
    ------
    ValueError
        If it was written by another version, or is damaged.
    """
    try:
        version, body = msgspec.msgpack.decode(data, type=tuple[int, msgspec.Raw])
    except msgspec.DecodeError as error:
        raise ValueError(f"a stored reference of {len(data)} bytes is damaged: {error}") from error
    if version != VERSION:
        raise ValueError(
            f"a reference is stored in version {version}, this driftd reads version {VERSION}: "
            "build it again with `driftd reference build`"
        )
    stored = msgspec.msgpack.decode(body, type=_Stored)
    grids = {name: _unpacked(packed) for name, packed in stored.grids.items()}
    dictionary = Dictionary({feature.name: feature for feature in stored.features})
    performance = decode_performance(stored.performance) if stored.performance else None
    pairing = decode_pairing(stored.pairing) if stored.pairing else None
    told = decode_reconstruction(stored.reconstruction) if stored.reconstruction else None
    seasonal = None if stored.seasonal is None else stored.seasonal.read()
    season = None if seasonal is None else seasonal.season
    layout = FixedLayout(dictionary, grids, performance, stored.segments, pairing, told, season)
    return _reference(stored, layout, seasonal)


def _reference(stored: _Stored, layout: FixedLayout, seasonal: Seasonal | None) -> Reference:
    return Reference(
        id=stored.id,
        model=stored.model,
        version=stored.version,
        rows=stored.rows,
        source=stored.source,
        content_hash=stored.content_hash,
        built_at=stored.built_at,
        dictionary=layout.dictionary,
        grids=layout.grids,
        profile=decode_parts(stored.parts, layout),
        rows_per_window=stored.rows_per_window,
        design_effect=stored.design_effect,
        absence_effect=stored.absence_effect,
        performance=layout.performance,
        warm_up=stored.warm_up,
        segments=layout.segments,
        longer_effects=stored.longer_effects,
        pairing=layout.pairing,
        reconstruction=layout.reconstruction,
        seasonal=seasonal,
    )


def _packed(grid: Grid) -> tuple[Any, ...]:
    if isinstance(grid, NumericGrid):
        return ("numeric", zlib.compress(grid.points.astype("<f8").tobytes(), 1), grid.bound)
    return ("categorical", grid.categories, grid.is_open)


def _unpacked(packed: tuple[Any, ...]) -> Grid:
    kind, first, second = packed
    if kind == "numeric":
        return NumericGrid(np.frombuffer(zlib.decompress(first), "<f8").astype(np.float64), second)
    return CategoricalGrid(tuple(first), second)
