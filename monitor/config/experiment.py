"""[models.NAME.experiment]: variants of a model on one stream that are compared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, field

from monitor.config.section import Mistake, Section, repeated

_MAX_VARIANTS = 20
_MAX_TEXT = 200
_FEWEST = 2


class Experiment(Section, frozen=True, kw_only=True):
    """[models.NAME.experiment]: what `fields.variant` says, and how strictly its variants are compared."""

    control: str
    treatments: tuple[str, ...]
    name: str | None = None
    split: dict[str, Annotated[float, Meta(gt=0)]] = field(default_factory=dict)
    metric: str = "metric"
    higher_is_better: bool = True
    alpha: Annotated[float, Meta(gt=0, lt=1)] = 0.05
    invalid_alpha: Annotated[float, Meta(gt=0, lt=1)] = 0.01
    tightest_at: Annotated[int, Meta(ge=_FEWEST)] = 10_000

    @property
    def variants(self) -> tuple[str, ...]:
        """All variants, the control first."""
        return (self.control, *self.treatments)

    @property
    def title(self) -> str:
        """What the experiment is called where it has no name of its own."""
        return self.name or f"{self.control} / {' / '.join(self.treatments)}"

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of rows that each variant should get."""
        weights = [self.split[name] for name in self.variants] if self.split else [1.0] * len(self.variants)
        return tuple(weight / math.fsum(weights) for weight in weights)

    def mistakes(self) -> Iterator[Mistake]:
        yield from repeated("treatments", self.treatments)
        if not self.treatments:
            yield Mistake(("treatments",), "is empty: name at least one variant beside the control")
        if self.control in self.treatments:
            yield Mistake(("control",), f'"{self.control}" is among the treatments too')
        if len(self.variants) > _MAX_VARIANTS:
            text = f"are {len(self.treatments)}: at most {_MAX_VARIANTS - 1} can be compared with a control"
            yield Mistake(("treatments",), text)
        for key, text in (("name", self.title), ("metric", self.metric)):
            if not text or len(text) > _MAX_TEXT or not text.isprintable():
                yield Mistake((key,), f"has to be 1 to {_MAX_TEXT} printable characters")
        if self.split and self.split.keys() != set(self.variants):
            odd = ", ".join(sorted(f'"{name}"' for name in self.split.keys() ^ set(self.variants)))
            text = f"has to give each variant its share and no other: {odd} is in only one of them"
            yield Mistake(("split",), text)
