"""Predictions meet labels, in whatever order they come, each pair once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from detectors.outputs import OutputRows
from monitor.join import entry
from monitor.join.arrivals import Labels, Learnable, Met, Predictions, Rows
from monitor.join.entry import (
    HAS_FEATURES,
    HAS_LABEL,
    HAS_PREDICTION,
    LABEL_LATE,
    PREDICTION_LATE,
    UNKNOWN_MS,
    Entries,
)
from monitor.join.runs import Run, fill, merged, put
from monitor.join.table import Change, JoinTable, Position
from monitor.source.base import TopicPartition

_MOST_COUNTED = 255
_FLUSHED_ROWS = 100_000
_FLUSHED_COMMITS = 4
"""The table is written when so many entries or commits have gathered: a label that comes soon after its
prediction then costs no write of its own. What a crash takes from memory is read again from the topics."""
_SAMPLE = 2_000
NO_FEATURES: Mapping[int, bytes] = MappingProxyType({})
_EVICTED = 0.25


@dataclass(frozen=True, slots=True)
class Terms:
    """How one model's predictions and labels are joined.

    A label whose time lies more than ``horizon_ms`` after the prediction's is too late. ``signature`` names
    what the numbers in entries mean (the classes, the scores): entries with another meaning are forgotten.
    ``variants`` are those of an experiment.
    """

    model: str
    window_ms: int
    horizon_ms: int
    n_scores: int
    signature: str
    variants: tuple[str, ...] = ()

    @property
    def meaning(self) -> str:
        """What entries have to agree in."""
        return f"{self.signature} {self.variants!r}" if self.variants else self.signature

    def start_of(self, times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the starts of the windows of these times."""
        return times_ms - times_ms % self.window_ms


