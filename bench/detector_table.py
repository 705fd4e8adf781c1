"""River's detectors on error streams with one change beside stated figures, and ours as driftd sets them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from river import drift

from detectors.concept import Kind, settings_for

STREAMS = 50
BEFORE, AFTER = 10_000, 2_000  # rows of each stream before and after the change
SEED = 20
CHANGES = ((0.2, 0.3), (0.2, 0.4), (0.05, 0.10))
SIGMAS = 3.0
OURS = 1e-5  # false alarms per row: one in ten streams
KSWIN_STREAMS = 2  # it costs up to a millisecond a row

WIDTH = 120
EXPLAINED = (
    f"false alarms per {BEFORE:,} rows, median delay of a change in rows (of how many streams, if not all) "
    f"within {AFTER:,}"
)

Changed = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Delay:
    """A stated median of the rows from the first changed one to the detection, and how many streams detected.

    That number is None where none is stated: the median is then that of all streams.
    """

    median: float | None
    detected: int | None = STREAMS


@dataclass(frozen=True, slots=True)
class Stated:
    """One line of the stated table: false alarms per 10,000 rows at .2, then the delays of `CHANGES`."""

    make: Callable[[], Any]
    false_alarms: float
    delays: tuple[Delay, Delay, Delay]

    def made(self, rate: float) -> Any:
        """River's detector, the same for every first rate."""
        del rate
        return self.make()


