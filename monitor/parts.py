"""The parts of a service, each made of what the configuration says about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random
from typing import Protocol

from alerts.send import Sender
from detectors.reference import Reference
from detectors.reference_wire import decode
from monitor.challenger.feeding import Challengers
from monitor.clock import Clock
from monitor.compile import plans_of
from monitor.config import Config, Loaded, Secret
from monitor.errors import ConfigError
from monitor.housekeeping import Housekeeping
from monitor.join.joiner import Joiner
from monitor.join.keeper import JoinKeeper
from monitor.join.table import JoinTable
from monitor.lineage import register
from monitor.pictures import Pictures
from monitor.plan import ModelPlan
from monitor.presence import Presence
from monitor.rollup import RollUp
from monitor.source.clients import KafkaClientSource, client_of
from monitor.store.base import Deployment, Store
from monitor.telling import Speaking


class Page(Protocol):
    """The page that is served."""

    def show(self, config: Config) -> None: ...
    def close(self) -> None: ...


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


def prepared(config: Config, store: Store, clock: Clock) -> dict[str, ModelPlan]:
    """Check the database's schema, and compile the models."""
    if config.database.migrate == "auto":
        store.upgrade_schema()
    else:
        store.check_schema()
    register(store, config, config.models, clock.now())
    return plans_of(config, store)


def connected(config: Config) -> KafkaClientSource:
    """Join the group of those who read the topics."""
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
