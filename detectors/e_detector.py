"""Has a feature's distribution changed, since when, and is it back? Asked at every closed window."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.e_values import log_e_values, log_sum
from detectors.scores import Scores

KEPT = 16  # candidates of each age, from which on they are thinned
LEAST_ROWS = 30.0
"""Sums of fewer rows are too far from normal in the tails that matter."""
FADED = 2.0
"""How much less, in logarithms, the evidence of one beginning may be than what raises an alarm of all.

Times the number of windows since: what is normal may be off by chance, in all windows alike, and a budget of
windows that say drift is spent in every one of them.
"""
VERSION = 1

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """What scores were over some rows: their number, as many as count as independent, and their sums."""

    rows: float
    sums: Floats

    @classmethod
    def empty(cls, width: int) -> Self:
        return cls(0.0, np.zeros(width))

    def plus(self, other: Level) -> Level:
        return Level(self.rows + other.rows, self.sums + other.sums)

    def minus(self, other: Level) -> Level:
        return Level(self.rows - other.rows, self.sums - other.sums)

    def means(self) -> Floats:
        result: Floats = self.sums / max(self.rows, 1.0)
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Windows with which a change may have begun, and for each the rows and sums of scores before it."""

    numbers: NDArray[np.int64]
    starts_ms: NDArray[np.int64]
    rows: Floats
    sums: Floats

    @classmethod
    def none(cls, width: int) -> Self:
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, np.zeros(0), np.zeros((0, width)))

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, number: int, start_ms: int, before: Level) -> Self:
        return type(self)(
            np.append(self.numbers, number),
            np.append(self.starts_ms, start_ms),
            np.append(self.rows, before.rows),
            np.concatenate([self.sums, before.sums[None]]),
        )

    def thinned(self, windows: int) -> Self:
        """Keep every one of the newest `KEPT` windows, every second of twice as many, and so on."""
        ages = np.maximum(1, (windows - self.numbers) // KEPT)
        kept = self.numbers % (1 << np.log2(ages).astype(np.int64)) == 0
        return type(self)(self.numbers[kept], self.starts_ms[kept], self.rows[kept], self.sums[kept])

    def before(self, place: int) -> Level:
        return Level(float(self.rows[place]), self.sums[place])


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Where the detector stands.

    ``normal`` is the reference with all that came before the change that stands. ``base`` is what candidates
    are compared with: ``normal``, or while a change stands, the rows since it until the detector began anew.
    ``seen`` is what came in ``windows`` since then. ``since_ms`` is when the standing change began; None
    without one.
    """

    normal: Level
    base: Level
    seen: Level
    candidates: Candidates
    windows: int = 0
    since_ms: int | None = None

    @classmethod
    def begin(cls, reference_rows: float, width: int) -> Self:
        """Nothing seen but the reference, over which scores sum to 0."""
        normal = Level(reference_rows, np.zeros(width))
        return cls(normal, normal, Level.empty(width), Candidates.none(width))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one window added: the e-detector's logarithm, and what stands.

    ``moved`` is the least share of rows by which rows since the change differ from the normal ones, and
    between ``low`` and ``high`` in truth; 0.0 when no change stands. ``is_clear`` at an alarm, and while
    that they differ is evident enough for so many windows.
    """

    log_e: float
    is_alarm: bool
    since_ms: int | None = None
    moved: float = 0.0
    low: float = 0.0
    high: float = 0.0
    is_clear: bool = False


def step(
    state: State,
    scores: Scores,
    window: Level,
    start_ms: int,
    log_threshold: float,
    least_rows: float = LEAST_ROWS,
) -> tuple[State, Evidence]:
    """Take in one window; ``least_rows`` have to have come since a change before it is seen.

    For each window with which a change may have begun the e-value of "from here on scores have another mean"
    is a likelihood ratio: of normal sums, against the mean of everything before, which is estimated, mixed
    over the change's direction and size. While nothing changes its expectation is 1 whatever the true mean.
    Their sum is a Shiryaev-Roberts e-detector [1]_ [2]_: with no change the mean number of windows until it
    reaches A is at least A. Thinning candidates only makes it smaller. Single scores count more, by how far
    such sums jump over high thresholds when windows add as many rows as this one and those before it.

    Assumes that sums over a window are normal, and windows independent once rows are divided by the design
    effect.

    References
    ----------
    .. [1] Shin, J., Ramdas, A. and Rinaldo, A. (2023), E-detectors: a nonparametric framework for sequential
       change detection, New England Journal of Statistics in Data Science 2.
    .. [2] Siegmund, D. and Venkatraman, E. S. (1995), Using the generalized likelihood ratio statistic for
       sequential detection of a change-point, Annals of Statistics 23.
    """
    candidates = state.candidates.add(state.windows, start_ms, state.seen)
    seen, windows = state.seen.plus(window), state.windows + 1
    step_rows = min(window.rows, seen.rows / windows)
    each = log_e_since(scores, candidates, seen, state.base, step_rows, least_rows)
    log_e = float(log_sum(each))
    after = replace(state, seen=seen, windows=windows, candidates=candidates.thinned(windows))
    if log_e >= log_threshold:
        place = int(each.argmax())
        after = _changed(after, scores, candidates.before(place), int(candidates.starts_ms[place]))
        is_alarm = after.since_ms is not None
        return after, _evidence(after, scores, log_e, step_rows, log_threshold, is_alarm=is_alarm)
    if state.since_ms is not None and _log_e(scores, state.base.plus(seen), state.normal) < 0.0:
        after = _restarted(replace(after, normal=state.normal.plus(state.base).plus(seen), since_ms=None))
    return after, _evidence(after, scores, log_e, step_rows, log_threshold, is_alarm=False)


def _changed(state: State, scores: Scores, before: Level, start_ms: int) -> State:
    """Begin anew after a change: from normal to something else, on to another, or back to normal."""
    now = state.seen.minus(before)
    if state.since_ms is None:
        normal = state.normal.plus(before)
        return _restarted(replace(state, normal=normal, since_ms=start_ms), base=now)
    if _log_e(scores, now, state.normal) >= 0.0:
        return _restarted(state, base=now)
    return _restarted(replace(state, normal=state.normal.plus(now), since_ms=None))


def _restarted(state: State, base: Level | None = None) -> State:
    """No candidates, nothing seen."""
    width = len(state.seen.sums)
    return replace(
        state,
        base=base or state.normal,
        seen=Level.empty(width),
        windows=0,
        candidates=Candidates.none(width),
    )


def _evidence(
    state: State, scores: Scores, log_e: float, step_rows: float, log_threshold: float, *, is_alarm: bool
) -> Evidence:
    if state.since_ms is None:
        return Evidence(log_e, is_alarm)
    now = state.base.plus(state.seen)
    change = now.means() - state.normal.means()
    low, high = scores.interval(change, max(1.0, now.rows), max(1.0, state.normal.rows))
    needed = log_threshold - FADED + math.log(max(1.0, now.rows / max(1.0, step_rows)))
    is_clear = is_alarm or _log_e(scores, now, state.normal, step_rows) >= needed
    return Evidence(log_e, is_alarm, state.since_ms, scores.moved(change), low, high, is_clear)


def log_e_since(
    scores: Scores, candidates: Candidates, seen: Level, base: Level, step_rows: float, least_rows: float
) -> Floats:
    """The log e-value for each candidate: all since it, against the base with all before it.

    ``step_rows`` are what a window adds. Many features at once when arrays have one more axis before.
    """
    rows, sums = seen.rows - candidates.rows, seen.sums - candidates.sums
    before = base.rows + candidates.rows, base.sums + candidates.sums
    values = log_e_values(scores, rows, sums, *before, step_rows)
    return np.where(rows >= least_rows, values, -np.inf)


def _log_e(scores: Scores, one: Level, other: Level, step_rows: float = 0.0) -> float:
    """The logarithm of the e-value of two means against one."""
    levels = (np.array([one.rows]), one.sums[None], np.array([other.rows]), other.sums[None])
    return float(log_e_values(scores, *levels, step_rows)[0])


class StateLost(Exception):  # noqa: N818  # told of in a finding, never raised to a user
    """A checkpoint that cannot be gone on from; the text says why."""


def encode(state: State) -> bytes:
    """The wire form of a state."""
    of = state.candidates
    levels = [_packed(np.append(each.sums, each.rows)) for each in (state.normal, state.base, state.seen)]
    before = _packed(np.column_stack([of.sums, of.rows]))
    places = [of.numbers.tolist(), of.starts_ms.tolist()]
    return msgspec.msgpack.encode(
        (VERSION, len(state.seen.sums), levels, state.windows, state.since_ms, places, before)
    )


def decode(data: bytes, width: int) -> State:
    """Read what `encode` wrote; raises `StateLost`."""
    try:
        version, known, levels, windows, since_ms, places, before = msgspec.msgpack.decode(data)
        if (version, known) != (VERSION, width):
            raise StateLost(f"stored in version {version} for {known} scores, now {VERSION} for {width}")
        packed = [_unpacked(each) for each in levels]
        normal, base, seen = (Level(float(each[-1]), each[:-1]) for each in packed)
        numbers, starts_ms = (np.array(each, np.int64) for each in places)
        sums = _unpacked(before).reshape(len(numbers), width + 1)
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise StateLost(f"cannot be read: {error}") from None
    candidates = Candidates(numbers, starts_ms, sums[:, -1], sums[:, :-1])
    return State(normal, base, seen, candidates, windows, since_ms)


def _packed(numbers: Floats) -> bytes:
    return numbers.astype("<f8").tobytes()


def _unpacked(data: bytes) -> Floats:
    return np.frombuffer(data, "<f8").astype(np.float64)
