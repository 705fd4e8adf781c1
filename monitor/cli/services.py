"""Alert services one at a time, so that what is wrong with one hides nothing about the others."""

from __future__ import annotations

import os

import msgspec

from alerts.send import Sender
from monitor.config import Loaded
from monitor.config.load import service_urls
from monitor.parts import sender_of


def sender_for(loaded: Loaded, name: str) -> Sender:
    """Build the sender of this service alone; ConfigError when its URL is missing or not understood."""
    alerts = loaded.config.alerts
    alone = msgspec.structs.replace(alerts, services={name: alerts.services[name]}, routes=())
    config = msgspec.structs.replace(loaded.config, alerts=alone)
    return sender_of(service_urls(config, os.environ, loaded.path.parent), config)


def scheme_of(sender: Sender, name: str) -> str:
    """Give the kind of service: what the URL begins with, and nothing of the rest."""
    return sender.address(name).partition("://")[0]
