"""Duplicate ids, counted in bounded memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAX_KEPT = 4096  # distinct ids whose number of rows is known: at most 64 kB
HASH_KEY = "driftd.ids.00001"  # sixteen bytes; another key is another hash, so it never changes
VERSION = 1

Hashes = NDArray[np.uint64]


class Duplicates(NamedTuple):
    """How many rows repeat the id of another row, and how sure that is."""

    rows: float
    standard_error: float
    is_exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class Identifiers:
    """The `MAX_KEPT` distinct ids with the smallest hashes, each with the number of its rows.

    An id that is among the smallest of a union is among the smallest of each
    part, so its count is complete and merging is exact: order and grouping do
    not matter. ``is_complete`` says that no id had to be left out.
    """

    rows: int
    hashes: Hashes  # strictly increasing
    counts: NDArray[np.int64]
    is_complete: bool = True

    @classmethod
    def empty(cls) -> Self:
        return cls(0, np.zeros(0, np.uint64), np.zeros(0, np.int64))

    @classmethod
    def from_ids(cls, ids: NDArray[np.object_]) -> Self:
        """The ids (``str``) of one batch; rows without an id (None) are left out."""
        has_id = ids != None  # noqa: E711  # element by element
        hashes = np.sort(hash_ids(ids if has_id.all() else ids[has_id]))
        starts = _run_starts(hashes)
        counts = np.diff(np.append(starts, len(hashes)))
        return cls._kept(len(hashes), hashes[starts], counts, is_complete=True)

    @classmethod
    def _kept(cls, rows: int, hashes: Hashes, counts: NDArray[np.int64], *, is_complete: bool) -> Self:
        if len(hashes) <= MAX_KEPT:
            return cls(rows, hashes, counts, is_complete)
        return cls(rows, hashes[:MAX_KEPT].copy(), counts[:MAX_KEPT].copy(), is_complete=False)  # not views

    def merge(self, other: Self) -> Self:
        """The ids of both parts together; neither part changes."""
        mine, theirs = self._below(other), other._below(self)
        hashes = np.concatenate((self.hashes[:mine], other.hashes[:theirs]))
        counts = np.concatenate((self.counts[:mine], other.counts[:theirs]))
        order = np.argsort(hashes, kind="stable")  # merges two sorted runs in linear time
        hashes, counts = hashes[order], counts[order]
        starts = _run_starts(hashes)
        hashes, counts = hashes[starts], np.add.reduceat(counts, starts) if len(starts) else counts
        is_complete = self.is_complete and other.is_complete
        return self._kept(self.rows + other.rows, hashes, counts, is_complete=is_complete)

    def _below(self, other: Self) -> int:
        """How many of the kept ids can be among the smallest of both parts."""
        if other.is_complete:
            return len(self.hashes)
        return int(self.hashes.searchsorted(other.hashes[-1], "right"))

    def duplicates(self) -> Duplicates:
        r"""The number of rows beyond the first of each id.

        While at most `MAX_KEPT` ids were distinct this is exact (but for
        collisions of 64-bit hashes). After that the kept ids are a simple random
        sample of all D ids, and with m their mean number of rows, D is estimated
        by rows/m, duplicates by ``rows (1 - 1/m)``.

        The standard error is the delta method's for a ratio under sampling
        without replacement, ``rows / m**2 * sqrt((1 - k/D) s**2 / k)``, with
        ``s**2`` the kept ids' variance of rows (Cochran, Sampling Techniques, 3rd
        ed., 1977, section 6.3). Because no duplicate among k ids does not
        prove that there is none, ``s**2`` is taken as at least ``1/k``.
        """
        kept = len(self.counts)
        if self.is_complete:
            return Duplicates(float(self.rows - kept), 0.0, is_exact=True)
        mean = float(self.counts.mean())
        variance = max(float(self.counts.var(ddof=1)), 1 / kept)
        unseen_share = max(0.0, 1 - kept * mean / self.rows)
        error = self.rows / mean**2 * math.sqrt(unseen_share * variance / kept)
        return Duplicates(self.rows * (1 - 1 / mean), error, is_exact=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Identifiers):
            return NotImplemented
        return (
            (self.rows, self.is_complete) == (other.rows, other.is_complete)
            and np.array_equal(self.hashes, other.hashes)
            and np.array_equal(self.counts, other.counts)
        )

    __hash__ = None  # type: ignore[assignment]  # holds arrays


def _run_starts(ordered: Hashes) -> NDArray[np.intp]:
    """Where each run of equal values begins."""
    is_start = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_start[1:])
    return np.flatnonzero(is_start)


def hash_ids(ids: NDArray[np.object_]) -> Hashes:
    """Hash ids to 64 bits, the same in every process and on every machine (SipHash with a fixed key)."""
    try:
        return np.asarray(pd.util.hash_array(ids, hash_key=HASH_KEY, categorize=False))
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON may hold
        texts = np.empty(len(ids), object)
        texts[:] = [text.encode("utf-8", "surrogatepass") for text in ids]
        return np.asarray(pd.util.hash_array(texts, hash_key=HASH_KEY, categorize=False))


def encode(identifiers: Identifiers) -> bytes:
    """The wire form: exact, versioned, the same on every machine."""
    tally = identifiers.counts.astype("<i8").tobytes()
    if len(identifiers.counts) and int(identifiers.counts.max()) < 2**8:
        tally = identifiers.counts.astype("u1").tobytes()
    hashes = identifiers.hashes.astype("<u8").tobytes()
    return msgspec.msgpack.encode((VERSION, identifiers.rows, identifiers.is_complete, hashes, tally))


def decode(data: bytes) -> Identifiers:
    """Read the wire form.

    Raises
    ------
    ValueError
        If it was written by another version.
    """
    version, *fields = msgspec.msgpack.decode(data)
    if version != VERSION:
        raise ValueError(f"identifiers are stored in version {version}, this driftd reads version {VERSION}")
    rows, is_complete, packed, tally = fields
    hashes = np.frombuffer(packed, "<u8").astype(np.uint64)
    width = "u1" if len(tally) == len(hashes) else "<i8"
    return Identifiers(rows, hashes, np.frombuffer(tally, width).astype(np.int64), is_complete)
