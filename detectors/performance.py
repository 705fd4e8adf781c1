"""The public door to performance: what is built from the reference, counted in windows, and measured."""

from __future__ import annotations

from detectors.labelled import Labelled, summarise_labelled
from detectors.losses import LossSample, loss_sample
from detectors.metrics import Measured
from detectors.outputs import OutputRows, Outputs, Task, label_values, output_rows
from detectors.performance_build import build_performance
from detectors.performance_infer import infer_outputs
from detectors.performance_metrics import estimated, realised
from detectors.performance_reference import PerformanceReference, ReferenceMetric
from detectors.performance_residual import Residual, residuals
from detectors.performance_verdict import Judged, judge_performance
from detectors.performance_wire import decode, encode
from detectors.scored import Scored, summarise_scored

__all__ = [
    "Judged",
    "Labelled",
    "LossSample",
    "Measured",
    "OutputRows",
    "Outputs",
    "PerformanceReference",
    "ReferenceMetric",
    "Residual",
    "Scored",
    "Task",
    "build_performance",
    "decode",
    "encode",
    "estimated",
    "infer_outputs",
    "judge_performance",
    "label_values",
    "loss_sample",
    "output_rows",
    "realised",
    "residuals",
    "summarise_labelled",
    "summarise_scored",
]
