"""The table on disk in which predictions wait for labels. The only importer of lmdb.

Everything in it can be read again from the topics: losing it costs time, not results. It is written after
the results database, so it is never ahead of it, and the stretch that it lacks after a crash is read again.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lmdb
import msgspec

from monitor.errors import JoinError
from monitor.join.entry import FLAGS_AT, HAS_FEATURES
from monitor.join.folder import Folder
from monitor.source.base import TopicPartition

_META = b":meta"
_MAX_MODELS = 4096
_FULL_SHARE = 0.2
"""Of the bound, what live pages may take: a write copies the pages it changes, and the copies that the last
write replaced are not free yet."""
_OFFSET = struct.Struct("<q")
_KEY = struct.Struct(">Q")
_TIMES = struct.Struct("<qq")


class Position(msgspec.Struct, frozen=True):
    """How far a partition is in the table: the next offset, and each model's event time there."""

    next: int
    event_ms: dict[str, int] = {}


_POSITION = msgspec.msgpack.Decoder(Position)


@dataclass(frozen=True, slots=True)
class Change:
    """Entries to be written, by model and hash of the id, and how far the topics are in them."""

    entries: Mapping[str, Mapping[int, bytes]]
    positions: Mapping[TopicPartition, Position]
    features: Mapping[str, Mapping[int, bytes | None]]  # of sampled rows; None: no longer needed


class JoinTable:
    """Entries by model and 64-bit hash of the id, and the offsets up to which they are known.

    ``max_bytes`` bounds the file. ``identity`` names what it belongs to (database, consumer group): the table
    of another owner is emptied when it is opened. All methods may raise `JoinError`.
    """

    def __init__(self, state_dir: Path, max_bytes: int, identity: str) -> None:
        self._folder = Folder.taken(state_dir, identity)
        self._max_bytes = max_bytes
        self._sweep_at: dict[str, bytes] = {}
        with self._told():
            self._env = lmdb.open(
                str(self._folder.path),
                map_size=max_bytes,
                max_dbs=_MAX_MODELS,
                metasync=False,
                sync=not self._folder.is_durable,
            )
            self._meta = self._env.open_db(_META)
            self._models: dict[str, lmdb._Database] = {}
            self._features: dict[str, lmdb._Database] = {}
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

    def model(self, name: str, signature: str) -> bool:
        """Open a model's entries; False when they were emptied because they had another meaning."""
        with self._told(), self._env.begin(write=True) as txn:
            key, mine = b"s:" + name.encode(), signature.encode()
            known = txn.get(key, db=self._meta)
            database = self._env.open_db(b"m:" + name.encode(), txn=txn)
            features = self._env.open_db(b"f:" + name.encode(), txn=txn)
            if known not in (None, mine):
                txn.drop(database, delete=False)
                txn.drop(features, delete=False)
            txn.put(key, mine, db=self._meta)
        self._models[name], self._features[name] = database, features
        return known in (None, mine)

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
        with self._told(), self._env.begin(write=True) as txn:
            for database in (*self._models.values(), *self._features.values()):
                txn.drop(database, delete=False)

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

    def lookup(self, model: str, hashes: Sequence[int]) -> list[bytes | None]:
        """Give the entries of these ids, None for those that have none."""
        pack = _KEY.pack
        with self._told(), self._env.begin(db=self._models[model]) as txn:
            get = txn.get
            return [get(pack(each)) for each in hashes]

    def features(self, model: str, hashes: Sequence[int]) -> list[bytes | None]:
        """Give the features that are kept of these ids, None for those that have none."""
        pack = _KEY.pack
        with self._told(), self._env.begin(db=self._features[model]) as txn:
            return [txn.get(pack(each)) for each in hashes]

    def write(self, change: Change) -> None:
        """Write entries and positions in one transaction."""
        pack = _KEY.pack
        with self._told(), self._env.begin(write=True) as txn:
            for model, entries in change.entries.items():
                rows = sorted((pack(each), value) for each, value in entries.items())
                with txn.cursor(self._models[model]) as cursor:
                    cursor.putmulti(rows)
            for model, features in change.features.items():
                for each, data in features.items():
                    if data is None:
                        txn.delete(pack(each), db=self._features[model])
                    else:
                        txn.put(pack(each), data, db=self._features[model])
            for partition, position in change.positions.items():
                txn.put(b"p:" + _name(partition), msgspec.msgpack.encode(position), db=self._meta)

    def entries(self, model: str) -> int:
        """Give the number of entries of a model."""
        with self._told(), self._env.begin() as txn:
            return int(txn.stat(self._models[model])["entries"])

    def used_share(self) -> float:
        """How full the table is: 1 when the oldest entries have to go before their time."""
        with self._told(), self._env.begin() as txn:
            stats = [txn.stat(each) for each in (*self._models.values(), *self._features.values())]
        pages = sum(stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"] for stat in stats)
        return float(pages * self._env.stat()["psize"] / (_FULL_SHARE * self._max_bytes))

    def sweep(self, model: str, before_ms: int, at_most: int) -> int:
        """Look at the next so many entries, round and round, and drop the old ones; give their number."""
        start = self._sweep_at.get(model, b"")
        dropped, self._sweep_at[model] = self._drop(model, before_ms, start, at_most)
        return dropped

    def drop(self, model: str, before_ms: int) -> int:
        """Drop all old entries at once; give their number."""
        return self._drop(model, before_ms, b"", self.entries(model))[0]

    def _drop(self, model: str, before_ms: int, start: bytes, at_most: int) -> tuple[int, bytes]:
        """Drop old ones of so many entries; give their number, and the key to go on with."""
        dropped = 0
        with self._told(), self._env.begin(write=True) as txn, txn.cursor(self._models[model]) as cursor:
            more = cursor.set_range(start)
            for _ in range(at_most):
                if not more:
                    return dropped, b""
                value = cursor.value()
                if max(_TIMES.unpack_from(value)) < before_ms:
                    if value[FLAGS_AT] & HAS_FEATURES:
                        txn.delete(bytes(cursor.key()), db=self._features[model])
                    more = cursor.delete() and bool(cursor.key())
                    dropped += 1
                else:
                    more = cursor.next()
            return dropped, bytes(cursor.key()) if more else b""

    def sample_times(self, model: str, at_most: int) -> list[int]:
        """Times of the first so many entries: as good as a random sample, because ids are hashed."""
        times = []
        with self._told(), self._env.begin() as txn:
            for _, value in txn.cursor(self._models[model]):
                times.append(max(_TIMES.unpack_from(value)))
                if len(times) == at_most:
                    break
        return times

    def close(self) -> None:
        """Put everything on the disk and let go of it."""
        with self._told():
            self._env.sync(True)
            self._env.close()
            self._folder.release()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (lmdb.Error, OSError) as error:
            raise JoinError(f"service.state_dir: {self._folder.path}: {error}") from error


def _name(partition: TopicPartition) -> bytes:
    return f"{partition.topic}:{partition.partition}".encode()


def _named(key: bytes) -> tuple[str, int]:
    topic, _, number = key.decode().rpartition(":")
    return topic, int(number)
