"""Putting the service together: the one place where configuration becomes running parts."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Protocol, TypeVar

import msgspec
from prometheus_client import CollectorRegistry

from alerts.send import Sender
from detectors.reference import Reference
from detectors.reference_wire import decode
from monitor.breaker import Breaker
from monitor.challenger.feeding import Challengers
from monitor.clock import Clock
from monitor.compile import plans_of
from monitor.config import Config, Loaded, Secret, load
from monitor.deadletters import KafkaDeadLetterBox
from monitor.engine import Engine
from monitor.errors import ConfigError, DriftdError, Recoverable
from monitor.following import Following
from monitor.gauges import Gauges
from monitor.housekeeping import Housekeeping
from monitor.join.joiner import Joiner
from monitor.join.keeper import JoinKeeper
from monitor.join.table import JoinTable
from monitor.lineage import config_row
from monitor.log import logger
from monitor.metrics import Metrics
from monitor.outbox import Outbox
from monitor.pictures import Pictures
from monitor.plan import ModelPlan
from monitor.presence import Presence
from monitor.rollup import RollUp
from monitor.room import room_of
from monitor.service import Loop, Pace
from monitor.source.clients import KafkaClientSource, client_of
from monitor.store.base import Deployment, Store
from monitor.store.sql import open_store
from monitor.telling import Speaking
from monitor.version import VERSION
from monitor.web.health import HealthState, serve

log = logger(__name__)
T = TypeVar("T")

_RETRY_S = 2.0
_CONNECT_ATTEMPTS = 60


class Stopped(Exception):  # noqa: N818  # no error: somebody asked for it
    """The service was told to stop before it had started."""


def speaking_of(config: Config, services: tuple[str, ...]) -> Speaking:
    """Say to whom alerts go."""
    is_postgres = config.database.url.reveal().startswith("postgres")
    return Speaking(
        schema=config.database.schema if is_postgres else "",
        services=services,
        routes=tuple(route.routing() for route in config.alerts.routes),
        links={name: config.alerts.links.of_model(name) for name in config.models},
        digests=config.alerts.digests,
    )


def sender_of(urls: Mapping[str, Secret], config: Config) -> Sender:
    """Build the sender; raises ConfigError naming the service whose URL is not understood."""
    try:
        services = {name: url.reveal() for name, url in urls.items()}
        return Sender(services, config.alerts.slack_root, config.alerts.kinds)
    except ValueError as error:
        raise ConfigError(f"alerts.services: {error}") from None


class Page(Protocol):
    """The page that is served."""

    def show(self, config: Config) -> None: ...
    def close(self) -> None: ...


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
            self.store.register_models(fresh.config.models, self.clock.now())
            self.store.register_config(config_row(fresh.config, self.clock.now()))
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
        plans = patiently("database", lambda: _prepared(config, store, clock))
        patiently("database", lambda: presence.announce(clock.now()))
        join = join_of(loaded, plans, clock)
        source = patiently("kafka", lambda: _connected(config))
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


def page_of(config: Config, clock: Clock) -> Page | None:
    """Serve the page; None when it is off. Raises `ConfigError` when it cannot be served."""
    address = config.page.address
    if address is None:
        return None
    try:
        from monitor.page.server import serve_page  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ConfigError(
            f"page.http is set, but what serves the page cannot be imported ({error}): "
            "pip install 'driftd[page]', or leave page.http out"
        ) from error
    from monitor.store.page import open_reader  # noqa: PLC0415  # only the page reads so

    reader = open_reader(config.database.url.reveal(), config.database.schema)
    return serve_page(address, reader, config, clock)


def housekeeping_of(config: Config, store: Store, presence: Presence) -> Housekeeping:
    """Say what becomes of old history."""
    retention = config.database.retention
    return Housekeeping(store, retention, presence, RollUp(store, retention.daily_after, finder(store)))


def pictures_of(config: Config, store: Store) -> Pictures | None:
    """Say what draws pictures for messages; None when they are off."""
    least = {name: model.min_effect for name, model in config.models.items()}
    return Pictures(store, finder(store), least) if config.alerts.pictures else None


def finder(store: Store) -> Callable[[str], Reference | None]:
    """Find references by their ids, a few of them in memory."""

    @lru_cache(maxsize=4)
    def find(reference_id: str) -> Reference | None:
        row = store.reference(reference_id)
        return None if row is None else decode(row.payload)

    return find


def presence_of(loaded: Loaded, store: Store, clock: Clock, rng: Random, process: str) -> Presence:
    """Say who this process is; its own id, because in containers hosts and numbers may be alike."""
    now, group = clock.now(), loaded.config.kafka.group_id
    me = Deployment(f"{rng.getrandbits(64):016x}", process, group, str(loaded.path), loaded.sha256, now, now)
    return Presence(store, me)


def join_of(loaded: Loaded, plans: Mapping[str, ModelPlan], clock: Clock) -> JoinKeeper | None:
    """Open the table in which predictions wait for labels; None when no model has labels."""
    if all(plan.labels is None for plan in plans.values()):
        return None
    config = loaded.config
    identity = f"{config.database.url.reveal()} {config.database.schema} {config.kafka.group_id}"
    folder = loaded.state_dir
    joiner = Joiner(JoinTable(folder, config.limits.join_bytes, identity))
    return JoinKeeper(joiner, Challengers(folder, clock))


def _prepared(config: Config, store: Store, clock: Clock) -> dict[str, ModelPlan]:
    """Check the database's schema, and compile the models."""
    if config.database.migrate == "auto":
        store.upgrade_schema()
    else:
        store.check_schema()
    store.register_models(config.models, clock.now())
    store.register_config(config_row(config, clock.now()))
    return plans_of(config, store)


def _connected(config: Config) -> KafkaClientSource:
    client = client_of(config.kafka.client)
    bounds = {
        "max_message_bytes": config.limits.max_message_bytes,
        "max_poll_bytes": config.limits.batch_bytes,
    }  # librdkafka inflates and queues by options of its own
    return client.source(
        config.kafka.bootstrap_servers,
        config.kafka.group_id,
        topics=config.topics(),
        options=config.kafka.options,
        **(bounds if config.kafka.client == "kafka-python" else {}),
    )


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
