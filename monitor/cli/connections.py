"""Trying what the configuration names: Kafka, database, alert services. Nothing is changed or sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from detectors.profile_size import bounds
from detectors.reference import Reference
from monitor import levels
from monitor.cli.attempts import Attempt, State, tried
from monitor.cli.brokers import kafka
from monitor.cli.services import scheme_of, sender_for
from monitor.compile import plans_of
from monitor.config import Config, Loaded
from monitor.config.secret import MASK
from monitor.errors import ConfigError, DriftdError, SchemaError
from monitor.memory import filling, shown
from monitor.secrets import forms, kafka_secrets
from monitor.store.base import Store
from monitor.store.connect import parse_url
from monitor.store.sql import open_store

UPGRADE = "driftd db upgrade"


def attempts(loaded: Loaded) -> Iterator[Attempt]:
    """Try everything, one after the other; each answer comes as soon as it is known."""
    secrets = forms(kafka_secrets(loaded.config))
    for attempt in kafka(loaded.config):
        yield replace(attempt, text=_masked(attempt.text, secrets))
    yield from _database(loaded)
    for name in loaded.config.alerts.services:
        yield tried(f"service {name}", partial(_service, loaded, name))


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
            yield tried(f"reference of {name}", partial(_reference, loaded.config, store, name))


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
        f"{reference.id}, {reference.rows:,} rows, {_compared(reference)}; "
        f"each {plan.settings.window} window is judged at {level:.2g} ({levels.shares(plan)} shares); "
        f"counts of a window take {shown(size.empty_bytes)} to {shown(size.most_bytes)} of memory in each "
        f"partition, where {many} may fill at once"
    )


def _compared(reference: Reference) -> str:
    """Say how many columns are compared, and with which hours."""
    known, columns = reference.seasonal, f"{len(reference.grids)} columns compared"
    if known is None:
        return columns
    hours, parts = known.season, f"{known.season.size} parts of {min(known.rows):,} rows or more"
    return f"{columns} by {hours.hours} in {hours.zone} ({parts})"


# -- alert services ---------------------------------------------------------------------------------------


def _service(loaded: Loaded, name: str) -> str:
    return f"its URL is understood ({scheme_of(sender_for(loaded, name), name)}); nothing was sent"


# -- secrets ----------------------------------------------------------------------------------------------


def _masked(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
