"""What results come from: the configuration as it is kept beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from monitor.config import Config, digest, effective
from monitor.errors import DataError
from monitor.store.base import ConfigRow, Store
from monitor.version import VERSION


def config_row(config: Config, at: datetime) -> ConfigRow:
    """Give the row that keeps a configuration."""
    return ConfigRow(digest(config), VERSION, msgspec.json.decode(effective(config)), at)


def register(store: Store, config: Config, models: Iterable[str], at: datetime) -> None:
    """Make sure that these models can have results, and note what configuration makes them."""
    store.register_models(models, at)
    store.register_config(config_row(config, at))


def data_version_of(path: Path) -> str:
    """Name the version of training data by what its file holds; raises DataError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
