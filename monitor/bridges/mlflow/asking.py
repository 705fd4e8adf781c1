"""Asking MLflow: what it refuses, and what is away, in words."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from monitor.errors import BridgeError, DataError

_MODEL = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>[^/@]+))")


@contextmanager
def asked() -> Iterator[None]:
    """Turn what goes wrong at MLflow into BridgeError; its warnings are for whoever trains models."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (MlflowException, requests.RequestException) as error:
            raise BridgeError(f"MLflow: {' '.join(str(error).split())[:300]}") from error


def client() -> MlflowClient:
    """Give a client of the server that MLFLOW_TRACKING_URI names; raises BridgeError."""
    with asked():
        return MlflowClient()


def model_version(client: MlflowClient, address: str) -> ModelVersion:
    """Find a registered model's version; raises BridgeError, or DataError for an address of another form."""
    found = _MODEL.fullmatch(address)
    if found is None:
        raise DataError(
            f"{address} is no version of a registered model: write models:/NAME/VERSION or models:/NAME@ALIAS"
        )
    with asked():
        if found["version"] is None:
            return client.get_model_version_by_alias(found["name"], found["alias"])
        return client.get_model_version(found["name"], found["version"])


def address_of(version: ModelVersion) -> str:
    """Give the address that means this version for ever, whatever aliases will."""
    return f"models:/{version.name}/{version.version}"
