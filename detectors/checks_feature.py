"""The data-quality checks of one feature, in the order of their results."""

from __future__ import annotations

from detectors import checks_presence as presence
from detectors import checks_values as values
from detectors.checks import CheckName, FeatureCheck

FEATURE_CHECKS: tuple[tuple[CheckName, FeatureCheck], ...] = (
    (CheckName.MISSING_COLUMN, presence.missing_column),
    (CheckName.DATA_TYPE, presence.data_type),
    (CheckName.COMPLETENESS, presence.completeness),
    (CheckName.RANGE, values.value_range),
    (CheckName.CATEGORICAL_VALUES, values.categorical_values),
    (CheckName.PATTERN, values.pattern),
    (CheckName.FORMAT, values.datetime_format),
    (CheckName.NOT_FINITE, presence.not_finite),
    (CheckName.CONSTANT, presence.constant),
)
