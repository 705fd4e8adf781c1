"""Which machine a model's challenger learns on: exactly one, by a lease in the database."""

from __future__ import annotations

import os
import platform
import uuid
from datetime import timedelta
from pathlib import Path

from monitor.errors import JoinError

LEASE = timedelta(seconds=60)
RENEW_S = 15.0


def holder_of(state_dir: Path) -> str:
    """Name the folder that challengers learn in, by its machine and a number of its own.

    Processes that share a folder share the name: which of them learns is decided by the state's lock. Raises
    `JoinError` when the folder cannot be written.
    """
    note = state_dir / "challengers.id"
    try:
        return _named(note)
    except OSError as error:
        raise JoinError(f"service.state_dir: {note}: {error.strerror}") from error


def _named(note: Path) -> str:
    if not note.exists():
        number = uuid.uuid4().hex
        draft = note.with_name(f"{note.name}.{number}")
        draft.write_text(f"{platform.node()}-{number[:8]}\n")
        try:
            os.link(draft, note)  # unlike a rename, it lets the first of two win
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return note.read_text().strip()
