"""A stream's verdicts, by the service's own tests and decisions where anything is close to an alarm.

Most windows are far from one. For these it is enough to know that no p-value can be small enough and that
no e-value reaches its threshold, which is worked out for many windows at once; the others are judged by
`monitor.judge` and by `detectors.e_detector.step`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr

from bench.calibration.streams import CATEGORIES, HOUR_MS, LIMITS, World, names, reference, values
from detectors.budget import alpha
from detectors.cells import interleaved
from detectors.counts import CategoricalCounts, Counts, NumericCounts
from detectors.e_detector import LEAST_ROWS, Candidates, Level, State, log_e_since, step
from detectors.e_values import SIZES, WIDTH, jumps, log_sum
from detectors.grid import Grid, NumericGrid
from detectors.profile import Profile
from detectors.reference import Reference
from detectors.result import Verdict
from detectors.scores import Scores, scores_of
from monitor.accumulating import result_of, verdict_of
from monitor.config.model import Model
from monitor.judge import Rules, judge
from monitor.windows import Span

MARGIN = 30.0  # p-values up to so many times the level are worked out by the test itself

Whole = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shift:
    """From this window on the first feature's mean is another."""

    begins: int
    size: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """Drift said at the end of a window, by ``ks`` or ``chi2`` of so many windows, or by an e-detector."""

    window: int
    feature: str
    detector: str
    multiple: int


def follow(
    world: World, settings: Model, seed: int, shift: Shift | None = None, *, is_calibrated: bool = True
) -> tuple[Alarm, ...]:
    """Everything that says drift in one stream. Uncalibrated, rows count as independent."""
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0.0, 2.0 * np.pi, world.features)
    known = reference(world, phases, rng)
    if not is_calibrated:
        known = replace(known, design_effect={}, longer_effects={})
    counts = {
        name: _counted(world, known, name, phase, rng, shift if name == "f00" else None)
        for name, phase in zip(names(world), phases, strict=True)
    }
    found = [*_over_lengths(known, counts, settings), *_added_up(known, counts, settings)]
    return tuple(sorted(found, key=lambda one: (one.window, one.feature)))


def _counted(
    world: World,
    known: Reference,
    name: str,
    phase: float,
    rng: np.random.Generator,
    shift: Shift | None,
) -> Whole:
    """What every window has between the points of one feature, or in each category.

    No value is one of the reference's points: they are continuous.
    """
    grid = known.grids[name]
    if world.is_independent:
        return _drawn(world, grid, rng, shift)
    rows = values(world, world.windows, world.reference_windows, phase, rng)
    if isinstance(grid, NumericGrid):
        size, cells = len(grid.points) + 1, grid.points.searchsorted(rows)
    else:
        order = np.array([grid.index[text] for text in CATEGORIES.tolist()])
        size, cells = len(CATEGORIES), order[LIMITS.searchsorted(rows)]
    cells += size * np.arange(len(rows))[:, None]
    return np.bincount(cells.ravel(), minlength=size * len(rows)).reshape(-1, size).astype(np.int32)


def _drawn(world: World, grid: Grid, rng: np.random.Generator, shift: Shift | None) -> Whole:
    """The same for independent rows, whose counts are multinomial."""
    limits = grid.points if isinstance(grid, NumericGrid) else LIMITS
    order: Any = slice(None)
    if not isinstance(grid, NumericGrid):
        order = [CATEGORIES.tolist().index(text) for text in grid.categories]
    begins, size = (world.windows, 0.0) if shift is None else (shift.begins, shift.size)
    found = []
    for windows, mean in ((begins, 0.0), (world.windows - begins, size)):
        shares = np.diff(ndtr(limits - mean), prepend=0.0, append=1.0)[order]
        found.append(rng.multinomial(world.rows, shares, windows))
    return np.concatenate(found).astype(np.int32)


def _level(settings: Model, multiple: int) -> float:
    shares = settings.budget_shares(is_estimated=False)
    return alpha(settings.budget, settings.window.seconds, multiple, shares)


