from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from detectors.dictionary import Dictionary
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.profile import summarise
from detectors.quality import Expectations, QualityResult, check
from detectors.reference import Reference, build
from detectors.sample import Sample

BUILT_AT = datetime(2020, 1, 1, tzinfo=UTC)
Found = Mapping[tuple[str, str], QualityResult]  # by feature and check
Judge = Callable[..., Found]


def reference_of(frame: pd.DataFrame, dictionary: Dictionary | None = None, **given: Any) -> Reference:
    known = dictionary or infer(frame)
    columns = columns_from_frame(frame, known)
    return build(columns, known, model="m", version="1", source="here", built_at=BUILT_AT, **given)


@pytest.fixture
def make_reference() -> Callable[..., Reference]:
    return reference_of


@pytest.fixture
def judge() -> Judge:
    """Build a reference from one frame, judge another as a window, and index the results."""

    def results(
        reference: Reference | pd.DataFrame,
        window: pd.DataFrame,
        dictionary: Dictionary | None = None,
        sample: Sample | None = None,
        ids: Any = None,
        min_rows: int = 30,
        expectations: Expectations | None = None,
    ) -> Found:
        built = reference if isinstance(reference, Reference) else reference_of(reference, dictionary)
        columns = columns_from_frame(window, built.dictionary)
        profile = summarise(built, columns, ids, sample)
        found = check(built, profile, 0.01, min_rows, expectations)
        return {(one.feature, str(one.check_name)): one for one in found}

    return results
