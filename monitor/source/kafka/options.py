"""`[kafka.options]`: what users may say to the Kafka client, and what driftd decides itself."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from monitor.errors import ConfigError

# Decided by driftd, and why: the promise that a row counts once hangs on some of them.
OWNED = {
    "auto_commit_interval_ms": "the position is kept in the results database",
    "auto_offset_reset": "a lost position must become a recorded gap; set kafka.start for the first start",
    "bootstrap_servers": "set kafka.bootstrap_servers",
    "consumer_timeout_ms": "driftd decides how long a poll waits",
    "default_offset_commit_callback": "driftd watches its own commits",
    "enable_auto_commit": "the position is kept in the results database",
    "group_id": "set kafka.group_id",
    "kafka_client": "driftd makes the client",
    "key_deserializer": "driftd decodes the messages",
    "max_poll_records": "driftd decides how many records a poll takes",
    "value_deserializer": "driftd decodes the messages",
}
OBJECTS = frozenset({"metric_reporters", "sasl_oauth_token_provider", "selector", "ssl_context"})
FILES = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_crlfile")


def checked(options: Mapping[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Give the options in the shapes the client wants, or say which one it cannot take and why."""
    for name in options:
        _check_name(name, known)
    _check_files(options)
    return {name: _shaped(name, value) for name, value in options.items()}


def nearest(name: str, known: Iterable[str]) -> str:
    """Give ``; did you mean 'x'?`` for a name that resembles a known one, else nothing."""
    plain = name.replace(".", "_").replace("-", "_").lower()
    close = difflib.get_close_matches(plain, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _check_name(name: str, known: Collection[str]) -> None:
    where = f"kafka.options.{name}"
    if name in OWNED:
        raise ConfigError(f"{where} cannot be set: {OWNED[name]}; remove it")
    if name in OBJECTS:
        raise ConfigError(f"{where} takes a Python object, which a configuration file cannot hold; remove it")
    if name not in known:
        hint = nearest(name, set(known) - OWNED.keys() - OBJECTS)
        raise ConfigError(f"{where} is not an option of kafka-python's consumer{hint}")


def _check_files(options: Mapping[str, Any]) -> None:
    for name in FILES:
        path = options.get(name)
        if path is not None and not Path(path).is_file():
            raise ConfigError(f"kafka.options.{name}: there is no file {str(path)!r}; correct the path")


def _shaped(name: str, value: Any) -> Any:
    if name == "api_version" and isinstance(value, list):
        return tuple(value)
    if name == "socket_options":
        return [tuple(option) for option in value]
    return value
