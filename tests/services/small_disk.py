"""A disk of a few megabytes, to be filled: only root may mount one."""

from __future__ import annotations

import errno
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(megabytes: int, owner: int | None) -> Iterator[Path | None]:
    """Give an empty disk for as long as the block lasts; None where none can be mounted."""
    folder = tempfile.mkdtemp(prefix="driftd-disk-")
    options = f"size={megabytes}m,mode=0700" + ("" if owner is None else f",uid={owner}")
    mount = ["mount", "-t", "tmpfs", "-o", options, "driftd-disk", folder]
    is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield Path(folder) if is_mounted else None
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", folder], check=True)  # who has files open there may go on
        Path(folder).rmdir()


def fill(file: Path) -> None:
    """Write until there is no room."""
    with file.open("wb", buffering=0) as ballast:
        try:
            while ballast.write(b"\0" * 65_536):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
