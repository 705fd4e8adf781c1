"""Trying what the configuration names: Kafka, database, alert services. Nothing is changed or sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

from detectors.profile_size import bounds
from monitor import levels
from monitor.cli.services import scheme_of, sender_for
from monitor.compile import plans_of
from monitor.config import Config, Loaded
from monitor.config.secret import MASK
from monitor.errors import ConfigError, DriftdError, SchemaError
from monitor.memory import filling, shown
from monitor.secrets import forms, kafka_secrets
from monitor.source.clients import client_of
from monitor.store.base import Store
from monitor.store.connect import parse_url
from monitor.store.sql import open_store

UPGRADE = "driftd db upgrade"


class State(StrEnum):
    """What became of an attempt; a note is neither good nor bad, but has to be known."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that was tried, and what there is to say about it."""

    what: str
    state: State
    text: str


def attempts(loaded: Loaded) -> Iterator[Attempt]:
    """Try everything, one after the other; each answer comes as soon as it is known."""
    secrets = forms(kafka_secrets(loaded.config))
    for attempt in _kafka(loaded.config):
        yield replace(attempt, text=_masked(attempt.text, secrets))
    yield from _database(loaded)
    for name in loaded.config.alerts.services:
        yield _tried(f"service {name}", partial(_service, loaded, name))


def _tried(what: str, attempt: Callable[[], str]) -> Attempt:
    try:
        return Attempt(what, State.OK, attempt())
    except DriftdError as error:
        return Attempt(what, State.FAILED, str(error))
    except Exception as error:  # noqa: BLE001  # drivers raise what they like; to hear it is what this is for
        return Attempt(what, State.FAILED, f"{type(error).__name__}: {error}")


# -- Kafka ------------------------------------------------------------------------------------------------


def _kafka(config: Config) -> Iterator[Attempt]:
    reached = _tried("Kafka", partial(_answers, config))
    yield reached
    if reached.state is State.FAILED:
        return
    partitions = _partitions(config, config.topics())
    for topic, found in partitions.items():
        yield _topic(topic, found, config)
    yield from _co_partitioned(config, partitions)
    yield from _dead_letters(config)


def _answers(config: Config) -> str:
    client_of(config.kafka.client).ping(config.kafka.bootstrap_servers, config.kafka.options, ())
    return f"{', '.join(config.kafka.bootstrap_servers)} answers"


def _partitions(config: Config, topics: frozenset[str]) -> dict[str, int | DriftdError]:
    """Give each topic's number of partitions, or why there is none."""
    servers, options = config.kafka.bootstrap_servers, config.kafka.options
    ping = client_of(config.kafka.client).ping
    found: dict[str, int | DriftdError] = {}
    try:
        return {**found, **ping(servers, options, sorted(topics))}
    except DriftdError:
        pass  # one of them is not there: ask for each
    for topic in sorted(topics):
        try:
            found |= ping(servers, options, [topic])
        except DriftdError as error:
            found[topic] = error
    return found


def _topic(topic: str, found: int | DriftdError, config: Config) -> Attempt:
    if isinstance(found, int):
        many = f"{found} partitions, so up to {found} processes share it" if found != 1 else "1 partition"
        return Attempt(f"topic {topic}", State.OK, many)
    keys = ", ".join(
        f"models.{name}.{key}"
        for name, model in config.models.items()
        for key in ("topics", "labels_topics")
        if topic in getattr(model, key)
    )
    return Attempt(f"topic {topic}", State.FAILED, f"{found}; create it, or correct {keys}")


def _co_partitioned(config: Config, partitions: Mapping[str, int | DriftdError]) -> Iterator[Attempt]:
    """Say whether labels can meet their predictions when several processes share the topics."""
    for name, model in config.models.items():
        if not model.labels_topics:
            continue
        counts = {topic: partitions.get(topic) for topic in (*model.topics, *model.labels_topics)}
        what = f"labels of {name}"
        if len(set(counts.values())) > 1 and all(isinstance(count, int) for count in counts.values()):
            told = ", ".join(f"{topic} {count}" for topic, count in counts.items())
            text = (
                f"the topics have different numbers of partitions ({told}): give them the same number, "
                "or run one process only"
            )
            yield Attempt(what, State.FAILED, text)
        else:
            text = "with several processes, a label needs the same message key as its prediction"
            yield Attempt(what, State.NOTE, text)


