"""A folder for one process's join table: taken for this process alone, emptied when it cannot be trusted."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from monitor.errors import JoinError

_VERSION = "2"
_CLEAN = "closed"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MOST_PROCESSES = 64


@dataclass(slots=True)
class Folder:
    """A folder that no other process uses while this one holds it.

    A note beside the table says what it belongs to and under which boot of the machine it was written: the
    table is not flushed at every write, so after a crash of the machine (not of the process) it is emptied.
    """

    path: Path
    is_durable: bool  # the machine can tell that it has crashed
    _lock: IO[str]
    _owner: str

    @classmethod
    def taken(cls, state_dir: Path, identity: str) -> Folder:
        """Take the first free folder; raises `JoinError`."""
        try:
            state_dir.mkdir(parents=True, exist_ok=True)
            for slot in range(_MOST_PROCESSES):
                lock = (state_dir / f"join-{slot}.lock").open("a+")
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    lock.close()
                    continue
                owner = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
                folder = cls(state_dir / f"join-{slot}", _BOOT_ID.exists(), lock, f"{_VERSION} {owner}")
                folder._prepare()
                return folder
        except OSError as error:
            raise JoinError(f"service.state_dir: {error.filename}: {error.strerror}") from error
        raise JoinError(f"service.state_dir: {state_dir} is used by {_MOST_PROCESSES} other processes")

    def _prepare(self) -> None:
        note = self.path / "owner"
        written = note.read_text().splitlines() if note.exists() else []
        is_ours = len(written) == 2 and written[0] == self._owner  # noqa: PLR2004
        if not is_ours or written[1] not in (_CLEAN, _boot_id()):
            shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(exist_ok=True)
        self._note(_boot_id())

    def _note(self, state: str) -> None:
        with (self.path / "owner").open("w") as note:
            note.write(f"{self._owner}\n{state}\n")
            note.flush()
            os.fsync(note.fileno())

    def release(self) -> None:
        """Let go of the folder; everything in it has been written and flushed."""
        self._note(_CLEAN)
        self._lock.close()


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else _CLEAN
