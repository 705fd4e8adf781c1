"""References: built from training rows, stored, fetched."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

from detectors.dictionary import Dictionary, Feature, Kind, Role
from detectors.dictionary_file import from_toml
from detectors.frames import columns_from_frame
from detectors.inference import infer
from detectors.reference import Reference, build
from detectors.reference_wire import encode
from monitor.config import Model
from monitor.config.section import nearest
from monitor.errors import DataError
from monitor.files import TrainingRows, training_rows
from monitor.store.base import ReferenceRow


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
    rows = training_rows(path, settings.fields.resolved(name))
    dictionary = dictionary_of(rows, path, dictionary_file, ignored)
    return built_from(rows, dictionary, name, settings, path, now)


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
    dictionary = infer(rows.frame, rows.roles) if dictionary_file is None else _dictionary(dictionary_file)
    return _without(dictionary, ignored, rows)


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
    rows: TrainingRows, dictionary: Dictionary, name: str, settings: Model, path: Path, now: datetime
) -> Reference:
    """Build a model's reference from rows that were read from ``path``; raises DataError."""
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
        )
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def _dictionary(path: Path) -> Dictionary:
    try:
        return from_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def stored(reference: Reference, *, active: bool) -> ReferenceRow:
    """Give the row that keeps a reference."""
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
    )
