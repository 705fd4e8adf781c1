"""The stored form of sums over pairs of features, and of what a reference says of them."""

from __future__ import annotations

import zlib

import msgspec
import numpy as np

from detectors.pairs import Pairing, PairSums


def encode(sums: PairSums) -> bytes:
    """The stored form."""
    body = b"".join(each.astype("<i8").tobytes() for each in sums.matrices())
    return msgspec.msgpack.encode((len(sums.rows), zlib.compress(body, 1)))


def decode(data: bytes, pairing: Pairing) -> PairSums:
    """Read what `encode` wrote; raises ValueError when it is of other features."""
    size, packed = msgspec.msgpack.decode(data, type=tuple[int, bytes])
    if size != len(pairing.names):
        raise ValueError(
            f"stored sums are of pairs of {size} features, the reference has {len(pairing.names)}"
        )
    found = np.frombuffer(zlib.decompress(packed), "<i8").astype(np.int64).reshape(4, size, size)
    return PairSums(*found)


def encode_pairing(pairing: Pairing) -> bytes:
    """The stored form of what a reference says of pairs."""
    scores = [zlib.compress(each.astype("<i2").tobytes(), 1) for each in pairing.scores]
    return msgspec.msgpack.encode((pairing.names, scores, pairing.spread.astype("<f8").tobytes()))


def decode_pairing(data: bytes) -> Pairing:
    """Read what `encode_pairing` wrote."""
    names, packed, numbers = msgspec.msgpack.decode(data, type=tuple[tuple[str, ...], list[bytes], bytes])
    scores = tuple(np.frombuffer(zlib.decompress(each), "<i2").astype(np.int16) for each in packed)
    size = len(names)
    return Pairing(names, scores, np.frombuffer(numbers, "<f8").astype(np.float64).reshape(size, size))
