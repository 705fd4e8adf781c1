"""The challenger's state on disk: written whole, read only when it can be trusted."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from pathlib import Path
from typing import IO

import msgspec

from monitor.challenger.sums import WindowSums
from monitor.challenger.terms import Terms

_MARK = b"driftd challenger 1\n"
_DIGEST_BYTES = 32
_FOR_OTHERS = 0o022  # writable for group or everybody


class ChallengerState(msgspec.Struct, frozen=True):
    """What a challenger goes on from. ``ensemble`` and ``watch`` are pickles, the rest is plain."""

    terms: Terms
    saved_ms: int
    window_ms: int
    label: str
    dictionary: str
    learned_rows: int
    windows: tuple[WindowSums, ...]
    ensemble: bytes
    watch: bytes


def write_state(path: Path, state: ChallengerState) -> None:
    """Replace the file in one step, readable for this user only; may raise OSError."""
    body = msgspec.msgpack.encode(state)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(_MARK + _digest(body) + body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_state(path: Path) -> ChallengerState | None:
    """Read the file; None when there is none.

    Raises
    ------
    ValueError
        If it is another user's or others could have written it (a pickle can hold commands), if it is
        damaged, or if it cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        _check_owner(os.fstat(file.fileno()))
        data = file.read()
    body = data[len(_MARK) + _DIGEST_BYTES :]
    if not data.startswith(_MARK) or data[len(_MARK) :][:_DIGEST_BYTES] != _digest(body):
        raise ValueError("it is damaged, or of another version of driftd")
    try:
        return msgspec.msgpack.decode(body, type=ChallengerState)
    except msgspec.DecodeError as error:
        raise ValueError(f"it is of another version of driftd: {error}") from error


def taken(path: Path) -> IO[str] | None:
    """Take a state for this process alone, until the file is closed; None when another process has it.

    May raise OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_suffix(".lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def set_aside(path: Path) -> Path:
    """Rename a state that is of no use any more, over the last one that was; may raise OSError."""
    aside = path.with_name(path.name + ".old")
    path.replace(aside)
    return aside


def _check_owner(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no plain file")
    if found.st_uid != os.geteuid():
        raise ValueError(f"it belongs to user {found.st_uid}, this process runs as {os.geteuid()}")
    if found.st_mode & _FOR_OTHERS:
        raise ValueError(f"others can write it (mode {stat.filemode(found.st_mode)})")


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST_BYTES).digest()
