"""The stored form of a sequential detector's state: exact, versioned, checked before it is used."""

from __future__ import annotations

import hashlib
import zlib
from importlib.metadata import version

import msgspec
import numpy as np

from detectors.sequential import State, StateLost
from detectors.sequential_history import History
from detectors.sequential_pickle import thaw
from detectors.sequential_settings import Kind, Settings

VERSION = 1
RIVER = version("river")
_DIGEST = 16  # bytes of the checksum, between the version and the content


class _Stored(msgspec.Struct, array_like=True, frozen=True):
    """The content, in the order in which it is written."""

    river: str
    kind: Kind
    parameters: tuple[tuple[str, int | float | bool | str], ...]
    rows: int
    dropped: int
    detector: bytes
    levels: list[tuple[bytes, bytes]]


def encode(state: State) -> bytes:
    """The bytes of the state; equal states give equal bytes (of one zlib and one river)."""
    stored = _Stored(
        RIVER,
        state.settings.kind,
        state.settings.parameters,
        state.rows,
        state.dropped,
        state.detector,
        [
            (sums.astype("<f8").tobytes(), times.astype("<i8").tobytes())
            for sums, times in state.history.levels
        ],
    )
    packed = zlib.compress(msgspec.msgpack.encode(stored), 1)
    return bytes([VERSION]) + _digest(packed) + packed


def decode(data: bytes, settings: Settings) -> State:
    """The state that `encode` wrote, to go on with under these settings.

    Nothing is unpickled but the classes of river's detectors.

    Raises
    ------
    StateLost
        If it was written in another format, by another river, for another kind
        or other settings, or is damaged; the text says which, and that the
        detector starts anew.
    """
    try:
        return _state(data, settings)
    except ValueError as error:
        raise StateLost(
            f"the stored state of the detector {settings.kind} {error}: the detector starts anew"
        ) from error


def _state(data: bytes, settings: Settings) -> State:
    if data and data[0] != VERSION:
        raise ValueError(f"has format version {data[0]}, this driftd reads version {VERSION}")
    packed = data[1 + _DIGEST :]
    if data[1 : 1 + _DIGEST] != _digest(packed):
        raise ValueError(f"is damaged ({len(data)} bytes)")
    stored = _read(packed)
    if stored.river != RIVER:
        raise ValueError(f"was written by river {stored.river}, this is river {RIVER}")
    written = Settings(stored.kind, stored.parameters)
    if written != settings:
        raise ValueError(f"was made with {written}, the settings now are {settings}")
    if not settings.is_of(thaw(stored.detector)):
        raise ValueError("holds a detector with other settings than it says")
    return State(settings, stored.rows, stored.dropped, stored.detector, _history(stored.levels))


def _read(packed: bytes) -> _Stored:
    try:
        return msgspec.msgpack.decode(zlib.decompress(packed), type=_Stored)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(f"cannot be read ({error})") from error


def _history(levels: list[tuple[bytes, bytes]]) -> History:
    read = [(np.frombuffer(sums, "<f8"), np.frombuffer(times, "<i8")) for sums, times in levels]
    return History(tuple((sums.astype(np.float64), times.astype(np.int64)) for sums, times in read))


def _digest(packed: bytes) -> bytes:
    return hashlib.blake2b(packed, digest_size=_DIGEST).digest()
