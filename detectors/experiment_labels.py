"""What labels say of an experiment's variants: the moments of each measure, by variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.experiment_sums import Codes
from detectors.metrics_probability import realised_losses
from detectors.moments import Moments
from detectors.outputs import OutputRows, Outputs, Task
from detectors.performance_errors import errors_of

Floats = NDArray[np.float64]
Measures = Mapping[str, tuple[Moments, ...]]
HIGHER_IS_BETTER: Mapping[str, bool] = {
    "accuracy": True, "brier": False, "log_loss": False, "mae": False, "mse": False,
}  # fmt: skip
"""The measures of performance that are means over rows, and which way is better."""
_METRIC = ":metric"


@dataclass(frozen=True, slots=True)
class LabelledArms:
    """Moments of each measure of performance and of the metric, by variant: a commutative group."""

    performance: Measures
    metric: tuple[Moments, ...]

    @classmethod
    def of(
        cls, outputs: Outputs, rows: OutputRows, labels: Floats, codes: Codes, metric: Floats, variants: int
    ) -> Self:
        """Sum up one batch of rows; a row of no variant is in no sum."""
        measured = row_measures(outputs, rows, labels)
        return cls(
            {name: _by_variant(values, codes, variants) for name, values in measured.items()},
            _by_variant(metric, codes, variants),
        )

    def plus(self, other: Self, sign: int) -> Self:
        """The sums with those of a part, or (-1) without them."""
        return type(self)(
            {
                name: _plus(self.performance.get(name), other.performance.get(name), sign)
                for name in sorted({*self.performance, *other.performance})
            },
            _plus(self.metric, other.metric, sign),
        )


def row_measures(outputs: Outputs, rows: OutputRows, labels: Floats) -> dict[str, Floats]:
    """Each row's part of each measure; NaN where it has none."""
    is_usable = ~(np.isnan(labels) | np.isnan(rows.prediction))
    if outputs.task is Task.REGRESSION:
        errors = np.where(is_usable, errors_of(rows.prediction, labels), np.nan)
        return {"mae": np.abs(errors), "mse": np.square(np.clip(errors, -1e6, 1e6))}
    found = {"accuracy": np.where(is_usable, rows.prediction == labels, np.nan)}
    if outputs.scores:
        is_scored = is_usable & (labels < len(outputs.classes)) & ~np.isnan(rows.scores).any(axis=1)
        losses = np.full((2, len(labels)), np.nan)
        losses[:, is_scored] = realised_losses(rows.scores[is_scored], labels[is_scored].astype(np.intp))
        found |= {"log_loss": losses[0], "brier": losses[1]}
    return found


def _by_variant(values: Floats, codes: Codes, variants: int) -> tuple[Moments, ...]:
    return tuple(Moments.of(values[codes == code]) for code in range(1, variants + 1))


def _plus(
    mine: tuple[Moments, ...] | None, other: tuple[Moments, ...] | None, sign: int
) -> tuple[Moments, ...]:
    size = len(mine or other or ())
    nothing = (Moments(),) * size
    pairs = zip(mine or nothing, other or nothing, strict=True)
    return tuple(one.merge(two) if sign > 0 else one.minus(two) for one, two in pairs)


def encode(signature: str, arms: LabelledArms) -> bytes:
    """The wire form, with whose sums they are."""
    sums = {**arms.performance, _METRIC: arms.metric}
    packed = {
        name: [str(each) for one in of for each in (one.n, one.total, one.squares)]
        for name, of in sums.items()
    }
    return msgspec.msgpack.encode((signature, packed))


def decode(data: bytes, signature: str) -> LabelledArms | None:
    """Read the sums of this experiment; None where they are of another one, or of none."""
    if not data:
        return None
    stored, packed = msgspec.msgpack.decode(data, type=tuple[str, dict[str, list[str]]])
    if stored != signature:
        return None
    sums = {name: _moments([int(each) for each in numbers]) for name, numbers in packed.items()}
    metric = sums.pop(_METRIC)
    return LabelledArms(sums, metric)


def _moments(numbers: list[int]) -> tuple[Moments, ...]:
    return tuple(Moments(*numbers[at : at + 3]) for at in range(0, len(numbers), 3))
