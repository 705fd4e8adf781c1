"""The files as they are read. Keys that are not listed here say nothing that driftd could use."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import field

InferredType = Literal["Integral", "Fractional", "String", "Unknown"]


class Common(msgspec.Struct, frozen=True):
    """How many cells of a column have a value, and how many have none."""

    num_present: float = 0
    num_missing: float = 0


class Bucket(msgspec.Struct, frozen=True):
    """Values from ``lower_bound`` on and below ``upper_bound``, which the last bucket has too."""

    lower_bound: float
    upper_bound: float
    count: float


class Sketch(msgspec.Struct, frozen=True):
    """A KLL sketch: each value of ``data[i]`` stands for 2**i values."""

    data: tuple[tuple[float, ...], ...] = ()


class Kll(msgspec.Struct, frozen=True):
    """A numeric column's distribution."""

    buckets: tuple[Bucket, ...] = ()
    sketch: Sketch = Sketch()


class Numeric(msgspec.Struct, frozen=True):
    """Where the distribution of a numeric column is kept."""

    kll: Kll | None = None


class Numerical(msgspec.Struct, frozen=True):
    """What is known of a numeric column."""

    common: Common = Common()
    min: float | None = None
    max: float | None = None
    distribution: Numeric = Numeric()


class Category(msgspec.Struct, frozen=True):
    """How often one value occurs."""

    value: str | float | bool
    count: float


class Categorical(msgspec.Struct, frozen=True):
    """The values that are listed: all of them, or the most frequent ones."""

    buckets: tuple[Category, ...] = ()


class Texts(msgspec.Struct, frozen=True):
    """Where the distribution of a column of texts is kept."""

    categorical: Categorical | None = None


class Strings(msgspec.Struct, frozen=True):
    """What is known of a column of texts."""

    common: Common = Common()
    distinct_count: float = 0
    distribution: Texts = Texts()


class ColumnStatistics(msgspec.Struct, frozen=True):
    """One column of `statistics.json`."""

    name: str
    inferred_type: InferredType = "Unknown"
    numerical_statistics: Numerical | None = None
    string_statistics: Strings | None = None


class Dataset(msgspec.Struct, frozen=True):
    """The rows that were looked at."""

    item_count: float


class Statistics(msgspec.Struct, frozen=True):
    """The file `statistics.json`."""

    dataset: Dataset
    features: tuple[ColumnStatistics, ...]


class NumericConstraints(msgspec.Struct, frozen=True):
    """Rules for numbers."""

    is_non_negative: bool = False
    overrides: dict[str, Any] = field(name="monitoring_config_overrides", default_factory=dict)


class StringConstraints(msgspec.Struct, frozen=True):
    """Rules for texts."""

    domains: tuple[str | float | bool, ...] | None = None
    overrides: dict[str, Any] = field(name="monitoring_config_overrides", default_factory=dict)


class ColumnConstraints(msgspec.Struct, frozen=True):
    """One column of `constraints.json`. The guide and AWS' own library put what overrides in other places."""

    name: str
    inferred_type: InferredType = "Unknown"
    completeness: float | None = None
    num_constraints: NumericConstraints = NumericConstraints()
    string_constraints: StringConstraints = StringConstraints()
    overrides_of_the_guide: dict[str, Any] = field(name="monitoringConfigOverrides", default_factory=dict)
    overrides: dict[str, Any] = field(name="monitoring_config_overrides", default_factory=dict)

    def overriding(self) -> dict[str, Any]:
        """Give what this column has instead of `monitoring_config`."""
        inner = self.num_constraints.overrides | self.string_constraints.overrides
        return self.overrides_of_the_guide | self.overrides | inner


class Constraints(msgspec.Struct, frozen=True):
    """The file `constraints.json`."""

    features: tuple[ColumnConstraints, ...]
    monitoring_config: dict[str, Any] = {}  # msgspec copies it
