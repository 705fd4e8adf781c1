"""`driftd demo`: the main job on this machine; `driftd dev-broker`: its broker alone."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from monitor.broker.embedded import EmbeddedBroker
from monitor.cli.context import err, out
from monitor.clock import SystemClock
from monitor.errors import ConfigError, DriftdError

_INTERRUPTED = 130
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def demo(
    fast: Annotated[bool, typer.Option("--fast", help="Only the two months around the drift.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option(help="Put config.toml and the service's log into this folder, and leave them there."),
    ] = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Leave broker and database running until Ctrl-C, to look around.")
    ] = False,
) -> None:
    """Show the whole of driftd on this machine in under a minute: Kafka log in, alerts and SQL out.

    Ends with 1 when the drift that the log is known to have was not found, or not told.
    """
    from monitor.demo import story  # noqa: PLC0415  # only this command needs pandas, a producer, a database
    from monitor.demo.terminal import Terminal  # noqa: PLC0415

    clock = SystemClock()
    with ExitStack() as stack:
        stack.enter_context(_interruptible())
        stack.enter_context(_own_environment())
        folder = stack.enter_context(_folder(keep))
        terminal = Terminal()
        parts = story.started(stack, folder, clock)
        story.tell(parts, folder, terminal, clock, is_fast=fast)
        if stay:
            terminal.say("\nBroker and database run until Ctrl-C:")
            terminal.command(f'psql "{parts.postgres.url}"')
            terminal.command(f"driftd status --config {parts.config}")
            with suppress(SystemExit):  # the end that was asked for is no failure here
                threading.Event().wait()


def dev_broker(
    port: Annotated[
        int, typer.Option(help="Where to listen, on this machine only; 0 takes a free one.")
    ] = 9092,
) -> None:
    """Run a small broker in memory that speaks Kafka's protocol, for trying things out; Ctrl-C ends it."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with EmbeddedBroker(port) as broker:
            out().print(f"listening on {broker.bootstrap}; everything is forgotten at the end (Ctrl-C)")
            ended.wait()
    except OSError as error:
        raise DriftdError(
            f"cannot listen on port {port}: {error.strerror}; choose one with --port"
        ) from error


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn the first signal that asks for the end into an exit that cleans up, undisturbed by later ones."""

    def end(number: int, _: FrameType | None) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        err().print(f"\nstopping everything ({signal.Signals(number).name})")
        sys.exit(_INTERRUPTED)  # no Exception that somebody could catch on the way

    before = {number: signal.signal(number, end) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _own_environment() -> Iterator[None]:
    """Hide the user's DRIFTD_ variables: they are about another configuration."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("DRIFTD_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Give a folder of the demo's own, removed at the end unless it was named."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="driftd-demo-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--keep {keep}: {error.strerror}") from error
    yield keep.absolute()
