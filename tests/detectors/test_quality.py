from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from detectors.checks import DIMENSIONS, CheckName, Outcome, Subject
from detectors.checks_feature import FEATURE_CHECKS
from detectors.frames import columns_from_frame
from detectors.profile import Profile, summarise
from detectors.quality import QualityResult, check
from detectors.reference import Reference
from detectors.result import Verdict

Judge = Callable[..., Mapping[tuple[str, str], QualityResult]]
Make = Callable[..., Reference]


def clean(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": rng.exponential(size=rows),
            "holes": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
            "visits": rng.poisson(1.0, rows),
            "category": rng.choice(["a", "b", "c", "rare"], rows, p=[0.5, 0.3, 0.19, 0.01]),
            "tail": (rng.pareto(1.0, rows) * 10).astype(int).astype(str),
            "mostly": rng.choice(np.array(["x", "y", None], object), rows, p=[0.4, 0.4, 0.2]),
            "flag": rng.random(rows) < 0.02,
        }
    )


def crash(subject: Subject) -> Outcome | None:
    raise RuntimeError(f"cannot judge {subject.feature.name}")


def test_every_check_has_a_dimension() -> None:
    assert DIMENSIONS.keys() == set(CheckName)


def test_clean_windows_raise_no_more_false_alarms_than_the_level_allows(make_reference: Make) -> None:
    reference = make_reference(clean(5000, 0))
    windows = 200
    raised = 0
    for seed in range(1, windows + 1):
        columns = columns_from_frame(clean(200, seed), reference.dictionary)
        found = check(reference, summarise(reference, columns), 0.05, 30)
        raised += any(one.verdict not in (Verdict.OK, Verdict.WARN) for one in found)
    assert raised <= 0.05 * windows + 3 * np.sqrt(0.05 * 0.95 * windows)


def test_what_applies_and_passes_is_said_too(judge: Judge) -> None:
    found = judge(clean(2000, 0), clean(500, 1))
    assert found["amount", "completeness"].verdict is Verdict.OK
    assert found["category", "categorical_values"].verdict is Verdict.OK
    assert ("amount", "categorical_values") not in found
    assert ("amount", "range") not in found
    assert ("visits", "range") in found
    assert len(found) < 5 * 7 + 4


def test_a_crashing_check_is_an_error_and_the_others_are_still_made(make_reference: Make) -> None:
    reference = make_reference(clean(500, 0))
    window = summarise(reference, columns_from_frame(clean(200, 1), reference.dictionary))
    checks = ((CheckName.RANGE, crash), *FEATURE_CHECKS)
    found = check(reference, window, 0.01, 30, feature_checks=checks)
    crashed = [one for one in found if one.verdict is Verdict.ERROR]
    assert {one.feature for one in crashed} == set(reference.grids)
    assert crashed[0].note == "the check crashed: RuntimeError: cannot judge amount"
    assert len(found) == len(check(reference, window, 0.01, 30)) + len(crashed)


def test_a_window_without_rows_gives_no_verdict_on_values(make_reference: Make) -> None:
    reference = make_reference(clean(500, 0))
    assert check(reference, Profile.empty(reference), 0.01, 30) == ()


@pytest.mark.parametrize("rows", [1, 29])
def test_too_few_rows_are_inconclusive_and_never_ok(judge: Judge, rows: int) -> None:
    window = clean(rows, 1).assign(holes=np.nan, amount=np.nan)
    found = judge(clean(2000, 0), window)
    for name in ("completeness", "data_type", "not_finite", "constant"):
        verdicts = {one.verdict for (_, check_name), one in found.items() if check_name == name}
        assert verdicts <= {Verdict.INCONCLUSIVE}


def test_the_level_is_shared_over_the_tests_of_the_window(judge: Judge) -> None:
    def holes(share: float, rows: int) -> dict[str, Any]:
        return {"x": [None if i < share * rows else 1.0 + i for i in range(rows)]}

    few, window = pd.DataFrame(holes(0.10, 2000)), pd.DataFrame(holes(0.17, 200))
    alone = judge(few, window)["x", "completeness"]
    assert alone.p_value is not None
    assert 0.001 < alone.p_value < 0.01 / 3
    assert alone.verdict is Verdict.FAIL
    more = {f"y{i}": np.arange(2000.0) for i in range(20)}
    crowded = judge(few.assign(**more), window.assign(**{name: np.arange(200.0) for name in more}))
    assert crowded["x", "completeness"].p_value == alone.p_value
    assert crowded["x", "completeness"].verdict is Verdict.OK
