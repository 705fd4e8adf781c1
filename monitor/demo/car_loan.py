"""The demo's log: a synthetic model's 100,000 car loans, and what is known to have drifted in it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

_DATA = Path(__file__).parent / "data"

REFERENCE = _DATA / "reference.parquet"
ANALYSIS = _DATA / "analysis.parquet"
LABELS = _DATA / "labels.parquet"

MODEL = "car_loan"
TOPIC = "car-loans"
LABELS_TOPIC = "car-loans-repaid"
PARTITIONS = 4
ROWS = 50_000
DRIFTED_ON = date(2019, 3, 31)
FIRST_WHOLE_DAY = date(2019, 4, 1)
"""The first window after the drift began, at 03:00 of the day before."""
DRIFTED = ("car_value", "loan_length", "salary_range")
MOVED = (*DRIFTED, "repaid_loan_on_prev_car")
