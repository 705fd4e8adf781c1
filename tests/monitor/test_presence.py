"""Processes on one schema: those of one group run side by side, of two groups the newer one gives way."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from monitor.errors import ConfigError
from monitor.presence import GONE_AFTER, Presence
from monitor.store.base import Deployment, Store
from tests.monitor.worlds import NOW, new_store

SECOND = timedelta(seconds=1)


def presence(store: Store, name: str, group: str, at: datetime, config: str = "c0ffee") -> Presence:
    return Presence(store, Deployment(name, f"host/{name}", group, f"/etc/{name}.toml", config, at, at))


@pytest.fixture
def store() -> Store:
    return new_store()


def test_the_newer_of_two_groups_is_refused_with_both_named(store: Store) -> None:
    elder, newer = presence(store, "1", "red", NOW), presence(store, "2", "blue", NOW + SECOND)
    elder.announce(NOW)
    with pytest.raises(ConfigError, match=r'"blue" in /etc/2\.toml, but the group "red".*host/1 with /etc/1'):
        newer.announce(NOW + SECOND)
    elder.announce(NOW + 2 * SECOND)
    presence(store, "3", "red", NOW + 2 * SECOND).announce(NOW + 2 * SECOND)


def test_of_two_that_start_together_exactly_one_goes_on(store: Store) -> None:
    one, other = presence(store, "1", "red", NOW), presence(store, "2", "blue", NOW)
    other.announce(NOW)
    one.announce(NOW)
    with pytest.raises(ConfigError):
        other.announce(NOW + SECOND)
    one.announce(NOW + SECOND)


def test_one_that_has_ended_is_in_nobodys_way(store: Store) -> None:
    elder = presence(store, "1", "red", NOW)
    elder.announce(NOW)
    elder.leave()
    presence(store, "2", "blue", NOW).announce(NOW)


def test_one_that_is_back_from_the_dead_gives_way(store: Store) -> None:
    zombie = presence(store, "1", "red", NOW)
    zombie.announce(NOW)
    later = NOW + GONE_AFTER + SECOND
    heir = presence(store, "2", "blue", later)
    heir.announce(later)
    with pytest.raises(ConfigError, match=r'the group "blue"'):
        zombie.announce(later + SECOND)
    heir.announce(later + 2 * SECOND)


def test_another_configuration_in_the_same_group_is_told_once(store: Store) -> None:
    presence(store, "1", "red", NOW).announce(NOW)
    second = presence(store, "2", "red", NOW, "decaf")
    with capture_logs() as lines:
        second.announce(NOW)
        second.announce(NOW + SECOND)
    assert [(line["other"], line["config_hash"], line["other_config_hash"]) for line in lines] == [
        ("host/1", "decaf", "c0ffee")
    ]
