"""The stored form of a performance reference."""

from __future__ import annotations

import zlib

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors import labelled as labelled_wire
from detectors import scored as scored_wire
from detectors.calibration import Calibration, Isotonic
from detectors.grid import NumericGrid
from detectors.loss_model import LossModel
from detectors.outputs import Outputs, Task
from detectors.performance_errors import ErrorScale
from detectors.performance_layout import PerformanceLayout
from detectors.performance_reference import PerformanceReference, ReferenceMetric

VERSION = 1
FloatArray = NDArray[np.float64]


class _Scale(msgspec.Struct, frozen=True):
    centre: float
    label_unit: float
    error_unit: float
    absolute: bytes
    signed: bytes


class _Stored(msgspec.Struct, frozen=True):
    task: Task
    classes: tuple[str, ...]
    prediction: str | None
    scores: tuple[str, ...]
    label: str
    threshold: float
    curves: tuple[tuple[bytes, bytes], ...]
    points: tuple[bytes, ...]
    group_edges: bytes
    errors: _Scale | None
    labelled: bytes
    scored: bytes
    metrics: dict[str, ReferenceMetric]
    loss_model: LossModel | None
    label_points: bytes = b""
    label_bound: float = 0.0


def encode(reference: PerformanceReference) -> bytes:
    """The wire form: versioned, exact."""
    layout, outputs = reference.layout, reference.outputs
    stored = _Stored(
        task=outputs.task,
        classes=outputs.classes,
        prediction=outputs.prediction,
        scores=outputs.scores,
        label=outputs.label,
        threshold=outputs.threshold,
        curves=tuple((_packed(curve.scores), _packed(curve.shares)) for curve in layout.calibration.curves),
        points=tuple(_packed(points) for points in layout.points),
        group_edges=_packed(layout.group_edges),
        errors=_packed_scale(layout.errors),
        labelled=labelled_wire.encode(reference.labelled),
        scored=scored_wire.encode(reference.scored),
        metrics=dict(reference.metrics),
        loss_model=reference.loss_model,
        label_points=b"" if layout.label_grid is None else _packed(layout.label_grid.points),
        label_bound=0.0 if layout.label_grid is None else layout.label_grid.bound,
    )
    return msgspec.msgpack.encode((VERSION, stored))


def decode(data: bytes) -> PerformanceReference:
    """Read the wire form.

    Raises
    ------
    ValueError
        If it was written by another version, or is damaged.
    """
    try:
        version, body = msgspec.msgpack.decode(data, type=tuple[int, msgspec.Raw])
        if version == VERSION:
            return _reference(msgspec.msgpack.decode(body, type=_Stored))
    except (msgspec.DecodeError, zlib.error) as error:
        raise ValueError(
            f"a stored performance reference of {len(data)} bytes is damaged: {error}"
        ) from error
    raise ValueError(
        f"a performance reference is stored in version {version}, this driftd reads version {VERSION}: "
        "build it again with `driftd reference build`"
    )


def _reference(stored: _Stored) -> PerformanceReference:
    outputs = Outputs(
        stored.task, stored.classes, stored.prediction, stored.scores, stored.label, stored.threshold
    )
    curves = tuple(Isotonic(_unpacked(scores), _unpacked(shares)) for scores, shares in stored.curves)
    layout = PerformanceLayout(
        outputs,
        Calibration(curves),
        tuple(_unpacked(points) for points in stored.points),
        _unpacked(stored.group_edges),
        _unpacked_scale(stored.errors),
        NumericGrid(_unpacked(stored.label_points), stored.label_bound) if stored.label_points else None,
    )
    return PerformanceReference(
        layout,
        labelled_wire.decode(stored.labelled, layout),
        scored_wire.decode(stored.scored, layout),
        stored.metrics,
        stored.loss_model,
    )


def _packed_scale(scale: ErrorScale | None) -> _Scale | None:
    if scale is None:
        return None
    units = (scale.centre, scale.label_unit, scale.error_unit)
    return _Scale(*units, _packed(scale.absolute), _packed(scale.signed))


def _unpacked_scale(stored: _Scale | None) -> ErrorScale | None:
    if stored is None:
        return None
    units = (stored.centre, stored.label_unit, stored.error_unit)
    return ErrorScale(*units, _unpacked(stored.absolute), _unpacked(stored.signed))


def _packed(values: FloatArray) -> bytes:
    return zlib.compress(values.astype("<f8").tobytes(), 1)


def _unpacked(data: bytes) -> FloatArray:
    return np.frombuffer(zlib.decompress(data), "<f8").astype(np.float64)
