"""What a test says, and what is concluded from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The conclusion about one feature in one window, equal to the text stored in SQL.

    ``inconclusive`` (too little data) and ``error`` (the test crashed) are
    never ``ok``. ``drift`` is the verdict of shift tests, ``fail`` that of
    data-quality checks.
    """

    OK = "ok"
    WARN = "warn"
    DRIFT = "drift"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Shift(StrEnum):
    """Which distribution moved: P(X), P(Y) or P(Y|X)."""

    COVARIATE = "covariate"
    PRIOR = "prior"
    CONCEPT = "concept"


@dataclass(frozen=True, slots=True)
class TestResult:
    """The outcome of one two-sample test, before any correction for multiplicity.

    ``effect`` is in shares of rows (0 to 1): the sup distance D for numeric
    features, total variation for categorical ones; ``effect_low`` and
    ``effect_high`` bound it with 95 % confidence. ``bound`` is how far the
    statistic can be from its exact value because the grid was thinned (0 when
    exact). A ``p_value`` of None means that the statistic is descriptive
    (a distance) or that there was too little data; ``note`` says why.
    """

    __test__ = False  # not a pytest class

    statistic: float
    p_value: float | None
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    n_reference: int
    n_current: int
    bound: float = 0.0
    note: str = ""
