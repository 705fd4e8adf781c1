"""[models.NAME.performance]: what the model predicts, and which of its metrics raise alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from msgspec import Meta, field

from monitor.config.section import Mistake, Place, Section, repeated

Task = Literal["binary", "multiclass", "regression"]
Metric = Literal[
    "accuracy",
    "roc_auc",
    "f1",
    "precision",
    "recall",
    "log_loss",
    "brier",
    "calibration_error",
    "f1_macro",
    "roc_auc_macro",
    "precision_macro",
    "recall_macro",
    "mae",
    "rmse",
    "r2",
    "bias",
]

METRICS: Mapping[str, tuple[Metric, ...]] = {
    "binary": ("accuracy", "roc_auc", "f1", "precision", "recall", "log_loss", "brier", "calibration_error"),
    "multiclass": (
        "accuracy",
        "f1_macro",
        "roc_auc_macro",
        "precision_macro",
        "recall_macro",
        "log_loss",
        "brier",
    ),
    "regression": ("mae", "rmse", "r2", "bias"),
}
"""What can raise an alarm, by task."""

ALARMING: Mapping[str, tuple[Metric, ...]] = {
    "binary": ("accuracy", "roc_auc", "f1"),
    "multiclass": ("accuracy", "f1_macro", "roc_auc_macro"),
    "regression": ("mae", "rmse"),
}
"""What does when `Performance.metrics` is left out."""


class Performance(Section, frozen=True, kw_only=True):
    """What predictions mean. Task and positive class are inferred from the reference unless they are set."""

    task: Task | None = None
    positive: str | None = None
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.5
    metrics: tuple[Metric, ...] | None = None
    tolerance: dict[Metric, Annotated[float, Meta(ge=0)]] = field(default_factory=dict)

    def alarming(self, task: str) -> tuple[Metric, ...]:
        """Give the metrics that raise alarms about a model with this task, without those of other tasks."""
        wanted = ALARMING[task] if self.metrics is None else self.metrics
        return tuple(name for name in wanted if name in METRICS[task])

    def mistakes(self) -> Iterator[Mistake]:
        yield from repeated("metrics", self.metrics or ())
        if self.task is None:
            return
        if self.positive is not None and self.task != "binary":
            yield Mistake(("positive",), f'is for task = "binary", not "{self.task}"')
        known = METRICS[self.task]
        places: list[tuple[Place, Metric]] = [(("tolerance", name), name) for name in self.tolerance]
        places += [(("metrics", position), name) for position, name in enumerate(self.metrics or ())]
        for place, name in places:
            if name not in known:
                yield Mistake(place, f'"{name}" is no metric of a {self.task} model: take {", ".join(known)}')
