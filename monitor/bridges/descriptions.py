"""Descriptions of data in other tools' words, read into a data dictionary."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from detectors.dictionary import Role
from monitor.bridges import data_contract, great_expectations
from monitor.bridges.imported import Imported
from monitor.bridges.sagemaker import constraints, statistics
from monitor.bridges.sagemaker.documents import Constraints, Statistics
from monitor.errors import DataError

KNOWN = (
    "SageMaker's constraints.json or statistics.json, a suite of Great Expectations (JSON), "
    "a data contract of the Open Data Contract Standard (YAML)"
)
YAML = (".yaml", ".yml")


def imported(path: Path, roles: dict[str, Role], object_name: str | None = None) -> Imported:
    """Read a file of any known kind, told by what is in it; raises DataError."""
    document = document_of(path)
    read = _reader(document, object_name)
    if read is None:
        raise DataError(f"{path}: is none of the descriptions that driftd can read: {KNOWN}")
    try:
        return read(document, roles)
    except (msgspec.ValidationError, ValueError) as error:
        raise DataError(f"{path}: {error}") from error


def document_of(path: Path) -> Mapping[str, Any]:
    """Read a file that holds one object, YAML by its name or else JSON; raises DataError."""
    try:
        text = path.read_text(encoding="utf-8")
        document = yaml.safe_load(text) if path.name.lower().endswith(YAML) else json.loads(text)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise DataError(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
    except ValueError as error:
        raise DataError(f"{path}: is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise DataError(f"{path}: holds no object, so it is none of what driftd can read: {KNOWN}")
    return document


def is_statistics(document: Mapping[str, Any]) -> bool:
    """Tell SageMaker's `statistics.json`."""
    return "dataset" in document and isinstance(document.get("features"), list)


def _reader(
    document: Mapping[str, Any], object_name: str | None
) -> Callable[[Mapping[str, Any], dict[str, Role]], Imported] | None:
    if is_statistics(document):
        return lambda read, roles: statistics.imported(msgspec.convert(read, Statistics), roles)
    if isinstance(document.get("features"), list):
        return lambda read, roles: constraints.imported(msgspec.convert(read, Constraints), roles)
    if isinstance(document.get("expectations"), list):
        return great_expectations.imported
    if document.get("kind") == "DataContract" and isinstance(document.get("schema"), list):
        return lambda read, roles: data_contract.imported(read, roles, object_name)
    return None
