"""[models.NAME.concept] and [models.NAME.challenger]: what looks at labelled rows one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from monitor.config.section import Mistake, Section, repeated

SequentialDetector = Literal["adwin", "ddm", "hddm_a", "hddm_w", "page_hinkley", "kswin"]
Signal = Literal["loss", "bias"]
ChallengerBase = Literal["adwin_bagging", "leveraging_bagging", "arf", "hoeffding_adaptive_trees"]
AbstainingRule = Literal["none", "coded", "fixed", "grid"]


class Concept(Section, frozen=True, kw_only=True):
    """Sequential detectors, and the signals that each steps through; an empty list switches them off."""

    detectors: tuple[SequentialDetector, ...] = ("adwin",)
    signals: tuple[Signal, ...] = ("loss", "bias")

    def mistakes(self) -> Iterator[Mistake]:
        yield from repeated("detectors", self.detectors)
        yield from repeated("signals", self.signals)


class Challenger(Section, frozen=True, kw_only=True):
    """A model that learns beside the one in production, from a seeded sample of the labelled rows."""

    base: ChallengerBase = "adwin_bagging"
    rule: AbstainingRule = "grid"
    rows_per_s: Annotated[float, Meta(gt=0)] = 100.0
    seed: Annotated[int, Meta(ge=0)] = 0
    warm_up_rows: Annotated[int, Meta(ge=0)] = 2_000