class Joiner:
    """The join of all models that this process reads; ``joined`` counts by model what was committed.

    What arrives changes entries in memory only; `committed` says that the results database has what they
    led to, and the table on the disk gets them some time after. `abandon` forgets what was not committed.
    """

    def __init__(self, table: JoinTable) -> None:
        self.table = table
        self.evicted = 0
        self.joined: Counter[str] = Counter()
        self._terms: dict[str, Terms] = {}
        self._types: dict[str, np.dtype[np.void]] = {}
        self._changed: dict[str, list[Run]] = {}
        self._ready: dict[str, list[Run]] = {}
        self._features: dict[str, dict[int, bytes | None]] = {}  # None: no longer needed
        self._ready_features: dict[str, dict[int, bytes | None]] = {}
        self._positions: dict[TopicPartition, Position] = {}
        self._met: dict[str, Met] = {}
        self._clocks_ms: dict[str, int] = {}
        self._unwritten = 0

    def follow(self, terms: Terms) -> None:
        """Join a model on these terms from now on."""
        if self._terms.get(terms.model) == terms:
            return
        dtype = entry.entry_type(terms.n_scores, has_variants=bool(terms.variants))
        if not self.table.model(terms.model, terms.meaning, dtype):
            self.table.forget_positions()
            self._positions.clear()
        self._terms[terms.model] = terms
        self._types[terms.model] = dtype
        for runs in (self._changed, self._ready):
            runs[terms.model] = []
        for features in (self._features, self._ready_features):
            features[terms.model] = {}

    @property
    def met(self) -> Mapping[str, Met]:
        """What was joined since the last commit, by model."""
        return self._met

    def positions(self) -> dict[TopicPartition, Position]:
        """How far each partition's messages are known, on the disk or in memory, where they wait for it."""
        return {**self.table.positions(), **self._positions}

    # -- arrivals ---------------------------------------------------------------------------------------

    def predictions(
        self, arrived: Predictions, features: Mapping[int, bytes] = NO_FEATURES, *, counts: bool = True
    ) -> None:
        """Remember predictions and join those whose labels are there; of equal ids the first one counts.

        ``features`` are those of sampled rows, by hash of the id: they are kept until the label comes.
        Without ``counts`` all is only remembered: the results of these messages are known already.
        """
        chosen = np.sort(np.unique(arrived.hashes, return_index=True)[1])
        hashes = arrived.hashes[chosen]
        known, entries = self._find(arrived.model, hashes)
        is_new = (entries["flags"] & HAS_PREDICTION) == 0
        chosen, entries, known = chosen[is_new], entries[is_new], known[is_new]
        seen_ms = entries["time_ms"][known]
        entries["time_ms"] = arrived.times_ms[chosen]
        entries["prediction"] = arrived.rows.prediction[chosen]
        entries["scores"] = arrived.rows.scores[chosen]
        if arrived.variants is not None:
            entries["variant"] = arrived.variants[chosen]
        entries["partition"] = self.table.number_of(arrived.partition)
        entries["flags"] |= HAS_PREDICTION | np.where(arrived.is_late[chosen], PREDICTION_LATE, 0).astype(
            "u1"
        )
        hashes = hashes[is_new]
        if features:
            sampled = [key in features for key in hashes.tolist()]
            entries["flags"][sampled] |= HAS_FEATURES
            self._features[arrived.model].update({key: features[key] for key in hashes[sampled].tolist()})
        self._keep(arrived.model, hashes, entries)
        if counts and known.any():
            self._found_label(self._terms[arrived.model], hashes[known], entries[known], seen_ms)

    def labels(self, arrived: Labels, *, counts: bool = True) -> None:
        """Join labels with their predictions, or let them wait; as for `predictions`."""
        for chosen in _rounds(arrived.hashes):
            self._labels(arrived, chosen, counts=counts)

    def _labels(self, arrived: Labels, chosen: NDArray[np.intp], *, counts: bool) -> None:
        terms = self._terms[arrived.model]
        hashes, values = arrived.hashes[chosen], arrived.values[chosen]
        _, entries = self._find(arrived.model, hashes)
        had_label = (entries["flags"] & HAS_LABEL) != 0
        has_prediction = (entries["flags"] & HAS_PREDICTION) != 0
        metric = _metric_of(arrived, chosen, entries)
        is_same = had_label & _equal(entries["label"], values) & _equal(_metrics(entries), metric)
        is_changed = had_label & ~is_same
        before = entries[is_changed & has_prediction].copy()
        fresh = ~had_label
        entries["label"][~is_same] = values[~is_same]
        if terms.variants:
            entries["metric"] = metric
        entries["first_label"][fresh] = values[fresh]
        entries["label_time_ms"][fresh] = arrived.times_ms[chosen][fresh]
        entries["label_partition"][fresh] = self.table.number_of(arrived.partition)
        entries["flags"][fresh] |= HAS_LABEL
        entries["flags"][fresh & arrived.is_late[chosen]] |= LABEL_LATE
        waits = fresh & ~has_prediction
        entries["time_ms"][waits] = arrived.seen_ms[chosen][waits]
        _count_up(entries["duplicates"], is_same & ~has_prediction)
        _count_up(entries["corrected"], is_changed & ~has_prediction)
        self._keep(arrived.model, hashes, entries)
        if not counts:
            return
        self._join(terms, hashes[fresh & has_prediction], entries[fresh & has_prediction])
        changed = is_changed & has_prediction
        self._correct(terms, hashes[changed], before, entries[changed])
        again = is_same & has_prediction
        self._tally(terms, entries[again], "duplicates", np.ones(int(again.sum()), np.int64))
        self._unmatched(terms, entries[waits], arrived.seen_ms[chosen][waits], 1)

    # -- what they lead to ------------------------------------------------------------------------------

    def _found_label(
        self, terms: Terms, hashes: NDArray[np.uint64], entries: Entries, seen_ms: NDArray[np.int64]
    ) -> None:
        """Join predictions whose labels were there before them, met at these times."""
        self._unmatched(terms, entries, seen_ms, -1)
        self._tally(terms, entries, "duplicates", entries["duplicates"])
        self._tally(terms, entries, "corrected", entries["corrected"])
        self._join(terms, hashes, entries)

    def _join(self, terms: Terms, hashes: NDArray[np.uint64], entries: Entries) -> None:
        in_time = _in_time(terms, entries)
        self._learn(terms, hashes, entries)
        self._tally(terms, entries[~in_time], "too_late", np.ones(int((~in_time).sum()), np.int64))
        entries, hashes = entries[in_time], hashes[in_time]
        is_fed = (entries["flags"] & (PREDICTION_LATE | LABEL_LATE)) == 0
        self._give(terms, _rows(entries, hashes, 1, is_fed))

    def _learn(self, terms: Terms, hashes: NDArray[np.uint64], entries: Entries) -> None:
        """Take the features of sampled rows out of the table, now that the label is there."""
        sampled = (entries["flags"] & HAS_FEATURES) != 0
        if not sampled.any():
            return
        keys = hashes[sampled].tolist()
        fresh, written = self._features[terms.model], self._ready_features[terms.model]
        found = [fresh.get(key) or written.get(key) for key in keys]
        stored = self.table.features(
            terms.model, [key for key, data in zip(keys, found, strict=True) if not data]
        )
        rest = iter(stored)
        for key, data, row in zip(keys, found, entries[sampled], strict=True):
            features = data or next(rest)
            fresh[key] = None
            if features:
                learnable = Learnable(
                    int(row["time_ms"]), features, float(row["label"]), float(row["prediction"])
                )
                self._met_by(terms.model).learnable.append(learnable)

    def _correct(self, terms: Terms, hashes: NDArray[np.uint64], before: Entries, entries: Entries) -> None:
        """Take back what a joined label said, and say what the new one says."""
        self._tally(terms, entries, "corrected", np.ones(len(entries), np.int64))
        in_time = _in_time(terms, entries)
        nothing = np.zeros(int(in_time.sum()), np.bool_)
        self._give(terms, _rows(before[in_time], hashes[in_time], -1, nothing))
        self._give(terms, _rows(entries[in_time], hashes[in_time], 1, nothing))

    def _give(self, terms: Terms, rows: Rows) -> None:
        if len(rows):
            self._met_by(terms.model).rows.append(rows)

    def _tally(self, terms: Terms, entries: Entries, what: str, counts: NDArray[np.int64]) -> None:
        """Count something in the windows of these predictions."""
        starts = terms.start_of(entries["time_ms"])
        self._add(terms.model, what, entries["partition"], starts, counts)

    def _unmatched(self, terms: Terms, entries: Entries, seen_ms: NDArray[np.int64], change: int) -> None:
        """Count labels without a prediction in the windows of their own times, or of when they were met."""
        times = entries["label_time_ms"]
        starts = terms.start_of(np.where(times == UNKNOWN_MS, seen_ms, times))
        counts = np.full(len(entries), change)
        self._add(terms.model, "unmatched", entries["label_partition"], starts, counts)

    def _add(
        self,
        model: str,
        what: str,
        numbers: NDArray[np.uint16],
        starts: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> None:
        """Add up counts by number of the partition and start of the window."""
        for number in np.unique(numbers[counts != 0]).tolist():
            mine = (numbers == number) & (counts != 0)
            windows, at = np.unique(starts[mine], return_inverse=True)
            sums = np.zeros(len(windows), np.int64)
            np.add.at(sums, at, counts[mine])
            for start, count in zip(windows.tolist(), sums.tolist(), strict=True):
                tally = self._met_by(model).tally(number, start)
                setattr(tally, what, getattr(tally, what) + count)

    def _met_by(self, model: str) -> Met:
        return self._met.setdefault(model, Met())

    # -- entries ----------------------------------------------------------------------------------------

    def _find(self, model: str, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], Entries]:
        """Which ids are known, and their entries; blank ones for the others."""
        entries = entry.blank(len(hashes), self._types[model])
        known = fill([*self.table.runs(model), *self._ready[model], *self._changed[model]], hashes, entries)
        return known, entries

    def _keep(self, model: str, hashes: NDArray[np.uint64], entries: Entries) -> None:
        put(self._changed[model], Run.of(hashes, entries))

    def committed(self, positions: Mapping[TopicPartition, Position], clocks_ms: Mapping[str, int]) -> None:
        """Note that the results database has what was met; ``clocks_ms`` is each model's event time.

        Every few calls write the table. Raises `JoinError` when the disk does not take it: nothing is lost, a
        later call writes it.
        """
        for model, runs in self._changed.items():
            for run in runs:
                put(self._ready[model], run)
            runs.clear()
            self._ready_features[model].update(self._features[model])
            self._features[model].clear()
        for model, met in self._met.items():
            self.joined[model] += sum(int(rows.sign.sum()) for rows in met.rows)
        self._met.clear()
        self._positions.update(positions)
        self._clocks_ms.update(clocks_ms)
        self._unwritten += 1
        if self._unwritten >= _FLUSHED_COMMITS or self._waiting_rows() >= _FLUSHED_ROWS:
            self.flush()

    def _waiting_rows(self) -> int:
        return sum(len(run) for runs in self._ready.values() for run in runs)

    def flush(self) -> None:
        """Write what is committed to the table now."""
        self._write(self._clocks_ms)
        self._unwritten = 0

    def _write(self, clocks_ms: Mapping[str, int]) -> None:
        entries = {model: merged(runs) for model, runs in self._ready.items() if runs}
        before_ms = {
            model: clock_ms - self._terms[model].horizon_ms - self._terms[model].window_ms
            for model, clock_ms in clocks_ms.items()
            if model in self._terms
        }
        self.table.write(Change(entries, self._positions, self._ready_features, before_ms))
        for model in self._ready:
            self._ready[model].clear()
            self._ready_features[model].clear()
        self._evict(entries)

    def _evict(self, models: Iterable[str]) -> None:
        """Make room before the file is full: the oldest entries go before their time, and are counted."""
        for model in models:
            while self.table.used_share() > 1 and (times := self.table.sample_times(model, _SAMPLE)):
                self.evicted += self.table.drop(model, int(np.quantile(times, _EVICTED)) + 1)

    def clear(self) -> None:
        """Forget everything, on the disk too: all of it is to be read again."""
        self.abandon()
        for model in self._ready:
            self._ready[model].clear()
            self._ready_features[model].clear()
        self._positions.clear()
        self.table.clear()

    def abandon(self) -> None:
        """Forget what was not committed."""
        for runs in self._changed.values():
            runs.clear()
        for features in self._features.values():
            features.clear()
        self._met.clear()