def _dead_letters(config: Config) -> Iterator[Attempt]:
    names = {config.kafka.dead_letter_topic(topic) for topic in config.topics()} - {None}
    for topic, found in _partitions(config, frozenset(name for name in names if name)).items():
        what = f"dead letters {topic}"
        if isinstance(found, int):
            yield Attempt(what, State.OK, "the topic is there")
        else:
            text = "the topic is not there yet: create it, unless the broker makes topics by itself"
            yield Attempt(what, State.NOTE, text)


# -- the database -----------------------------------------------------------------------------------------


def _database(loaded: Loaded) -> Iterator[Attempt]:
    settings = loaded.config.database
    try:
        place = _place(settings.url.reveal())
    except (ConfigError, SchemaError) as error:
        yield _refused(error, loaded.config)
        return
    with _opened(loaded.config) as store:
        schema = _schema(place, store, loaded.config)
        yield schema
        if schema.state is not State.OK:
            return
        for name in loaded.config.models:
            yield _tried(f"reference of {name}", partial(_reference, loaded.config, store, name))


def _place(url: str) -> str:
    """Name the database without user and password; raises SchemaError for a file that is not there."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "postgresql":
        port = f":{parsed.port}" if parsed.port else ""
        return f"PostgreSQL {parsed.host or 'on the default socket'}{port}/{parsed.database or ''}"
    if parsed.database and parsed.database != ":memory:" and not Path(parsed.database).exists():
        raise SchemaError(f"there is no SQLite file {parsed.database} yet: {UPGRADE} makes it")
    return f"SQLite {parsed.database or 'in memory'}"


@contextmanager
def _opened(config: Config) -> Iterator[Store]:
    store = open_store(config.database.url.reveal(), config.database.schema)
    try:
        yield store
    finally:
        store.close_connections()


def _schema(place: str, store: Store, config: Config) -> Attempt:
    try:
        store.check_schema()
    except SchemaError as error:
        return _refused(error, config)
    except DriftdError as error:
        text = f"{error}; check database.url and that the server runs"
        return Attempt("database", State.FAILED, text)
    except Exception as error:  # noqa: BLE001  # drivers raise what they like; to hear it is what this is for
        password = parse_url(config.database.url.reveal()).password
        text = _masked(f"{type(error).__name__}: {error}", [str(password)] if password else [])
        return Attempt("database", State.FAILED, text)
    return Attempt("database", State.OK, f"{place} answers, and its schema is this version's")


def _refused(error: DriftdError, config: Config) -> Attempt:
    """Say what is wrong with the schema; a mere note when `driftd run` would put it right."""
    if config.database.migrate == "auto" and UPGRADE in str(error):
        return Attempt("database", State.NOTE, f'{error}; with migrate = "auto", driftd run does it')
    return Attempt("database", State.FAILED, str(error))


def _reference(config: Config, store: Store, name: str) -> str:
    """Compile the model as `driftd run` would; raises what it would."""
    (plan,) = plans_of(config, store, [name]).values()
    reference = plan.reference
    level = levels.level(plan, 1)
    size = bounds(reference)
    many = filling(plan.window_ms, plan.lateness_ms)
    return (
        f"{reference.id}, {reference.rows:,} rows, {len(reference.grids)} columns compared; "
        f"each {plan.settings.window} window is judged at {level:.2g} ({levels.shares(plan)} shares); "
        f"counts of a window take {shown(size.empty_bytes)} to {shown(size.most_bytes)} of memory in each "
        f"partition, where {many} may fill at once"
    )


# -- alert services ---------------------------------------------------------------------------------------


def _service(loaded: Loaded, name: str) -> str:
    return f"its URL is understood ({scheme_of(sender_for(loaded, name), name)}); nothing was sent"


# -- secrets ----------------------------------------------------------------------------------------------


def _masked(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
