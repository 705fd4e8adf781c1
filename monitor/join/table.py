"""The table on disk in which predictions wait for labels. The only importer of lmdb.

Everything in it can be read again from the topics: losing it costs time, not results. It is written after
the results database, so it is never ahead of it, and the stretch that it lacks after a crash is read again.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lmdb
import msgspec
import numpy as np

from monitor.errors import JoinError
from monitor.join import files
from monitor.join.folder import Folder
from monitor.join.rewriting import Rewrite, Stored, Thinned, sampled
from monitor.join.runs import Run, kept, latest_ms, pieces
from monitor.source.base import TopicPartition
from monitor.windows import NEVER_MS

_META = b":meta"
_NONE = np.empty(0, np.uint64)
_MAX_MODELS = 4096
_FULL_SHARE = 0.4
"""Of the bound, what entries may take: they are all there twice while they are put together."""
_FULL_SHARE_FEATURES = 0.2
"""The same for features: a write copies the pages it changes, and the copies that the last write replaced are
not free yet."""
_OFFSET = struct.Struct("<q")
_KEY = struct.Struct(">Q")
_TIMES = struct.Struct("<qq")


class Position(msgspec.Struct, frozen=True):
    """How far a partition is in the table: the next offset, and each model's event time there.

    ``waiting`` are the halves of calls that waited there, and until when, by model and offset.
    """

    next: int
    event_ms: dict[str, int] = {}
    waiting: dict[str, dict[int, int]] = {}


_POSITION = msgspec.msgpack.Decoder(Position)


@dataclass(frozen=True, slots=True)
class Change:
    """Entries to be written, by model and hash of the id, and how far the topics are in them."""

    entries: Mapping[str, Run]
    positions: Mapping[TopicPartition, Position]
    features: Mapping[str, Mapping[int, bytes | None]]  # of sampled rows; None: no longer needed
    before_ms: Mapping[str, int] = field(default_factory=dict)  # what is older is past the horizon


class JoinTable:
    """Entries by model and 64-bit hash of the id, and the offsets up to which they are known.

    Entries are in runs (`monitor.join.runs`), each in files of its own; LMDB says which runs there are,
    and holds positions and features.

    ``max_bytes`` bounds the file. ``identity`` names what it belongs to (database, consumer group): the table
    of another owner is emptied when it is opened. All methods may raise `JoinError`.
    """

    def __init__(self, state_dir: Path, max_bytes: int, identity: str) -> None:
        self._folder = Folder.taken(state_dir, identity)
        self._max_bytes = max_bytes
        with self._told():
            self._env = lmdb.open(
                str(self._folder.path),
                map_size=max_bytes,
                max_dbs=_MAX_MODELS,
                metasync=False,
                sync=not self._folder.is_durable,
            )
            self._meta = self._env.open_db(_META)
            self._features: dict[str, lmdb._Database] = {}
            self._types: dict[str, np.dtype[np.void]] = {}
            self._runs: dict[str, list[Stored]] = {}
            numbers = {number for _, number, _ in self._run_items()}
            files.remove_others(self._folder.path, numbers)
            self._next_number = max(numbers, default=0) + 1
            self._partitions = self._read_partitions()

    # -- what is where ----------------------------------------------------------------------------------

    def _read_partitions(self) -> list[TopicPartition]:
        found: dict[int, TopicPartition] = {}
        for key, value in self._meta_items(b"n:"):
            topic, number = _named(key)
            found[_OFFSET.unpack(value)[0]] = TopicPartition(topic, number)
        return [found[index] for index in range(len(found))]

    def _meta_items(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        with self._env.begin() as txn, txn.cursor(self._meta) as cursor:
            if not cursor.set_range(prefix):
                return []
            items = []
            for key, value in cursor:
                if not key.startswith(prefix):
                    break
                items.append((bytes(key[len(prefix) :]), bytes(value)))
            return items

    def _run_items(self) -> list[tuple[str, int, bytes]]:
        return [(*_named(key), value) for key, value in self._meta_items(b"r:")]

    def model(self, name: str, signature: str, dtype: np.dtype[np.void]) -> bool:
        """Open a model's entries; False when they were emptied because they had another meaning."""
        with self._told():
            with self._env.begin(write=True) as txn:
                key, mine = b"s:" + name.encode(), signature.encode()
                known = txn.get(key, db=self._meta)
                self._features[name] = self._env.open_db(b"f:" + name.encode(), txn=txn)
                if known not in (None, mine):
                    self._empty(txn, name)
                txn.put(key, mine, db=self._meta)
            self._types[name] = dtype
            self._runs[name] = self._read_runs(name)
        return known in (None, mine)

    def _read_runs(self, model: str) -> list[Stored]:
        found = []
        for number, value in sorted(
            (number, value) for of, number, value in self._run_items() if of == model
        ):
            count, latest = _TIMES.unpack(value)
            found.append(
                Stored(number, files.read(self._folder.path, number, count, self._types[model]), latest)
            )
        return found

    def _empty(self, txn: Any, model: str) -> None:
        for of, number, _ in self._run_items():
            if of == model:
                txn.delete(_run_key(model, number), db=self._meta)
                files.remove(self._folder.path, number)
        txn.drop(self._features[model], delete=False)

    def forget_positions(self) -> None:
        """Let everything be read again from the topics."""
        with self._told():
            keys = [b"p:" + key for key, _ in self._meta_items(b"p:")]
            with self._env.begin(write=True) as txn:
                for key in keys:
                    txn.delete(key, db=self._meta)

    def clear(self) -> None:
        """Empty it, because it knows more than the results database does."""
        self.forget_positions()
        with self._told():
            with self._env.begin(write=True) as txn:
                for model in self._runs:
                    self._empty(txn, model)
            for model in self._runs:
                self._runs[model] = []

    def positions(self) -> dict[TopicPartition, Position]:
        """How far each partition's messages are in the table."""
        with self._told():
            found = self._meta_items(b"p:")
        return {TopicPartition(*_named(key)): _POSITION.decode(value) for key, value in found}

    def number_of(self, partition: TopicPartition) -> int:
        """Give the small number by which entries name a partition."""
        if partition not in self._partitions:
            with self._told(), self._env.begin(write=True) as txn:
                txn.put(b"n:" + _name(partition), _OFFSET.pack(len(self._partitions)), db=self._meta)
            self._partitions.append(partition)
        return self._partitions.index(partition)

    def partition_of(self, number: int) -> TopicPartition:
        """Give the partition that has this number."""
        return self._partitions[number]

    def runs(self, model: str) -> list[Run]:
        """Give a model's entries, oldest first; those of an id are in the last run that has it."""
        return [each.run for each in self._runs[model]]

    def features(self, model: str, hashes: Sequence[int]) -> list[bytes | None]:
        """Give the features that are kept of these ids, None for those that have none."""
        pack = _KEY.pack
        with self._told(), self._env.begin(db=self._features[model]) as txn:
            return [txn.get(pack(each)) for each in hashes]

    def write(self, change: Change) -> None:
        """Write entries and positions: all of them, or nothing."""
        with self._told():
            plans = {
                model: self._planned(model, run, change) for model, run in change.entries.items() if len(run)
            }
            with self._env.begin(write=True) as txn:
                for model, plan in plans.items():
                    self._note(txn, model, plan)
                self._write_features(txn, change.features)
                for partition, position in change.positions.items():
                    txn.put(b"p:" + _name(partition), msgspec.msgpack.encode(position), db=self._meta)
            for model, plan in plans.items():
                self._settle(model, plan)

    def _planned(self, model: str, run: Run, change: Change) -> Rewrite:
        """Write a run to a file of its own, together with those before it that are not much larger."""
        old = self._runs[model]
        before_ms = change.before_ms.get(model, NEVER_MS)
        gone = 0  # the oldest go as they are when all in them is past the horizon
        while gone < len(old) and old[gone].latest_ms < before_ms:
            gone += 1
        stays = max(gone, kept([len(each.run) for each in old], len(run)))
        return self._rewritten(model, gone, stays, [*(each.run for each in old[stays:]), run], before_ms)

    def _rewritten(self, model: str, gone: int, stays: int, runs: Sequence[Run], before_ms: int) -> Rewrite:
        """Write these runs as one; what is past the horizon goes where no older run can still have it."""
        thinned = Thinned(before_ms if stays == gone else NEVER_MS)
        old, number = self._runs[model], self._next_number
        count = files.write(
            self._folder.path, number, map(thinned.of, pieces(runs)), is_synced=not self._folder.is_durable
        )
        self._next_number += 1
        fresh = Stored(number, Run(_NONE, np.empty(0, self._types[model])), thinned.latest_ms)
        if count:
            fresh = replace(fresh, run=files.read(self._folder.path, number, count, self._types[model]))
        left = [key for each in old[:gone] for key in sampled(each.run)] + thinned.sampled
        return Rewrite([*old[:gone], *old[stays:]], fresh, [*old[gone:stays], fresh], left, thinned.dropped)

    def _note(self, txn: Any, model: str, plan: Rewrite) -> None:
        for each in plan.replaced:
            txn.delete(_run_key(model, each.number), db=self._meta)
        txn.put(
            _run_key(model, plan.fresh.number),
            _TIMES.pack(len(plan.fresh.run), plan.fresh.latest_ms),
            db=self._meta,
        )
        for key in plan.left:
            txn.delete(_KEY.pack(key), db=self._features[model])

    def _settle(self, model: str, plan: Rewrite) -> None:
        self._runs[model] = plan.runs
        for each in plan.replaced:
            files.remove(self._folder.path, each.number)

    def _write_features(self, txn: Any, changed: Mapping[str, Mapping[int, bytes | None]]) -> None:
        for model, features in changed.items():
            for each, data in features.items():
                if data is None:
                    txn.delete(_KEY.pack(each), db=self._features[model])
                else:
                    txn.put(_KEY.pack(each), data, db=self._features[model])

    def entries(self, model: str) -> int:
        """Give the number of entries of a model; an id may have one in several runs."""
        return sum(len(each.run) for each in self._runs[model])

    def used_share(self) -> float:
        """How full the table is: 1 when the oldest entries have to go before their time."""
        with self._told(), self._env.begin() as txn:
            stats = [txn.stat(each) for each in self._features.values()]
        pages = sum(stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"] for stat in stats)
        in_runs = sum(self.entries(model) * (_KEY.size + self._types[model].itemsize) for model in self._runs)
        used = in_runs / _FULL_SHARE + pages * self._env.stat()["psize"] / _FULL_SHARE_FEATURES
        return float(used / self._max_bytes)

    def drop(self, model: str, before_ms: int) -> int:
        """Drop all old entries at once; give their number."""
        with self._told():
            plan = self._rewritten(model, 0, 0, self.runs(model), before_ms)
            with self._env.begin(write=True) as txn:
                self._note(txn, model, plan)
            self._settle(model, plan)
        return plan.dropped

    def sample_times(self, model: str, at_most: int) -> list[int]:
        """Times of about so many entries: as good as a random sample, because ids are hashed."""
        runs = self.runs(model)
        share = min(1.0, at_most / max(1, sum(map(len, runs))))
        parts = [latest_ms(run.entries[: math.ceil(len(run) * share)]) for run in runs]
        return [time_ms for part in parts for time_ms in part.tolist()]

    def close(self) -> None:
        """Put everything on the disk and let go of it."""
        with self._told():
            self._env.sync(True)
            self._env.close()
            files.sync(self._folder.path)
            self._folder.release()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (lmdb.Error, OSError, ValueError) as error:
            raise JoinError(f"service.state_dir: {self._folder.path}: {error}") from error


def _run_key(model: str, number: int) -> bytes:
    return f"r:{model}:{number}".encode()


def _name(partition: TopicPartition) -> bytes:
    return f"{partition.topic}:{partition.partition}".encode()


def _named(key: bytes) -> tuple[str, int]:
    topic, _, number = key.decode().rpartition(":")
    return topic, int(number)
