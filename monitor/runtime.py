"""Putting the service together: the one place where configuration becomes running parts."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import msgspec
from prometheus_client import CollectorRegistry

from monitor.breaker import Breaker
from monitor.clock import Clock
from monitor.compile import plans_of
from monitor.config import Config, Loaded, Secret, load
from monitor.deadletters import KafkaDeadLetterBox
from monitor.engine import Engine
from monitor.errors import ConfigError, DriftdError, Recoverable
from monitor.following import Following
from monitor.gauges import Gauges
from monitor.join.keeper import JoinKeeper
from monitor.lineage import register
from monitor.log import logger
from monitor.metrics import Metrics
from monitor.outbox import Outbox
from monitor.parts import (
    Page,
    connected,
    housekeeping_of,
    join_of,
    page_of,
    pictures_of,
    prepared,
    presence_of,
    sender_of,
    speaking_of,
)
from monitor.plan import ModelPlan
from monitor.presence import Presence
from monitor.room import room_of
from monitor.service import Loop, Pace
from monitor.source.clients import KafkaClientSource
from monitor.store.base import Store
from monitor.store.sql import open_store
from monitor.version import VERSION
from monitor.web.health import HealthState, serve

log = logger(__name__)
T = TypeVar("T")

_RETRY_S = 2.0
_CONNECT_ATTEMPTS = 60


class Stopped(Exception):  # noqa: N818  # no error: somebody asked for it
    """The service was told to stop before it had started."""


@dataclass(slots=True)
class Running:
    """The parts of a running service."""

    loaded: Loaded
    plans: dict[str, ModelPlan]
    engine: Engine
    loop: Loop
    store: Store
    metrics: Metrics
    outbox_stop: threading.Event
    outbox_threads: tuple[threading.Thread, ...]
    clock: Clock
    page: Page | None = None
    presence: Presence | None = None
    following: Following | None = None

    def reload(self, environ: Mapping[str, str]) -> None:
        """Take over a changed configuration and newly activated references; keep the old if it is not valid.

        What `fixed_changes` names is taken over at the next start only.
        """
        try:
            fresh = load(self.loaded.path, environ)
            fixed = fixed_changes(self.loaded.config, fresh.config)
            if fixed:
                raise ConfigError(
                    f"{', '.join(fixed)} changed, which takes a restart; nothing was taken over"
                )
            plans = plans_of(fresh.config, self.store)
            register(self.store, fresh.config, fresh.config.models, self.clock.now())
        except DriftdError as error:
            self.metrics.reload_successful.set(0)
            log.error("configuration not reloaded, the old one stays in force", error=str(error))  # noqa: TRY400  # told in a sentence
            return
        self.loaded, self.plans = fresh, plans
        if self.presence is not None:
            self.presence.configured(fresh.sha256)
        if self.page is not None:
            self.page.show(fresh.config)
        self.engine.replace_plans(plans, speaking_of(fresh.config, tuple(fresh.config.alerts.services)))
        self.metrics.reload_successful.set(1)
        log.info("configuration reloaded", config_hash=fresh.sha256[:12])

    def follow_references(self) -> None:
        """Take over references that were put into force meanwhile."""
        plans = None if self.following is None else self.following.plans(self.loaded.config, self.plans)
        if plans is None:
            return
        config, self.plans = self.loaded.config, plans
        self.engine.replace_plans(plans, speaking_of(config, tuple(config.alerts.services)))
        log.info("references taken over", references=sorted({one.reference.id for one in plans.values()}))

    def stop_threads(self, timeout_s: float) -> None:
        """Stop sending; what is unsent stays in the outbox."""
        self.outbox_stop.set()
        end_s = self.clock.monotonic() + timeout_s
        for thread in self.outbox_threads:
            thread.join(max(0.0, end_s - self.clock.monotonic()))


def fixed_changes(old: Config, new: Config) -> tuple[str, ...]:
    """Name what differs and cannot be taken over while running, by its key; values may be secret."""
    changed = [
        f"{section}.{each.encode_name}"
        for section in ("kafka", "database", "service", "page", "limits")
        for each in msgspec.structs.fields(type(getattr(old, section)))
        if getattr(getattr(old, section), each.name) != getattr(getattr(new, section), each.name)
    ]
    changed += [
        f"alerts.{key}"
        for key in ("services", "slack_root", "pictures")
        if getattr(old.alerts, key) != getattr(new.alerts, key)
    ]
    if any(model.labels_topics for model in new.models.values()) != any(
        model.labels_topics for model in old.models.values()
    ):
        changed.append("models.*.labels_topics")
    moved = sorted(set(old.topics().entries) ^ set(new.topics().entries))
    return (*changed, *(f'topic "{topic}"' for topic in moved))


@contextmanager
def assemble(
    loaded: Loaded,
    urls: Mapping[str, Secret],
    clock: Clock,
    rng: Random,
    stop: threading.Event,
    on_tick: Callable[[Mapping[str, str]], None] | None = None,
) -> Iterator[Running]:
    """Start everything, in the order in which mistakes are cheapest to find, and end it afterwards.

    Raises `Stopped` when ``stop`` is set while something that is away is waited for. ``on_tick`` is called
    whenever the loop turns, with what stands in the way of results.
    """
    config = loaded.config
    sender = sender_of(urls, config)
    registry = CollectorRegistry()
    metrics = Metrics(registry, VERSION)
    health = HealthState(clock, on_tick=on_tick)
    patiently = _Patience(clock, stop, health)
    address = config.service.address
    server = None if address is None else serve(address, health, registry, VERSION)
    page = page_of(config, clock)
    store = open_store(config.database.url.reveal(), config.database.schema)
    letters = KafkaDeadLetterBox(config.kafka, metrics) if config.kafka.dead_letters else None
    source: KafkaClientSource | None = None
    join: JoinKeeper | None = None
    process = f"{socket.gethostname()}/{os.getpid()}"
    presence = presence_of(loaded, store, clock, rng, process)
    try:
        plans = patiently("database", lambda: prepared(config, store, clock))
        patiently("database", lambda: presence.announce(clock.now()))
        join = join_of(loaded, plans, clock)
        source = patiently("kafka", lambda: connected(config))
        engine = Engine(
            source,
            store,
            plans,
            clock,
            config.kafka.start,
            speaking_of(config, sender.names),
            letters,
            join,
            room_of(config.limits),
            process,
        )
        loop = Loop(
            engine,
            clock,
            Pace.of(config.limits, config.service, config.kafka.max_poll_records),
            Breaker(config.limits.max_rejected_share, config.limits.rejected_window),
            health,
            Gauges(metrics, clock, source.sought),
            housekeeping_of(config, store, presence),
        )
        outbox_stop = threading.Event()
        pictures = pictures_of(config, store)
        threads = tuple(
            threading.Thread(target=outbox.run, args=(outbox_stop,), name="outbox", daemon=True)
            for outbox in (
                Outbox(name, store, sender, clock, rng, metrics, pictures) for name in sender.names
            )
        )
        for thread in threads:
            thread.start()
        yield Running(
            loaded,
            plans,
            engine,
            loop,
            store,
            metrics,
            outbox_stop,
            threads,
            clock,
            page,
            presence,
            Following(store, clock),
        )
        outbox_stop.set()
    finally:
        presence.leave()
        for part in (source, join, letters, server, page):
            if part is not None:
                part.close()
        store.close_connections()


@dataclass(frozen=True, slots=True)
class _Patience:
    """Tries again while what is needed is away, for about two minutes; then raises its last error."""

    clock: Clock
    stop: threading.Event
    health: HealthState

    def __call__(self, what: str, attempt: Callable[[], T]) -> T:
        for _ in range(_CONNECT_ATTEMPTS):
            self.health.tick()
            try:
                found = attempt()
            except Recoverable as error:
                self.health.not_ready(what, str(error))
                log.warning("waiting for what is away", what=what, error=str(error))
            else:
                self.health.ready(what)
                return found
            if self.clock.wait(self.stop, _RETRY_S):
                raise Stopped
        return attempt()