def _over_lengths(known: Reference, counts: Mapping[str, Whole], settings: Model) -> Iterator[Alarm]:
    """Windows of 1, 2, 4 ... hours, aligned as the service aligns them."""
    sums = dict(counts)
    for multiple in settings.multiples:
        level = _level(settings, multiple)
        near = np.zeros(len(next(iter(sums.values()))), np.bool_)
        for name, cells in sums.items():
            near |= _may_be_drift(known, name, cells, multiple, MARGIN * level / len(sums))
        rules = Rules(level, settings.min_effect, settings.min_rows, settings.detectors, multiple)
        for at in np.flatnonzero(near).tolist():
            span = Span(at * multiple * HOUR_MS, (at + 1) * multiple * HOUR_MS, multiple)
            now = _profile(known, {name: cells[at] for name, cells in sums.items()})
            for one in judge("m", "", known, now, span, rules):
                if one.verdict is Verdict.DRIFT:
                    yield Alarm((at + 1) * multiple - 1, one.feature, one.detector, multiple)
        sums = {name: _pairs(cells) for name, cells in sums.items()}


def _pairs(cells: Whole) -> Whole:
    return cells[: len(cells) // 2 * 2 : 2] + cells[1::2]


def _may_be_drift(
    known: Reference, name: str, cells: Whole, multiple: int, level: float
) -> NDArray[np.bool_]:
    """Whether the p-value may be as small as this, by the limit of its distribution."""
    usual = known.profile.counts[name]
    n, m = usual.n, cells.sum(axis=1, keepdims=True)
    effective = n * m[:, 0] / (n + m[:, 0]) / known.effect_of(name, multiple)
    if isinstance(usual, NumericCounts):
        reached = np.cumsum(interleaved(usual)) / n
        share = np.cumsum(cells, axis=1, dtype=np.int32) / m.astype(np.float32)
        after = np.abs(share - reached[0::2].astype(np.float32)).max(axis=1)
        before = np.abs(share[:, :-1] - reached[1::2].astype(np.float32)).max(axis=1)
        p = 2.0 * np.exp(-2.0 * effective * np.maximum(before, after) ** 2)
    else:
        pooled = (cells + usual.known) / (n + m)
        p = chdtrc(cells.shape[1] - 1, effective * ((cells / m - usual.known / n) ** 2 / pooled).sum(axis=1))
    result: NDArray[np.bool_] = p <= level
    return result


def _profile(known: Reference, cells: Mapping[str, Whole]) -> Profile:
    counts = {name: _counts(known, name, one.astype(np.int64)) for name, one in cells.items()}
    empty = Profile.empty(known)
    rows = max(one.n for one in counts.values())
    return Profile(rows, counts, empty.checks, empty.identifiers, empty.sample)


def _counts(known: Reference, name: str, cells: NDArray[np.int64]) -> Counts:
    if isinstance(known.profile.counts[name], NumericCounts):
        return NumericCounts(np.zeros(len(cells) - 1, np.int64), cells)
    return CategoricalCounts(cells)


def _added_up(known: Reference, counts: Mapping[str, Whole], settings: Model) -> Iterator[Alarm]:
    """What e-detectors say."""
    if not settings.detectors.sequential:
        return
    threshold = math.log(len(counts) / _level(settings, len(settings.multiples)))
    alike: dict[tuple[int, ...], list[str]] = {}
    scores = {name: _known_scores(known, name) for name in counts}
    for name, one in scores.items():
        alike.setdefault((len(one.components), one.width), []).append(name)
    for group in alike.values():
        near = _reaches(known, {name: scores[name] for name in group}, counts, threshold)
        for name in (name for name, is_near in zip(group, near, strict=True) if is_near):
            yield from _stepped(known, name, scores[name], counts[name], threshold, settings.min_effect)


def _known_scores(known: Reference, name: str) -> Scores:
    found = scores_of(known.profile.counts[name])
    if found is None:
        raise ValueError(f"{name} is constant")
    return found


def _sums(scores: Scores, cells: Whole) -> Floats:
    """The sums of scores of each window; categories that the reference does not know do not come."""
    matrix = scores.matrix[0::2] if scores.is_ordered else scores.matrix[:-1]
    result: Floats = cells.astype(np.float64) @ matrix
    return result


def _reaches(
    known: Reference, scores: Mapping[str, Scores], counts: Mapping[str, Whole], threshold: float
) -> NDArray[np.bool_]:
    """Whether a feature's e-detector, beginning with the reference, reaches its threshold in some window."""
    effects = np.array([known.lasting_effect(name) for name in scores])
    sums = np.stack([_sums(one, counts[name]) for name, one in scores.items()]) / effects[:, None, None]
    rows = np.stack([counts[name].sum(axis=1) for name in scores]) / effects[:, None]
    sums, rows = (np.cumsum(_from_zero(each), axis=1) for each in (sums, rows))
    base = np.array([known.profile.counts[name].n for name in scores]) / effects
    of = tuple(scores.values())
    found = np.zeros(len(of), np.bool_)
    numbers = np.zeros(0, np.int64)
    for at in range(rows.shape[1] - 1):
        numbers = np.append(numbers, at)
        newest = np.minimum(rows[:, at + 1] - rows[:, at], rows[:, at + 1] / (at + 1))
        together = rows[:, numbers], sums[:, numbers], rows[:, at + 1], sums[:, at + 1], base
        highest = _highest(of[0], *together, _most(newest))
        for i in np.flatnonzero(~found & (highest >= threshold)).tolist():
            before = Candidates(numbers, numbers, rows[i, numbers], sums[i, numbers])
            seen, usual = Level(rows[i, at + 1], sums[i, at + 1]), Level(base[i], np.zeros(sums.shape[-1]))
            each = log_e_since(of[i], before, seen, usual, newest[i], LEAST_ROWS)
            found[i] = log_sum(each) >= threshold
        numbers = _thinned(numbers, at + 1)
    return found


def _most(newest: Floats) -> Floats:
    """How much more single scores count because they overshoot, less what their spread costs at the least."""
    spread = newest[:, None] / 2.0 * (WIDTH * np.array(SIZES)) ** 2
    most: Floats = (-np.log(jumps(newest)[:, : len(SIZES)]) - np.log1p(spread) / 2.0).max(axis=-1)
    return most


def _highest(
    scores: Scores,
    before: Floats,
    sums_before: Floats,
    seen: Floats,
    sums_seen: Floats,
    base: Floats,
    most: Floats,
) -> Floats:
    """No e-detector has a larger logarithm: each e-value at the best size of a change, with `_most`."""
    rows, others = np.maximum(seen[:, None] - before, 1e-9), base[:, None] + before
    apart = (sums_seen[:, None] - sums_before) / rows[..., None] - sums_before / others[..., None]
    squares = (rows * others / (rows + others))[..., None] * apart**2
    total = np.zeros(len(base))
    with np.errstate(over="ignore"):
        for part in scores.components:
            ratios = squares[..., part.begin : part.end].sum(axis=-1) / part.rank
            if part.end - part.begin == 1:
                best = ratios / 2.0 + most[:, None]
            else:
                ratios = np.maximum(ratios, 1.0)
                best = part.rank / 2.0 * (ratios - 1.0 - np.log(ratios))
            total += part.weight * np.exp(best).sum(axis=-1)
    return np.log(total)


def _thinned(numbers: NDArray[np.int64], windows: int) -> NDArray[np.int64]:
    """The candidates that the detector keeps."""
    size = len(numbers)
    return Candidates(numbers, numbers, np.zeros(size), np.zeros((size, 0))).thinned(windows).numbers


def _from_zero(each: Floats) -> Floats:
    return np.concatenate([np.zeros_like(each[:, :1]), each], axis=1)


def _stepped(
    known: Reference, name: str, scores: Scores, cells: Whole, threshold: float, min_effect: float
) -> Iterator[Alarm]:
    effect = known.lasting_effect(name)
    state = State.begin(known.profile.counts[name].n / effect, scores.width)
    for at, (sums, rows) in enumerate(zip(_sums(scores, cells), cells.sum(axis=1), strict=True)):
        window = Level(float(rows) / effect, sums / effect)
        state, evidence = step(state, scores, window, at, threshold)
        result = result_of(state, evidence, int(rows), "")
        if verdict_of(result, evidence, min_effect) is Verdict.DRIFT:
            yield Alarm(at, name, "e_detector", 1)
