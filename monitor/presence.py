"""The processes that run on one schema: all have to be of one consumer group."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.errors import ConfigError, DriftdError
from monitor.log import logger
from monitor.store.base import Deployment, Store

log = logger(__name__)

BEAT_EVERY = timedelta(seconds=5)
GONE_AFTER = timedelta(seconds=60)
"""Who has not been heard of for so long does not run."""


class Presence:
    """Says that this process runs, and finds out who else does."""

    def __init__(self, store: Store, me: Deployment) -> None:
        self._store = store
        self._me = me
        self._told: set[str] = set()
        self._is_known = False

    def announce(self, now: datetime) -> None:
        """Say that this process runs; raises `ConfigError` when one of another group runs here already.

        Of two groups the one that has run for longer goes on. A process that was not heard of for a while
        counts as one that has just started.
        """
        is_back = not timedelta(0) <= now - self._me.beat_at <= GONE_AFTER
        self._me = replace(self._me, beat_at=now, since=now if is_back else self._me.since)
        running = self._store.beat(self._me)
        self._is_known = True
        others = [one for one in running if one.id != self._me.id and abs(now - one.beat_at) <= GONE_AFTER]
        for other in others:
            if other.group_id != self._me.group_id and _age(other) < _age(self._me):
                self.leave()
                raise ConfigError(_clash(self._me, other))
        for other in others:
            self._tell_of_config(other)

    def configured(self, config_hash: str) -> None:
        """Take over another configuration; it is announced when it is time."""
        self._me = replace(self._me, config_hash=config_hash)

    def keep_up(self, now: datetime) -> None:
        """Announce again when it is time."""
        if not timedelta(0) <= now - self._me.beat_at < BEAT_EVERY:
            self.announce(now)

    def leave(self) -> None:
        """Say that this process ends; that nobody hears it is no error."""
        with suppress(DriftdError):
            if self._is_known:
                self._store.leave(self._me.id)
                self._is_known = False

    def _tell_of_config(self, other: Deployment) -> None:
        if other.group_id != self._me.group_id or other.config_hash in (self._me.config_hash, *self._told):
            return
        self._told.add(other.config_hash)
        log.warning(
            "another process of this group runs with another configuration",
            config_hash=self._me.config_hash[:12],
            other=other.process,
            other_config=other.config_path,
            other_config_hash=other.config_hash[:12],
        )


def _age(one: Deployment) -> tuple[datetime, str]:
    return one.since, one.id


def _clash(me: Deployment, other: Deployment) -> str:
    return (
        f'kafka.group_id is "{me.group_id}" in {me.config_path}, but the group "{other.group_id}" runs on '
        f"this database and schema ({other.process} with {other.config_path}, heard of at "
        f"{other.beat_at:%H:%M:%S} UTC): two groups would take every message from each other. Give both the "
        "same kafka.group_id, or this one a schema of its own (database.schema). "
        f"A killed process is forgotten after {GONE_AFTER.seconds} s"
    )
