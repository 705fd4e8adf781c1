"""Where the challenger's process begins; nobody else starts it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

from monitor.challenger.messages import Link
from monitor.challenger.worker import serve
from monitor.clock import SystemClock

_NICER = 10
_DEEP_TREES = 10_000
"""Frames that pickling nested branches may take."""


def main() -> None:
    """Serve on the socket whose descriptor the command line gives."""
    _give_way()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # the service closes the socket: that ends this process
    sys.setrecursionlimit(_DEEP_TREES)
    link = Link(socket.socket(fileno=int(sys.argv[1])))
    try:
        serve(link, SystemClock())
    finally:
        link.close()


def _give_way() -> None:
    """Let everything else on the machine go first, and be the first to be ended when memory is short."""
    os.nice(_NICER)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


if __name__ == "__main__":
    main()
