"""The reference's own windows, each against all other rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import build
from monitor.calibrating import calibrate
from monitor.config.model import Model
from tests.monitor.worlds import HOUR_MS, NOW, START_MS


def test_no_row_is_compared_with_itself() -> None:
    """One window of five is higher by so much that p is below 1 % against the others, not against all."""
    even = np.linspace(0.0, 1.0, 200)
    frame = pd.DataFrame({"x": np.concatenate([even, even, even + 0.1425, even, even])})
    times_ms = START_MS + np.arange(len(frame)) * HOUR_MS // 200
    known = infer(frame)
    columns = columns_from_frame(frame, known)
    reference = build(columns, known, model="m", version="", source="here", built_at=NOW)
    (found,) = calibrate(reference, columns, times_ms, Model(topics=("t",))).features
    assert found.plain == 0.2
    assert found.holds
