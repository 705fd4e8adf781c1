"""`driftd run` that kills or freezes itself at a stage that a test names: so that each stage is surely hit.

    python -m tests.faults.dying "SIGKILL after 2 monitor.store.sql:SqlStore.commit" run --config FILE

is the service, killed when its second commit has returned. Several faults, with ; between them, are several
processes one after the other, each begun when the one before is dead: quicker than to start Python for each.
A claimed notification is another's after two seconds here, not after two minutes.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from monitor import outbox
from monitor.cli import main as driftd
from tests.services.waiting import until

LEASE_S = 2.0
DEATH_LIMIT_S = 90.0
PR_SET_PDEATHSIG = 1


def at_stages(*faults: str) -> tuple[str, ...]:
    """Give what `service` runs instead of the plain program; without faults it only has the short lease."""
    return ("-m", "tests.faults.dying", ";".join(faults))


def install(fault: str) -> None:
    """Let this process get the signal before or after so many calls of a function.

    Calls that give an empty tuple, or get an empty sequence last, do not count: nothing was there to be done.
    """
    name, when, count, place = fault.split()
    module, path = place.split(":")
    *owners, last = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    calls = itertools.count(1)
    setattr(owner, last, struck(getattr(owner, last), signal.Signals[name], when, calls, int(count)))


def struck(
    function: Callable[..., Any], number: signal.Signals, when: str, calls: Iterator[int], count: int
) -> Callable[..., Any]:
    """Give the function with the signal in it."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        is_idle = isinstance(args[-1], list | tuple) and not args[-1]
        if when == "before" and not is_idle and next(calls) == count:
            os.kill(os.getpid(), number)
        result = function(*args, **kwargs)
        if when == "after" and not is_idle and result != () and next(calls) == count:
            os.kill(os.getpid(), number)
        return result

    return wrapped


def each_dies(faults: Iterable[str]) -> int:
    """Let one process after the other die; give 1 as soon as one does not."""
    for fault in faults:
        pid = os.fork()
        if not pid:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            install(fault)
            _run()
        sys.stderr.write(f"process {pid}: {fault}\n")
        try:
            status = _death_of(pid)
        except AssertionError:
            os.kill(pid, signal.SIGKILL)
            sys.stderr.write(f"did not die: {fault}\n")
            return 1
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.stderr.write(f"ended otherwise: {fault}\n")
            return 1
    return 0


def _death_of(pid: int) -> int:
    found = (0, 0)

    def has_died() -> bool:
        nonlocal found
        found = os.waitpid(pid, os.WNOHANG)
        return found[0] == pid

    until(has_died, "dead", DEATH_LIMIT_S)
    return found[1]


def _run() -> None:
    try:
        driftd()
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 1)
    os._exit(0)


def main(arguments: list[str]) -> int:
    faults = [fault for fault in arguments[0].split(";") if fault]
    sys.argv[1:] = arguments[1:]
    outbox.LEASE_S = LEASE_S
    if len(faults) > 1:
        return each_dies(faults)
    for fault in faults:
        install(fault)
    driftd()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
