"""The car-loan log: the demo's clean files, and the same with dirt in three columns."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd

from monitor.demo.car_loan import ANALYSIS, REFERENCE

Part = Literal["reference", "analysis"]

CLEAN: dict[Part, Path] = {"reference": REFERENCE, "analysis": ANALYSIS}
_CELLS = Path(__file__).parent / "car_loan_dirty_cells.parquet"


def clean(part: Part) -> pd.DataFrame:
    return pd.read_parquet(CLEAN[part])


def dirty(part: Part) -> pd.DataFrame:
    """Nulls in salary_range and driver_tenure, in analysis more from row 25,000; there also "50%" down."""
    frame = clean(part).set_index("id", drop=False)
    cells = pd.read_parquet(_CELLS)
    for column, changed in cells[cells["id"].isin(frame.index)].groupby("column"):
        values = changed["value"].to_numpy(dtype=object)
        frame.loc[changed["id"], str(column)] = None if changed["value"].isna().all() else values
    return frame.reset_index(drop=True)


def write_dirty(part: Part, folder: Path) -> Path:
    """Write the dirty rows as a file for `driftd replay` or `driftd reference build`."""
    path = folder / f"dirty_{part}.parquet"
    dirty(part).to_parquet(path)
    return path
