"""What a registered model was trained on: the dataset of its run, and the signature of its inputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.data
import mlflow.models
from mlflow import MlflowClient
from mlflow.entities import DatasetInput
from mlflow.entities.model_registry import ModelVersion

from monitor.bridges.mlflow.asking import address_of, asked, client, model_version
from monitor.errors import DataError

CONTEXT = "mlflow.data.context"
TRAINING = ("training", "train")
HOW = 'log it with mlflow.log_input(dataset, context="training"), or name the file itself'


@dataclass(frozen=True, slots=True)
class Training:
    """The rows' file, and the inputs of the model by name (none: there is no signature of columns).

    ``address`` is the version's own, ``rows`` what MLflow noted when the dataset was logged.
    """

    address: str
    file: Path
    inputs: Mapping[str, Mapping[str, Any]]
    rows: int | None
    notes: tuple[str, ...]


def training(address: str, folder: Path) -> Training:
    """Find a version's training rows; what is not on this machine is downloaded into ``folder``.

    Raises DataError when its run has no such dataset, or one that is no file; BridgeError of MLflow itself.
    """
    asking = client()
    version = model_version(asking, address)
    own = address_of(version)
    known = _dataset(asking, version, own)
    inputs = _inputs(own)
    told = f"{own}: dataset {known.dataset.name}, digest {known.dataset.digest}, of run {version.run_id}"
    notes = (told,) if inputs else (told, "the model has no signature of columns")
    profile = json.loads(known.dataset.profile or "{}")
    rows = profile.get("num_rows") if isinstance(profile, dict) else None
    return Training(own, _file(known, own, folder), inputs, rows, notes)


def _dataset(asking: MlflowClient, version: ModelVersion, own: str) -> DatasetInput:
    if not version.run_id:
        raise DataError(f"{own}: was registered without a run, so its training dataset is not known: {HOW}")
    with asked():
        run = asking.get_run(version.run_id)
    for known in run.inputs.dataset_inputs if run.inputs else ():
        if any(tag.key == CONTEXT and tag.value in TRAINING for tag in known.tags):
            return known
    raise DataError(f"{own}: run {version.run_id} has no dataset of the context training: {HOW}")


def _file(known: DatasetInput, own: str, folder: Path) -> Path:
    """Give the dataset's file; a folder stands for the one file that is in it."""
    dataset = known.dataset
    with asked():
        source: Any = mlflow.data.get_source(dataset)
    try:
        with asked():
            loaded = source.load(dst_path=str(folder))
    except (NotImplementedError, TypeError) as error:
        raise DataError(
            f"{own}: dataset {dataset.name} is of the kind {dataset.source_type}, which is no file: {HOW}"
        ) from error
    except OSError as error:
        raise DataError(f"{own}: dataset {dataset.name} cannot be read: {error}") from error
    path = Path(loaded)
    files = [each for each in sorted(path.rglob("*")) if each.is_file()] if path.is_dir() else [path]
    if len(files) != 1:
        raise DataError(f"{own}: dataset {dataset.name} is {len(files)} files: name the one to build from")
    return files[0]


def _inputs(own: str) -> dict[str, Mapping[str, Any]]:
    with asked():
        signature = mlflow.models.get_model_info(own).signature
    columns = [] if signature is None or signature.inputs is None else signature.inputs.to_dict()
    return {str(each["name"]): each for each in columns if each.get("name") and each.get("type") != "tensor"}
