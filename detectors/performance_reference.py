"""What a model's performance was when it was trained, and what it is counted on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from detectors.calibration import Calibration
from detectors.labelled import Labelled
from detectors.loss_model import LossModel
from detectors.outputs import Outputs
from detectors.performance_layout import PerformanceLayout
from detectors.scored import Scored

ENOUGH_WINDOWS = 5  # fewer say nothing about how windows differ


class ReferenceMetric(msgspec.Struct, frozen=True):
    """A metric of the whole reference, and of its windows.

    ``window_mean`` and ``window_deviation`` are the mean and the standard deviation (over n,
    not n - 1) between the ``windows`` windows, ``window_variance`` the mean of their sampling
    variances; all are 0 where there are no windows.
    """

    value: float
    standard_error: float
    windows: int = 0
    window_mean: float = 0.0
    window_deviation: float = 0.0
    window_variance: float = 0.0

    @property
    def design_effect(self) -> float:
        """How many times the sampling variance windows differ by, at least 1; 1 when they are too few."""
        if self.windows < ENOUGH_WINDOWS or self.window_variance <= 0.0:
            return 1.0
        between = self.window_deviation**2 * self.windows / (self.windows - 1)
        return max(1.0, between / self.window_variance)


@dataclass(frozen=True, slots=True)
class PerformanceReference:
    """What performance is counted on and compared with.

    ``rows`` are the rows it was built from, ``labelled`` and ``scored`` their sums, ``metrics``
    the realised metrics by name, ``loss_model`` what estimates a regression's
    performance (None in a classification, or where there are no features).
    """

    layout: PerformanceLayout
    labelled: Labelled
    scored: Scored
    metrics: Mapping[str, ReferenceMetric]
    loss_model: LossModel | None = None

    @property
    def outputs(self) -> Outputs:
        return self.layout.outputs

    @property
    def calibration(self) -> Calibration:
        return self.layout.calibration

    @property
    def rows(self) -> int:
        return self.scored.rows

    def fingerprint(self) -> str:
        """A text that changes whenever the outputs, the rows or the windows do; the same on every machine.

        Made of whole numbers and of the rows' own values, not of fitted curves, whose last bits may differ.
        """
        digest = hashlib.blake2b(digest_size=16)
        outputs = self.outputs
        facts = (
            (
                str(outputs.task),
                outputs.classes,
                outputs.prediction,
                outputs.scores,
                outputs.label,
                outputs.threshold,
            ),
            (self.scored.rows, self.scored.unusable, self.labelled.rows, self.labelled.unusable),
            {name: metric.windows for name, metric in sorted(self.metrics.items())},
            [str(number) for number in self.labelled.moments],
        )
        digest.update(msgspec.json.encode(facts))
        for points in self.layout.points:
            digest.update(points.astype("<f8").tobytes())
        for counts in (self.labelled.confusion, self.labelled.cells, self.labelled.label_cells):
            digest.update(np.ascontiguousarray(counts).astype("<i8").tobytes())
        return digest.hexdigest()
