"""`[kafka.options]` for librdkafka: dotted names, what is known of them, and what driftd decides itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monitor.errors import ConfigError

_POSITION = "the results database owns the position"
OWNED = {
    "auto.commit.interval.ms": _POSITION,
    "auto.offset.reset": "set kafka.start; later starts go on where the results database says",
    "bootstrap.servers": "set kafka.bootstrap_servers",
    "enable.auto.commit": _POSITION,
    "enable.auto.offset.store": _POSITION,
    "enable.partition.eof": "driftd watches the ends of partitions",
    "group.id": "set kafka.group_id",
    "log.queue": "driftd keeps the log",
    "max.poll.records": "set kafka.max_poll_records",
    "metadata.broker.list": "set kafka.bootstrap_servers",
}
"""Options that are not the user's, and why."""

_NAMES = """
    allow.auto.create.topics api.version.request.timeout.ms broker.address.family broker.address.ttl
    check.crcs client.dns.lookup client.id client.rack connections.max.idle.ms
    coordinator.query.interval.ms debug enable.metrics.push enable.sasl.oauthbearer.unsecure.jwt
    enable.ssl.certificate.verification fetch.error.backoff.ms fetch.max.bytes fetch.message.max.bytes
    fetch.min.bytes fetch.queue.backoff.ms fetch.wait.max.ms group.instance.id group.protocol
    group.remote.assignor heartbeat.interval.ms https.ca.location https.ca.pem isolation.level
    log.connection.close log.thread.name log_level max.in.flight.requests.per.connection
    max.partition.fetch.bytes max.poll.interval.ms message.copy.max.bytes message.max.bytes
    metadata.max.age.ms metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy
    partition.assignment.strategy plugin.library.paths queued.max.messages.kbytes queued.min.messages
    receive.message.max.bytes reconnect.backoff.max.ms reconnect.backoff.ms retry.backoff.max.ms
    retry.backoff.ms sasl.kerberos.keytab sasl.kerberos.kinit.cmd sasl.kerberos.min.time.before.relogin
    sasl.kerberos.principal sasl.kerberos.service.name sasl.mechanism sasl.mechanisms
    sasl.oauthbearer.client.id sasl.oauthbearer.client.secret sasl.oauthbearer.config
    sasl.oauthbearer.extensions sasl.oauthbearer.method sasl.oauthbearer.scope
    sasl.oauthbearer.token.endpoint.url sasl.password sasl.username security.protocol session.timeout.ms
    socket.connection.setup.timeout.ms socket.keepalive.enable socket.max.fails socket.nagle.disable
    socket.receive.buffer.bytes socket.send.buffer.bytes socket.timeout.ms ssl.ca.location ssl.ca.pem
    ssl.certificate.location ssl.certificate.pem ssl.cipher.suites ssl.crl.location ssl.curves.list
    ssl.endpoint.identification.algorithm ssl.key.location ssl.key.password ssl.key.pem
    ssl.keystore.location ssl.keystore.password ssl.providers ssl.sigalgs.list statistics.interval.ms
    topic.blacklist topic.metadata.propagation.max.ms topic.metadata.refresh.fast.interval.ms
    topic.metadata.refresh.interval.ms topic.metadata.refresh.sparse
"""
NAMES = frozenset(_NAMES.split())
"""Options to suggest for a misspelt one. What librdkafka takes beyond them is its own to say."""

_FILES = ("ssl.certificate.location", "ssl.crl.location", "ssl.key.location", "ssl.keystore.location")


def dotted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give every option its dotted name.

    ``a.b = 1`` in TOML is a table in a table, and a variable's name cannot hold a dot: ``a_b`` means ``a.b``.
    """
    return dict(_flat("", options))


def _flat(prefix: str, options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in options.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(f"{name}.", value)
        else:
            yield (name if name in NAMES else name.replace("_", ".")), value


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options as librdkafka takes them, or say which one it cannot take and why."""
    named = dotted(options)
    for name, value in named.items():
        where = f"kafka.options: {name}"
        if name in OWNED:
            raise ConfigError(f"{where} cannot be set: {OWNED[name]}; remove it")
        if name.endswith((".cb", "_cb")):
            raise ConfigError(f"{where} takes a function, which a configuration file cannot hold; remove it")
        if name in _FILES and not Path(str(value)).is_file():
            raise ConfigError(f"{where}: there is no file {str(value)!r}; correct the path")
    return {name: _shaped(value) for name, value in named.items()}


def unknown(name: str) -> ConfigError:
    """Say that librdkafka has no such option, and which one it may be."""
    close = difflib.get_close_matches(name.lower(), sorted(NAMES), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return ConfigError(f"kafka.options: {name} is not an option of librdkafka's consumer{hint}")


def _shaped(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value
