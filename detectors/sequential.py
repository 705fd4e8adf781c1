"""Sequential detectors: every labelled row is looked at once, in order, and a change is told at its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.sequential_history import History
from detectors.sequential_pickle import freeze, thaw
from detectors.sequential_settings import Kind, Settings


class StateLost(ValueError):  # noqa: N818  # the name says what happened
    """A stored state cannot be gone on from; the text says why and that the detector starts anew."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was detected at one row and began at another.

    ``rows_since`` counts the rows from the estimated change to the detection,
    both included. ``before`` and ``after`` are the means of all rows since the detector's
    last start before and from the estimated change. With d rows since the
    change its place is known to ``1 + d / 64`` rows, beside the estimate's own
    uncertainty.
    """

    detected_at_ms: int
    changed_at_ms: int
    before: float
    after: float
    rows_since: int

    @property
    def direction(self) -> int:
        """1 if the mean rose, -1 if it fell, 0 if only the distribution around it changed (KSWIN)."""
        return (self.after > self.before) - (self.after < self.before)


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A detector between two batches; nothing in it is ever changed.

    ``rows`` were stepped through since the state began, ``dropped`` were not finite
    and reached no detector. ``detector`` is river's object, frozen; ``history`` holds the
    rows since its last start. Equal rows in batches of any sizes give equal states.
    """

    settings: Settings
    rows: int
    dropped: int
    detector: bytes
    history: History


def step(
    state: State | None, settings: Settings, values: NDArray[np.float64], times_ms: NDArray[np.int64]
) -> tuple[State, tuple[Change, ...]]:
    """Step through the rows of a batch, in their order; a state of None starts a new detector.

    After a detection river empties every one of these detectors, ADWIN too, before
    the next row: it starts anew, and so does the history. DDM sees only
    means that rise, the others both directions. KSWIN costs about a millisecond a
    row, HDDM about nine microseconds, Page-Hinkley two, DDM and ADWIN one or less.

    Raises
    ------
    ValueError
        If the arrays differ in length, or a finite value is outside [0, 1],
        where no bound on false alarms holds.
    StateLost
        If the state was made with other settings.
    """
    state = _start(settings) if state is None else state
    if state.settings != settings:
        raise StateLost(
            f"the state was made with {state.settings}, the settings now are {settings}: "
            "the detector starts anew"
        )
    given = len(values)
    values, times_ms = _usable(values, times_ms, settings.kind)
    detector, history = thaw(state.detector), state.history
    changes: list[Change] = []
    begun = 0
    for at, value in enumerate(values.tolist(), 1):
        detector.update(value)
        if detector.drift_detected:
            history = history.append(values[begun:at], times_ms[begun:at])
            changes.append(_change(settings, detector, history, int(times_ms[at - 1])))
            history, begun = History(), at
    history = history.append(values[begun:], times_ms[begun:])
    rows, dropped = state.rows + len(values), state.dropped + given - len(values)
    return State(settings, rows, dropped, freeze(detector), history), tuple(changes)


def _start(settings: Settings) -> State:
    return State(settings, 0, 0, freeze(settings.new_detector()), History())


def _usable(
    values: NDArray[np.float64], times_ms: NDArray[np.int64], kind: Kind
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The rows whose value is finite."""
    if values.ndim != 1 or values.shape != times_ms.shape:
        raise ValueError(
            f"values of shape {values.shape} and times of shape {times_ms.shape} are not one of each per row"
        )
    is_finite = np.isfinite(values)
    values, times_ms = values[is_finite], times_ms[is_finite]
    outside = (values < 0.0) | (values > 1.0)
    if outside.any():
        raise ValueError(
            f'the detector "{kind}" watches values from 0 to 1 and was given {values[outside][0]}: '
            "scale them first, or their false alarms are not bounded"
        )
    return values, times_ms


def _change(settings: Settings, detector: Any, history: History, now_ms: int) -> Change:
    """Where the change began: most likely, or for KSWIN, which may see no change of means, its newest rows.

    ADWIN has an estimate of its own, the start of the window it keeps, which is not
    used: river cuts off the oldest bucket alone, so on errors rising from .2 to .3 after
    10,000 rows it lay 2,300 rows too early (median of 60), the most likely row 40 off.
    """
    split = history.split(detector.stat_size if settings.kind is Kind.KSWIN else None)
    return Change(now_ms, split.changed_at_ms, split.before, split.after, split.rows_since)
