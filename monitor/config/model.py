"""[models.NAME]: what is watched and how strictly."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, field

from detectors.budget import Budget, levels, parse_budget
from detectors.season import is_zone
from detectors.segments import MAX_SEGMENTS
from monitor.config.concept import Challenger, Concept
from monitor.config.durations import Duration
from monitor.config.experiment import Experiment
from monitor.config.fields import Fields
from monitor.config.labels import LabelsFields
from monitor.config.performance import Performance
from monitor.config.section import Mistake, Section, repeated
from monitor.config.topics import topic_mistakes
from monitor.topics import Topics

DAY_MS = 86_400_000
EVIDENCE = "evidence over windows"
Whole = Annotated[int, Meta(ge=1)]
Season = Literal["hour_of_day", "hour_of_week"]
NumericTest = Literal["ks"]
CategoricalTest = Literal["chi2"]
Distance = Literal["psi", "js", "tv", "wasserstein"]
SequentialTest = Literal["e_detector"]
PairTest = Literal["correlation"]
MultivariateTest = Literal["reconstruction"]


class Detectors(Section, frozen=True, kw_only=True):
    """[models.NAME.detectors]: tests that raise alarms, distances reported beside them."""

    numeric: tuple[NumericTest, ...] = ("ks",)
    categorical: tuple[CategoricalTest, ...] = ("chi2",)
    distances: tuple[Distance, ...] = ("psi",)
    sequential: tuple[SequentialTest, ...] = ("e_detector",)
    pairs: tuple[PairTest, ...] = ()
    multivariate: tuple[MultivariateTest, ...] = ()
    min_correlation: Annotated[float, Meta(gt=0, le=2)] = 0.1
    thresholds: dict[Distance, Annotated[float, Meta(gt=0)]] = field(default_factory=dict)

    def mistakes(self) -> Iterator[Mistake]:
        for name in self.thresholds:
            if name not in self.distances:
                yield Mistake(("thresholds", name), f'"{name}" is not among the distances: add it there')


class RowCount(Section, frozen=True, kw_only=True):
    """[models.NAME.row_count]: how many rows a window should have."""

    min: Annotated[int, Meta(ge=0)] | None = None
    max: Annotated[int, Meta(ge=0)] | None = None

    def mistakes(self) -> Iterator[Mistake]:
        if self.min is not None and self.max is not None and self.min > self.max:
            yield Mistake(("min",), f"{self.min} is more than max = {self.max}")


class Model(Section, frozen=True, kw_only=True):
    """One watched model. Every length and time is event time unless its key says otherwise."""

    topics: tuple[str, ...]
    labels_topics: tuple[str, ...] = ()
    labels_horizon: Duration = Duration.parse("30d")
    labels_share: Annotated[float, Meta(gt=0, le=1)] = 0.9
    labels_wait: Duration = Duration.parse("7d")
    fields: Fields = field(default_factory=Fields)
    labels_fields: LabelsFields = field(default_factory=LabelsFields)
    version: str = ""
    reference: str | None = None
    window: Duration = Duration.parse("1h")
    lateness: Duration = Duration.parse("5m")
    windows_up_to: Duration = Duration.parse("7d")
    idle_after: Duration = Duration.parse("2m")
    max_future: Duration = Duration.parse("1h")
    false_alarms: str = "1 per 90d"
    min_effect: Annotated[float, Meta(ge=0, lt=1)] = 0.01
    min_rows: Whole = 50
    for_windows: Whole = 1
    keep_windows: Whole = 2
    grid_size: Annotated[int, Meta(ge=16, le=1_000_000)] = 2048
    max_categories: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000
    segments: tuple[str, ...] = ()
    max_segments: Annotated[int, Meta(ge=1, le=1_000)] = MAX_SEGMENTS
    season: Season | None = None
    time_zone: str = "UTC"
    detectors: Detectors = field(default_factory=Detectors)
    performance: Performance = field(default_factory=Performance)
    concept: Concept = field(default_factory=Concept)
    challenger: Challenger | None = None
    experiment: Experiment | None = None
    quality: bool = True
    row_count: RowCount | None = None
    freshness: Duration | None = None

    @property
    def budget(self) -> Budget:
        """How many false alarms are expected in which time."""
        return parse_budget(self.false_alarms)

    @property
    def multiples(self) -> tuple[int, ...]:
        """The window lengths that are tested, in windows: 1, 2, 4 ... up to ``windows_up_to``."""
        return levels(self.window.seconds, self.windows_up_to.seconds)

    def budget_parts(self, *, is_estimated: bool) -> tuple[str, ...]:
        """Name what takes a share of the alert budget beside the window lengths.

        ``is_estimated`` says whether the reference has labels and outputs to estimate performance by; with
        labels_topics it has to.
        """
        has_labels = bool(self.labels_topics)
        parts = {
            "data quality": True,
            "estimated performance": is_estimated or has_labels,
            "labels": has_labels,
            "segments": bool(self.segments),
            "pairs of features": bool(self.detectors.pairs),
            EVIDENCE: bool(self.detectors.sequential),
            "sequential detectors": self.concept.steps(has_labels=has_labels),
        }
        return tuple(part for part, is_there in parts.items() if is_there)

    def budget_shares(self, *, is_estimated: bool) -> int:
        """Into how many equal parts the alert budget goes; evidence over windows has one for each length."""
        once = len(self.multiples) + len(self.budget_parts(is_estimated=is_estimated))
        return once + (len(self.multiples) - 1 if self.detectors.sequential else 0)

    @property
    def prediction_topics(self) -> Topics:
        """Topics that predictions come on."""
        return Topics(self.topics)

    @property
    def label_topics(self) -> Topics:
        """Topics that labels come on."""
        return Topics(self.labels_topics)

    @property
    def shared_topics(self) -> Topics:
        """Topics whose messages may be predictions, labels, or both: entries of the one that the other has.

        Of a topic that a pattern of the one and a pattern of the other match, this knows nothing.
        """
        predictions, labels = self.prediction_topics, self.label_topics
        either = dict.fromkeys((*predictions.entries, *labels.entries))
        return Topics(tuple(entry for entry in either if entry in predictions and entry in labels))

    def mistakes(self) -> Iterator[Mistake]:
        yield from topic_mistakes("topics", self.topics)
        yield from topic_mistakes("labels_topics", self.labels_topics)
        if not self.topics:
            yield Mistake(("topics",), "is empty: name at least one topic")
        yield from self._time_mistakes()
        yield from self._label_mistakes()
        yield from self._budget_mistakes()
        yield from self._experiment_mistakes()
        yield from repeated("segments", self.segments)
        if not is_zone(self.time_zone):
            text = f'"{self.time_zone}" is no time zone that is known here: write it as in "Europe/Berlin"'
            yield Mistake(("time_zone",), text)

    def _experiment_mistakes(self) -> Iterator[Mistake]:
        if self.experiment is not None and not self.fields.setting("variant"):
            text = "is needed for the experiment: the path of what tells its variants apart"
            yield Mistake(("fields", "variant"), text)
        if self.fields.metric and self.labels_fields.metric:
            text = "is given in fields too: a metric comes with predictions or with labels, keep one of them"
            yield Mistake(("labels_fields", "metric"), text)
        for section, fields in (("fields", self.fields), ("labels_fields", self.labels_fields)):
            if fields.metric and self.experiment is None:
                yield Mistake((section, "metric"), "is never used: there is no [experiment] to compare it in")

    @property
    def metric_comes_with_labels(self) -> bool:
        """Whether an experiment's metric is known only when a label is there; it may be known of none."""
        return bool(self.labels_fields.metric or (self.fields.metric and self.shared_topics))

    @property
    def metric_comes_with_predictions(self) -> bool:
        """Whether each row brings an experiment's metric itself."""
        return bool(self.fields.metric) and not self.metric_comes_with_labels

    def _budget_mistakes(self) -> Iterator[Mistake]:
        try:
            budget = self.budget
        except ValueError as error:
            yield Mistake(("false_alarms",), str(error))
        else:
            if not math.isfinite(budget.alarms / budget.per_s):
                yield Mistake(
                    ("false_alarms",), 'is beyond any number of alarms: write something like "1 per 30d"'
                )

    def _time_mistakes(self) -> Iterator[Mistake]:
        if not _is_aligned(self.window.ms):
            text = f'"{self.window}" neither divides a day nor is a whole number of days: take 1h, 6h, 1d ...'
            yield Mistake(("window",), text)
        if self.freshness is not None and not self.freshness.ms:
            yield Mistake(("freshness",), "is 0: every message would be too old")

    def _label_mistakes(self) -> Iterator[Mistake]:
        if self.labels_wait > self.labels_horizon:
            text = f"{self.labels_wait} is longer than labels_horizon = {self.labels_horizon}: shorten it"
            yield Mistake(("labels_wait",), text)
        if not self.labels_horizon.ms:
            yield Mistake(("labels_horizon",), "is 0: every label would come too late")
        if self.labels_fields.model_name is not None and not self.labels_fields.setting("model", self.fields):
            text = "is compared with the value at `model`: give that path too"
            yield Mistake(("labels_fields", "model_name"), text)
        if self.labels_topics:
            yield from self._missing_label_places()
        if self.labels_topics and all(entry in self.shared_topics for entry in self.labels_topics):
            for key in self.labels_fields.own_keys():
                text = f"is never used: all labels_topics are among topics, and there fields.{key} holds"
                yield Mistake(("labels_fields", key), text)

    def _missing_label_places(self) -> Iterator[Mistake]:
        text = "is off, but labels_topics need it to join labels to predictions"
        if not self.fields.setting("id"):
            yield Mistake(("fields", "id"), text)
        for key in ("id", "label"):
            if getattr(self.labels_fields, key) == "":
                yield Mistake(("labels_fields", key), text)
        own = self.labels_fields.label is not None or self.labels_fields.setting("label", self.fields)
        if not own or (self.shared_topics and not self.fields.setting("label")):
            yield Mistake(("fields", "label"), text)
        if self.shared_topics and not self.fields.filled.is_plain:
            told = " and ".join(entry for entry in self.labels_topics if entry in self.shared_topics)
            text = f"has {told}, as topics has: messages that are made into rows bring no labels"
            yield Mistake(("labels_topics",), text)


def _is_aligned(window_ms: int) -> bool:
    whole_seconds = window_ms >= 1000 and window_ms % 1000 == 0  # noqa: PLR2004  # milliseconds
    return whole_seconds and (DAY_MS % window_ms == 0 or window_ms % DAY_MS == 0)
