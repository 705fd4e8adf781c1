"""Replaying files through the engine that also runs behind Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from detectors.reference import Reference
from monitor.clock import Clock
from monitor.compile import model_plan, registry_of
from monitor.config import Config, LabelsFields, Model, ResolvedFields, ResolvedLabels, digest
from monitor.config.paths import path_text
from monitor.config.section import InvalidSection, shown
from monitor.decode.layout import Meta
from monitor.engine import Engine
from monitor.errors import ConfigError, DataError
from monitor.files import is_table
from monitor.join.joiner import Joiner
from monitor.join.keeper import JoinKeeper
from monitor.join.table import JoinTable
from monitor.lineage import register
from monitor.plan import ModelPlan
from monitor.room import room_of
from monitor.source.file import FileSource
from monitor.store.base import Store
from monitor.telling import Speaking

_COMMIT_EVERY_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay has read."""

    rows: int
    rejected: int
    windows: int
    labels: int = 0


def replay_files(
    config: Config,
    model: str,
    reference: Reference,
    paths: Sequence[Path],
    store: Store,
    clock: Clock,
    speaking: Speaking,
    progress: Callable[[int], None] | None = None,
    labels: Sequence[Path] = (),
) -> Replayed:
    """Read the files in order, as one partition, and judge every window, the last one too.

    ``labels`` are files of labels: they come after all predictions, as a partition of a topic of their own.
    Rows that this store has seen from the same files before are not read again. Raises ConfigError when the
    configuration does not say where in these files an id or label is.
    """
    for path in (*paths, *labels):
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
    settings = _as_in_files(config.models[model], paths, labels)
    fields = settings.fields.resolved(model)
    labels_fields = settings.labels_fields.resolved(settings.fields, model)
    source = FileSource(paths, fields, progress, labels, labels_fields)
    plan = model_plan(
        model,
        _settings(model, settings, source, fields, labels_fields),
        config.alerts,
        reference,
        config.limits.max_message_bytes,
        config.limits.max_rows_per_message,
        registry_of(config),
        digest(config),
    )
    register(store, config, [model], clock.now())
    with _join(plan, config.limits.join_bytes) as join:
        room = room_of(config.limits)
        engine = Engine(source, store, {model: plan}, clock, "earliest", speaking, join=join, room=room)
        return _read_all(engine, source, config.limits.batch_rows)


def _as_in_files(settings: Model, paths: Sequence[Path], labels: Sequence[Path]) -> Model:
    """Take tables for the rows that messages are made into, and lines for JSON.

    Raises DataError for tables and messages together.
    """
    fields = msgspec.structs.replace(settings.fields, format="json")
    labels_fields = msgspec.structs.replace(settings.labels_fields, format=None)
    if labels_fields.resolved(fields, "").shape is not None and _are_tables(labels):
        labels_fields = LabelsFields(preset="nested")
    if not fields.filled.is_plain and _are_tables(paths):
        if labels_fields.preset is None:
            labels_fields = msgspec.structs.replace(labels_fields, preset="nested")
        fields = fields.rows()
    return msgspec.structs.replace(settings, fields=fields, labels_fields=labels_fields)


def _are_tables(paths: Sequence[Path]) -> bool:
    kinds = {is_table(path) for path in paths}
    if len(kinds) > 1:
        raise DataError(f"{', '.join(map(str, paths))}: give tables or messages, not both together")
    return True in kinds


@contextmanager
def _join(plan: ModelPlan, max_bytes: int) -> Iterator[JoinKeeper | None]:
    """Join labels in a folder that is gone afterwards; nothing for a model without labels."""
    if plan.labels is None:
        yield None
        return
    with TemporaryDirectory(prefix="driftd-replay-") as folder:
        join = JoinKeeper(Joiner(JoinTable(Path(folder), max_bytes, plan.name)))
        try:
            yield join
        finally:
            join.close()


def _settings(
    model: str, settings: Model, source: FileSource, fields: ResolvedFields, labels: ResolvedLabels
) -> Model:
    """Give the model's settings with the files' topics instead of its own; raises ConfigError."""
    if source.labels_partition is None:
        return msgspec.structs.replace(settings, topics=(source.partition.topic,), labels_topics=())
    for key, where in (
        ("fields.id", fields.id),
        ("labels_fields.id", labels.id),
        ("labels_fields.label", labels.label),
    ):
        if isinstance(where, Meta):
            raise ConfigError(
                f'models.{model}.{key}: "{path_text(where)}" is not in files: give a path to replay --labels'
            )
    topics = (source.partition.topic,), (source.labels_partition.topic,)
    try:
        return msgspec.structs.replace(settings, topics=topics[0], labels_topics=topics[1])
    except InvalidSection as error:
        told = (f"models.{model}.{shown(mistake.place)}: {mistake.text}" for mistake in error.mistakes)
        raise ConfigError("\n".join(told)) from None


def _read_all(engine: Engine, source: FileSource, batch_rows: int) -> Replayed:
    total = Replayed(0, 0, 0)
    pending = 0
    while not source.is_exhausted:
        polled = source.poll(0.0, batch_rows)
        engine.assignment(polled)
        engine.claim()
        engine.take(polled.chunks)
        while engine.is_full:
            total = _written(engine, total)
            engine.take(())
        pending += sum(len(chunk.records) for chunk in polled.chunks)
        if pending >= _COMMIT_EVERY_ROWS or source.is_exhausted:
            pending = 0
            total = _written(engine, total, everything=source.is_exhausted)
            engine.flush_alerts()
    return total


def _written(engine: Engine, before: Replayed, *, everything: bool = False) -> Replayed:
    """Commit and judge; give the total so far."""
    if everything:
        engine.end_input()
    rows, rejected, labels = engine.state.rows, len(engine.state.rejects), engine.state.labels
    engine.commit()
    windows = sum(report.windows for report in engine.close_windows(everything=everything))
    return Replayed(
        before.rows + rows, before.rejected + rejected, before.windows + windows, before.labels + labels
    )