def _rounds(hashes: NDArray[np.uint64]) -> Iterator[NDArray[np.intp]]:
    """Positions of all labels, in order, so that no id comes twice in one round."""
    left = np.arange(len(hashes))
    while len(left):
        first = np.sort(np.unique(hashes[left], return_index=True)[1])
        yield left[first]
        left = np.delete(left, first)


def _equal(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (one == other) | (np.isnan(one) & np.isnan(other))
    return same


def _count_up(counts: NDArray[np.uint8], where: NDArray[np.bool_]) -> None:
    counts[where] = np.minimum(counts[where].astype(np.int64) + 1, _MOST_COUNTED)


def _in_time(terms: Terms, entries: Entries) -> NDArray[np.bool_]:
    late_by = entries["label_time_ms"] - entries["time_ms"] > terms.horizon_ms
    in_time: NDArray[np.bool_] = ~late_by | (entries["label_time_ms"] == UNKNOWN_MS)
    return in_time


def _rows(entries: Entries, hashes: NDArray[np.uint64], sign: int, is_fed: NDArray[np.bool_]) -> Rows:
    times, label_times = entries["time_ms"], entries["label_time_ms"]
    has_time = label_times != UNKNOWN_MS
    return Rows(
        sign=np.full(len(entries), sign, np.int64),
        hashes=hashes,
        times_ms=times.astype(np.int64),
        known_ms=np.maximum(times, label_times),
        delays_ms=np.where(has_time, np.maximum(label_times - times, 0), -1),
        partitions=entries["partition"].astype(np.int64),
        outputs=OutputRows(entries["prediction"].astype(np.float64), entries["scores"].astype(np.float64)),
        labels=entries["label"].astype(np.float64),
        first_labels=entries["first_label"].astype(np.float64),
        is_fed=is_fed,
        variants=_variants(entries),
        metric=_metrics(entries),
    )


def _metric_of(arrived: Labels, chosen: NDArray[np.intp], entries: Entries) -> NDArray[np.float64]:
    """The metric after these labels: what is known stays where a label brings none."""
    known = _metrics(entries)
    if arrived.metric is None:
        return known
    came = arrived.metric[chosen]
    return np.where(np.isnan(came), known, came)


def _metrics(entries: Entries) -> NDArray[np.float64]:
    if "metric" in (entries.dtype.names or ()):
        return entries["metric"].astype(np.float64)
    return np.full(len(entries), np.nan)


def _variants(entries: Entries) -> NDArray[np.uint8]:
    if "variant" in (entries.dtype.names or ()):
        return entries["variant"].astype(np.uint8)
    return np.zeros(len(entries), np.uint8)
