"""Whether a model does as well as it should, as far as is known now."""

from __future__ import annotations

from monitor.store.base import Store

_ROWS = 200
"""More than the metrics of one window, known and estimated, at all lengths."""


def performance_holds(store: Store, model: str) -> bool | None:
    """Look at the latest window of the shortest length: what labels say, else what is estimated.

    None when nothing can be said of it; may raise `StoreError`.
    """
    rows = store.view("performance_history", model=model, where={"multiple": 1}, limit=_ROWS)
    for is_estimate in (False, True):
        told = [
            row for row in rows if row["is_estimate"] == is_estimate and row["reference_value"] is not None
        ]
        latest = [row for row in told if row["window_start"] == told[0]["window_start"]]
        verdicts = {row["verdict"] for row in latest}
        if "drift" in verdicts:
            return False
        if "ok" in verdicts or "warn" in verdicts:
            return True
    return None
