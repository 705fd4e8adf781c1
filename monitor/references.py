"""References: built from training rows, stored, fetched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.metrics import is_share
from detectors.performance import Outputs, Task, estimated
from detectors.profile import encode_parts
from detectors.reference import Reference, build
from detectors.reference_wire import encode
from detectors.season import Hours
from monitor.config import Model
from monitor.config.section import nearest
from monitor.dictionaries import read_dictionary
from monitor.errors import DataError
from monitor.files import TrainingRows, sample_frame, training_rows
from monitor.source.base import Message, Record
from monitor.store.base import ReferenceRow

_SHOWN = {
    Task.BINARY: ("accuracy", "roc_auc"),
    Task.MULTICLASS: ("accuracy", "f1_macro"),
    Task.REGRESSION: ("mae", "rmse"),
}
"""The metrics that one line has room for."""


def built(
    name: str,
    settings: Model,
    path: Path,
    now: datetime,
    dictionary_file: Path | None = None,
    ignored: Collection[str] = (),
) -> Reference:
    """Build a model's reference from a file; raises DataError that says what does not fit.

    Without a dictionary file the dictionary is inferred; ``ignored`` are columns that are no features.
    """
    rows = rows_of(path, settings, name)
    dictionary = dictionary_of(rows, path, dictionary_file, ignored)
    return built_from(rows, dictionary, name, settings, path, now)


def rows_of(path: Path, settings: Model, name: str) -> TrainingRows:
    """Read a file's rows by the paths of a model's settings; raises DataError that says what does not fit."""
    label = settings.labels_fields.resolved(settings.fields, name).label
    return training_rows(path, settings.fields.resolved(name), label)


def dictionary_of(
    rows: TrainingRows, path: Path, dictionary_file: Path | None = None, ignored: Collection[str] = ()
) -> Dictionary:
    """Read or infer the dictionary of a file's rows; ``ignored`` columns stay in it as such.

    They are known that way: a log that has them does not show unknown columns. Raises DataError.
    """
    for column in ignored:
        if column not in rows.frame.columns:
            raise DataError(
                f'{path}: there is no column "{column}" to ignore{nearest(column, rows.frame.columns)}'
            )
    dictionary = (
        infer(rows.frame, rows.roles) if dictionary_file is None else read_dictionary(dictionary_file)
    )
    return _without(dictionary, ignored, rows)


def inferred(
    settings: Model,
    name: str,
    messages: Iterable[Message],
    read_value: Callable[[Record], Any] | None = None,
) -> Dictionary:
    """Infer a dictionary from messages, as far as they can be read; raises DataError when none can."""
    label = settings.labels_fields.resolved(settings.fields, name).label
    frame, roles = sample_frame(messages, settings.fields.resolved(name), label, read_value)
    return infer(frame, roles)


def _without(dictionary: Dictionary, ignored: Iterable[str], rows: TrainingRows) -> Dictionary:
    features = dict(dictionary.features)
    for name in ignored:
        known = features.get(name)
        role = rows.roles.get(name, Role.FEATURE) if known is None else known.role
        kind = "str" if known is None else known.type
        note = "" if known is None else known.description
        features[name] = Feature(name, Kind.IGNORE, kind, role, description=note)
    return Dictionary(features)


def built_from(
    rows: TrainingRows, dictionary: Dictionary, name: str, settings: Model, path: Path | str, now: datetime
) -> Reference:
    """Build a model's reference from rows read from ``path``, or a source in words; raises DataError."""
    try:
        return build(
            columns_from_frame(rows.frame, dictionary),
            dictionary,
            model=name,
            version=settings.version,
            source=str(path),
            built_at=now,
            grid_size=settings.grid_size,
            max_categories=settings.max_categories,
            ids=rows.ids,
            times_ms=rows.times_ms,
            window_ms=settings.window.ms,
            task=None if settings.performance.task is None else Task(settings.performance.task),
            positive=settings.performance.positive,
            threshold=settings.performance.threshold,
            segments=settings.segments,
            max_segments=settings.max_segments,
            pairs=bool(settings.detectors.pairs),
            multivariate=bool(settings.detectors.multivariate),
            season=None if settings.season is None else Hours(settings.season),
            zone=settings.time_zone,
        )
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def understood(reference: Reference) -> str:
    """Say in one line what predictions and labels mean, and how well the model did on these rows."""
    known = reference.performance
    if known is None:
        roles = {feature.role: name for name, feature in reference.dictionary.used().items()}
        if roles.get(Role.LABEL) not in reference.grids:
            return "no label column: performance cannot be known"
        return f"{roles[Role.LABEL]} is the label, but nothing predicts it: performance cannot be known"
    outputs = known.outputs
    named = [] if outputs.prediction is None else [outputs.prediction]
    named += outputs.scores if len(outputs.scores) < 2 else [f"{len(outputs.scores)} scores"]  # noqa: PLR2004
    metrics = [
        _figure(name, known.metrics[name].value) for name in _SHOWN[outputs.task] if name in known.metrics
    ]
    can_estimate = bool(estimated(known, known.scored, reference.profile.counts))
    parts = (
        f"{outputs.task}: {' and '.join(named)} against {outputs.label}{_classes(outputs)}",
        ", ".join(metrics) or "no metric is defined on these rows",
        f"estimates without labels: {'yes' if can_estimate else 'no'}",
    )
    return "; ".join(parts)


def _classes(outputs: Outputs) -> str:
    if outputs.task is Task.BINARY:
        limit = f" from a score of {outputs.threshold:g} on" if outputs.prediction is None else ""
        return f", positive class {outputs.classes[1]}{limit}"
    return f", {len(outputs.classes)} classes" if outputs.classes else ""


def _figure(name: str, value: float) -> str:
    if name == "accuracy":
        return f"{name} {value:.1%}".replace("%", " %")
    if is_share(name):
        return f"{name} {value:.3f}".replace(" 0.", " .")
    return f"{name} {value:.4g}"


def stored(reference: Reference, *, active: bool, data_version: str = "") -> ReferenceRow:
    """Give the row that keeps a reference; ``data_version`` says which training data it was built from."""
    return ReferenceRow(
        id=reference.id,
        model=reference.model,
        version=reference.version,
        rows=reference.rows,
        source=reference.source,
        content_hash=reference.content_hash,
        built_at=reference.built_at,
        active=active,
        payload=encode(reference),
        counts=encode_parts(reference.profile),
        data_version=data_version,
    )
