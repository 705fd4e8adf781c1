"""[models.NAME.concept] and [models.NAME.challenger]: what looks at labelled rows one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from monitor.config.section import Mistake, Section, repeated

SequentialDetector = Literal["adwin", "ddm", "hddm_a", "hddm_w", "page_hinkley", "kswin"]
Signal = Literal["loss", "bias", "score", "nulls"]
OF_LABELS: frozenset[Signal] = frozenset({"loss", "bias"})
WITHOUT_LABELS: frozenset[Signal] = frozenset({"score", "nulls"})
ChallengerBase = Literal["adwin_bagging", "leveraging_bagging", "arf", "hoeffding_adaptive_trees"]
AbstainingRule = Literal["none", "coded", "fixed", "grid"]


class Concept(Section, frozen=True, kw_only=True):
    """Sequential detectors, and the signals that each steps through; an empty list switches them off."""

    detectors: tuple[SequentialDetector, ...] = ("adwin",)
    signals: tuple[Signal, ...] = ("loss", "bias")
    nulls_of: tuple[str, ...] = ()

    def mistakes(self) -> Iterator[Mistake]:
        yield from repeated("detectors", self.detectors)
        yield from repeated("signals", self.signals)
        yield from repeated("nulls_of", self.nulls_of)
        if self.nulls_of and "nulls" not in self.signals:
            yield Mistake(("nulls_of",), 'is never used: "nulls" is not among the signals')

    def steps(self, *, has_labels: bool) -> bool:
        """Whether any detector has anything to step through."""
        wanted = WITHOUT_LABELS | OF_LABELS if has_labels else WITHOUT_LABELS
        return bool(self.detectors) and bool(wanted.intersection(self.signals))


class Challenger(Section, frozen=True, kw_only=True):
    """A model that learns beside the one in production, from a seeded sample of the labelled rows."""

    base: ChallengerBase = "adwin_bagging"
    rule: AbstainingRule = "grid"
    rows_per_s: Annotated[float, Meta(gt=0)] = 100.0
    seed: Annotated[int, Meta(ge=0)] = 0
    warm_up_rows: Annotated[int, Meta(ge=0)] = 2_000
