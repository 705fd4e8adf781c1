"""`driftd run`: the service."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from random import SystemRandom
from types import FrameType

from monitor.cli.context import ConfigOption, configured
from monitor.clock import Clock, SystemClock
from monitor.collector import relieved
from monitor.config import Config
from monitor.log import configure, logger
from monitor.runtime import Running, Stopped, assemble
from monitor.secrets import secrets_in
from monitor.systemd import Systemd
from monitor.uncaught import logged

log = logger(__name__)

_EXIT_NOW = 130


def run(config: ConfigOption = None) -> None:
    """Read messages, judge windows, write results and send alerts until told to stop.

    SIGTERM and SIGINT commit and stop, a second one stops at once, SIGHUP reads the configuration again.
    """
    loaded = configured(config)
    clock = SystemClock()
    systemd = Systemd.of(os.environ, clock, os.getpid())
    stop, reload = threading.Event(), threading.Event()
    with ExitStack() as stack:
        stack.enter_context(_signals(stop, reload, loaded.config.service.stop_timeout.seconds))
        urls = loaded.service_urls(os.environ)
        _log_as(loaded.config, clock, secrets_in(loaded.config, urls))
        stack.enter_context(logged())
        stack.enter_context(suppress(Stopped))
        running = stack.enter_context(assemble(loaded, urls, clock, SystemRandom(), stop, systemd.turned))
        log.info(
            "started", config=str(loaded.path), config_hash=loaded.sha256[:12], models=list(running.plans)
        )
        with relieved():
            _loop(running, stop, reload, systemd)
        log.info("stopped")


def _loop(running: Running, stop: threading.Event, reload: threading.Event, systemd: Systemd) -> None:
    with systemd.serving():
        while not stop.is_set():
            running.loop.turn(stop)
            if reload.is_set():
                reload.clear()
                with systemd.reloading():
                    running.reload(os.environ)
            running.follow_references()
    running.loop.finish()
    running.stop_threads(running.loaded.config.service.stop_timeout.seconds / 2)


def _log_as(config: Config, clock: Clock, secrets: tuple[str, ...]) -> None:
    configure(clock, config.service.log_format, config.service.log_level, secrets)


@contextmanager
def _signals(stop: threading.Event, reload: threading.Event, stop_timeout_s: float) -> Iterator[None]:
    watchdog = threading.Timer(stop_timeout_s, os._exit, (1,))  # by which nothing is lost
    watchdog.daemon = True

    def on_stop(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            os._exit(_EXIT_NOW)
        stop.set()
        watchdog.start()
        log.info("stopping", signal=signal.Signals(number).name)

    def on_reload(_: int, __: FrameType | None) -> None:
        reload.set()

    wanted = {signal.SIGTERM: on_stop, signal.SIGINT: on_stop, signal.SIGHUP: on_reload}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        watchdog.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