STATED: Mapping[str, Stated] = {
    "ADWIN delta .002": Stated(partial(drift.ADWIN, delta=0.002), 0.00, (Delay(431), Delay(143), Delay(575))),
    "ADWIN delta .05": Stated(partial(drift.ADWIN, delta=0.05), 0.04, (Delay(271), Delay(79), Delay(431))),
    "Page-Hinkley": Stated(drift.PageHinkley, 0.12, (Delay(377), Delay(192), Delay(962))),
    "HDDM_W": Stated(drift.binary.HDDMW, 0.76, (Delay(209), Delay(48), Delay(None, 0))),
    "HDDM_A": Stated(drift.binary.HDDMA, 0.16, (Delay(484), Delay(148), Delay(1582, 34))),
    "DDM": Stated(drift.binary.DDM, 0.54, (Delay(817, 25), Delay(462, 33), Delay(810, 31))),
    # no number of streams is stated here, and not all detect .2->.3 in 2,000 rows: of 400 others 79 % did
    "EDDM": Stated(drift.binary.EDDM, 18.4, (Delay(844, None), Delay(594, None), Delay(196, None))),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one detector did: its false alarms by first rate, and by change the delays of those detected."""

    streams: int
    false_alarms: Mapping[float, int]
    delays: Mapping[Changed, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Streams:
    """The same error streams for every detector."""

    before: Mapping[float, NDArray[np.float64]]
    after: Mapping[Changed, NDArray[np.float64]]

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Streams:
        first = {change[0] for change in CHANGES}
        before = {rate: _coins(rng, rate, BEFORE) for rate in sorted(first)}
        return cls(before, {change: _coins(rng, change[1], AFTER) for change in CHANGES})


def _coins(rng: np.random.Generator, rate: float, rows: int) -> NDArray[np.float64]:
    return (rng.random((STREAMS, rows)) < rate).astype(np.float64)


def run(make: Callable[[float], Any], streams: Streams, use: int = STREAMS) -> Measured:
    """Step new detectors through the streams; ``make`` is told the first rate."""
    false_alarms = dict.fromkeys(streams.before, 0)
    delays: dict[Changed, list[int]] = {change: [] for change in CHANGES}
    for rate, rows in streams.before.items():
        for at in range(use):
            detector = make(rate)
            for value in rows[at].tolist():
                detector.update(value)
                false_alarms[rate] += detector.drift_detected
            for change in CHANGES:
                if change[0] == rate:
                    delay = _delay(copy.deepcopy(detector), streams.after[change][at])
                    delays[change] += [] if delay is None else [delay]
    return Measured(use, false_alarms, {change: np.array(found, float) for change, found in delays.items()})


def _delay(detector: Any, values: NDArray[np.float64]) -> int | None:
    for row, value in enumerate(values.tolist()):
        detector.update(value)
        if detector.drift_detected:
            return row
    return None


def misses(stated: Stated, measured: Measured) -> list[str]:
    """Where measured and stated figures are not draws of the same thing, within three sigma.

    Both carry the noise of 50 streams: false alarms are Poisson counts, the
    streams that detect binomial ones. Half of the measured delays lie below the
    stated median, but for the noise of both medians.
    """
    found = []
    ours, theirs = measured.false_alarms[0.2], stated.false_alarms * STREAMS
    if abs(ours - theirs) > max(1.0, SIGMAS * math.sqrt(ours + theirs)):
        found.append(f"false alarms {ours / STREAMS:.2f}, stated {stated.false_alarms:.2f}")
    for change, delay in zip(CHANGES, stated.delays, strict=True):
        miss = _miss(delay, measured.delays[change])
        found += [] if miss is None else [f"{_named(change)} {miss}"]
    return found


def _miss(stated: Delay, delays: NDArray[np.float64]) -> str | None:
    of = STREAMS
    if stated.detected is None:
        delays = np.concatenate((delays, np.full(STREAMS - len(delays), math.inf)))
    else:
        of = stated.detected
        pooled = (len(delays) + of) / (2 * STREAMS)
        if abs(len(delays) - of) > max(1.0, SIGMAS * math.sqrt(2 * STREAMS * pooled * (1 - pooled))):
            return f"detected in {len(delays)} streams, stated {of}"
    if stated.median is None or not len(delays):
        return None
    below = (delays < stated.median).mean() + (delays == stated.median).mean() / 2
    if abs(below - 0.5) > SIGMAS * math.sqrt(0.25 / len(delays) + 0.25 / of):
        return f"median delay {np.median(delays):.0f}, stated {stated.median:.0f}"
    return None


def _named(change: Changed) -> str:
    return "->".join(f"{rate:g}".lstrip("0") for rate in change)


def _told(median: float | None, detected: int | None, of: int = STREAMS) -> str:
    if median is None:
        return "none"
    return f"{median:.0f}" if detected in {None, of} else f"{median:.0f} ({detected})"


def _cells(measured: Measured, stated: Sequence[Delay] | None = None) -> list[str]:
    cells = []
    for at, change in enumerate(CHANGES):
        delays = measured.delays[change]
        cell = _told(float(np.median(delays)) if len(delays) else None, len(delays), measured.streams)
        if stated is not None:
            cell += " | " + _told(stated[at].median, stated[at].detected)
        cells.append(cell)
    return cells


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for column in ("detector, streams", *columns, *(f"delay {_named(change)}" for change in CHANGES)):
        table.add_column(column, no_wrap=True)
    return table


def _budgeted(kind: Kind) -> Callable[[float], Any]:
    return lambda rate: settings_for(kind, OURS, rate, math.sqrt(rate * (1 - rate))).new_detector()


def report() -> bool:
    """Print both tables; whether every figure is within the noise, and no rate of ours is exceeded."""
    streams = Streams.drawn(np.random.default_rng(SEED))
    wrong = _report_river(streams) + _report_ours(streams)
    for line in wrong:
        print(f"OUTSIDE THE NOISE: {line}")
    return not wrong


def _report_river(streams: Streams) -> list[str]:
    wrong: list[str] = []
    table = _table(f"River's detectors, measured | stated: {EXPLAINED}", "at .2")
    for name, stated in STATED.items():
        measured = run(stated.made, streams)
        rate = measured.false_alarms[0.2] / STREAMS
        table.add_row(
            f"{name}, {STREAMS}", f"{rate:.2f} | {stated.false_alarms:.2f}", *_cells(measured, stated.delays)
        )
        wrong += [f"{name}: {miss}" for miss in misses(stated, measured)]
    Console(width=WIDTH).print(table)
    return wrong


def _report_ours(streams: Streams) -> list[str]:
    wrong: list[str] = []
    table = _table(f"Ours, set to at most {OURS * BEFORE:g} false alarms: {EXPLAINED}", "at .2", "at .05")
    for kind in Kind:
        use = KSWIN_STREAMS if kind is Kind.KSWIN else STREAMS
        measured = run(_budgeted(kind), streams, use)
        alarms = measured.false_alarms
        table.add_row(
            f"{kind}, {use}", *(f"{alarms[rate] / use:.2f}" for rate in (0.2, 0.05)), *_cells(measured)
        )
        allowed = OURS * BEFORE * use
        wrong += [
            f"{kind}: {count} false alarms at {rate:g}, at most {allowed:.1f} wanted"
            for rate, count in alarms.items()
            if count > allowed + max(1.0, SIGMAS * math.sqrt(allowed))
        ]
    Console(width=WIDTH).print(table)
    return wrong
