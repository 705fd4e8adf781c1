"""The stored form of what a reference says of how well its features tell one another."""

from __future__ import annotations

import zlib

import msgspec
import numpy as np

from detectors.reconstruction import Reconstruction


def encode_reconstruction(known: Reconstruction) -> bytes:
    """The stored form."""
    scores = [zlib.compress(each.astype("<i2").tobytes(), 1) for each in known.scores]
    weights, offsets = (each.astype("<i8").tobytes() for each in (known.weights, known.offsets))
    return msgspec.msgpack.encode((known.names, scores, zlib.compress(weights, 1), offsets))


def decode_reconstruction(data: bytes) -> Reconstruction:
    """Read what `encode_reconstruction` wrote."""
    names, packed, weights, offsets = msgspec.msgpack.decode(
        data, type=tuple[tuple[str, ...], list[bytes], bytes, bytes]
    )
    scores = tuple(np.frombuffer(zlib.decompress(each), "<i2").astype(np.int16) for each in packed)
    size = len(names)
    return Reconstruction(
        names,
        scores,
        np.frombuffer(zlib.decompress(weights), "<i8").astype(np.int64).reshape(size, size),
        np.frombuffer(offsets, "<i8").astype(np.int64),
    )
