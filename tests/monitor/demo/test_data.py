"""The car-loan log that the demo and the tests share."""

from __future__ import annotations

from importlib import resources

import pandas as pd
import pytest

from monitor.demo.car_loan import DRIFTED_ON, ROWS
from tests.data.car_loan import CLEAN, clean, dirty

HALF = ROWS // 2


@pytest.mark.parametrize("part", ["reference", "analysis"])
def test_the_files_hold_every_row_and_column_of_the_log(part: str) -> None:
    frame = pd.read_parquet(CLEAN["reference" if part == "reference" else "analysis"])
    assert len(frame) == frame["id"].nunique() == ROWS
    assert not frame.isna().any().any()
    assert {"timestamp", "y_pred", "y_pred_proba", "car_value", "loan_length"} <= set(frame.columns)
    assert frame["timestamp"].is_monotonic_increasing


def test_the_drift_begins_in_row_25_000() -> None:
    frame = clean("analysis")
    assert str(frame["timestamp"][HALF]).startswith(f"{DRIFTED_ON} 03:00")
    before, after = frame[:HALF], frame[HALF:]
    assert before["car_value"].mean() == pytest.approx(29_700, rel=0.01)
    assert after["car_value"].mean() == pytest.approx(48_800, rel=0.01)
    assert (before["salary_range"] == "60K+ €").mean() == pytest.approx(0.10, abs=0.01)
    assert (after["salary_range"] == "60K+ €").mean() == pytest.approx(0.01, abs=0.01)


def test_the_dirty_log_has_its_known_dirt_and_nothing_else() -> None:
    reference, analysis = dirty("reference"), dirty("analysis")
    for column in ("salary_range", "driver_tenure"):
        assert reference[column].isna().mean() == pytest.approx(0.10)
        assert analysis[column][:HALF].isna().mean() == pytest.approx(0.10, abs=0.005)
        assert analysis[column][HALF:].isna().mean() == pytest.approx(0.22, abs=0.005)
    half_down = analysis["size_of_downpayment"] == "50%"
    assert half_down[:HALF].mean() == pytest.approx(0.008, abs=0.001)
    assert half_down[HALF:].mean() == pytest.approx(0.020, abs=0.001)
    touched = ["salary_range", "driver_tenure", "size_of_downpayment"]
    pd.testing.assert_frame_equal(analysis.drop(columns=touched), clean("analysis").drop(columns=touched))


def test_the_data_are_small_and_say_whose_they_are() -> None:
    folder = resources.files("monitor.demo") / "data"
    assert sum(path.stat().st_size for path in CLEAN.values()) < 4_000_000
    notice = (folder / "NOTICE").read_text(encoding="utf-8")
    assert "NannyML" in notice
    assert "Apache License, Version 2.0" in notice
