"""References built from whatever a user names: rows in a file, or what another tool knows of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.reference import Reference
from monitor.bridges.descriptions import document_of, is_statistics
from monitor.bridges.needing import needing
from monitor.bridges.sacred import training as training_of_run
from monitor.bridges.sagemaker import statistics
from monitor.bridges.sagemaker.documents import Statistics
from monitor.bridges.signature import signed
from monitor.config import Model
from monitor.config.section import nearest
from monitor.dictionaries import read_dictionary
from monitor.errors import DataError
from monitor.files import TrainingRows, outputs_of
from monitor.lineage import data_version_of
from monitor.references import built_from, dictionary_of, rows_of

MLFLOW, SACRED = "mlflow:", "sacred:"
"""How a source begins that is a registered model of MLflow's, or a run of Sacred's."""


@dataclass(frozen=True, slots=True)
class Built:
    """A reference, the version of its data, and what to know about how it came about, a line each."""

    reference: Reference
    data_version: str
    notes: tuple[str, ...]


def built(
    source: Path,
    settings: Model,
    name: str,
    now: datetime,
    dictionary: Path | None = None,
    ignored: Collection[str] = (),
) -> Built:
    """Build a model's reference from rows, SageMaker's statistics, ``mlflow:ADDRESS`` or ``sacred:RUN``.

    Raises DataError, or BridgeError when MLflow is asked and away.
    """
    if str(source).startswith(MLFLOW):
        return _from_mlflow(str(source).removeprefix(MLFLOW), settings, name, now, dictionary, ignored)
    if str(source).startswith(SACRED):
        return _from_sacred(source, settings, name, now, dictionary, ignored)
    if source.name.lower().endswith(".json"):
        return _from_statistics(source, settings, name, now, dictionary, ignored)
    return _from_rows(source, source, (), settings, name, now, dictionary, ignored)


def taken(rows: TrainingRows) -> tuple[str, ...]:
    """Say which columns of a file are no features, and which were not used at all."""
    found = ", ".join(f"{key}: {column or 'none found'}" for key, column in rows.found.items())
    left_out = (f"columns left out: {', '.join(rows.ignored)}",) if rows.ignored else ()
    return (f"taken from the file as {found}", *left_out)


def roles_of(settings: Model, name: str) -> dict[str, Role]:
    """Give the roles of the model's outputs, by the names that they have in its rows."""
    fields = settings.fields.resolved(name)
    label = settings.labels_fields.resolved(settings.fields, name).label
    if label is not None:
        fields = replace(fields, label=label)
    return {column: role for column, role, _ in outputs_of(fields)}


def _from_statistics(
    source: Path,
    settings: Model,
    name: str,
    now: datetime,
    dictionary_file: Path | None,
    ignored: Collection[str],
) -> Built:
    document = document_of(source)
    if not is_statistics(document):
        raise DataError(
            f"{source}: is no statistics.json of SageMaker; rows have to be Parquet, CSV or JSON lines, and "
            "rules become a data dictionary with `driftd dictionary import`"
        )
    try:
        known = msgspec.convert(document, Statistics)
        read = statistics.imported(known, roles_of(settings, name))
        dictionary = read.dictionary if dictionary_file is None else read_dictionary(dictionary_file)
        reference = statistics.reference(
            known,
            without(dictionary, ignored, source),
            model=name,
            version=settings.version,
            source=str(source),
            built_at=now,
            grid_size=settings.grid_size,
            max_categories=settings.max_categories,
        )
    except (msgspec.ValidationError, ValueError) as error:
        raise DataError(f"{source}: {error}") from error
    left_out = read.left_out if dictionary_file is None else ()
    return Built(reference, data_version_of(source), (statistics.UNKNOWN, *left_out))


def _from_mlflow(
    address: str,
    settings: Model,
    name: str,
    now: datetime,
    dictionary_file: Path | None,
    ignored: Collection[str],
) -> Built:
    """Build it from the training dataset of a registered model's run, with the types of its signature."""
    with needing("mlflow"):
        from monitor.bridges.mlflow.training import training  # noqa: PLC0415  # takes seconds
    with TemporaryDirectory(prefix="driftd-") as folder:
        found = training(address, Path(folder))
        rows = rows_of(found.file, settings, name)
        known = dictionary_of(rows, found.file, dictionary_file, ignored)
        notes: tuple[str, ...] = found.notes
        if dictionary_file is None and found.inputs:
            known, more = signed(known, found.inputs)
            notes += more
        if found.rows not in (None, len(rows.frame)):
            notes += (f"{found.file} has {len(rows.frame):,} rows now, {found.rows:,} when it was logged",)
        reference = built_from(rows, known, name, settings, f"{MLFLOW}{found.address}", now)
        return Built(reference, data_version_of(found.file), (*notes, *taken(rows)))


def _from_sacred(
    source: Path,
    settings: Model,
    name: str,
    now: datetime,
    dictionary_file: Path | None,
    ignored: Collection[str],
) -> Built:
    """Build it from the rows that a run of Sacred's has read or written."""
    found = training_of_run(str(source).removeprefix(SACRED))
    return _from_rows(found.file, source, found.notes, settings, name, now, dictionary_file, ignored)


def _from_rows(
    file: Path,
    source: Path,
    notes: tuple[str, ...],
    settings: Model,
    name: str,
    now: datetime,
    dictionary_file: Path | None,
    ignored: Collection[str],
) -> Built:
    """Build it from the rows in a file, which the source has named."""
    rows = rows_of(file, settings, name)
    known = dictionary_of(rows, file, dictionary_file, ignored)
    reference = built_from(rows, known, name, settings, source, now)
    return Built(reference, data_version_of(file), (*notes, *taken(rows)))


def without(dictionary: Dictionary, ignored: Collection[str], source: Path) -> Dictionary:
    """Ignore these features; raises DataError for one that is not there."""
    features = dict(dictionary.features)
    for name in ignored:
        if name not in features:
            raise DataError(f'{source}: there is no column "{name}" to ignore{nearest(name, features)}')
        known = features[name]
        features[name] = Feature(name, Kind.IGNORE, known.type, known.role, description=known.description)
    return Dictionary(features)
