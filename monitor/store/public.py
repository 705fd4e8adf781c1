"""The promise to users of SQL: these views, these columns, these words about them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from monitor.store.base import View
from monitor.store.experiment_tables import experiment_result, experiment_sum
from monitor.store.label_tables import challenger_result, joined_window
from monitor.store.meanings import (
    ALERTS,
    CHALLENGER,
    CONFIGS,
    COUNTS,
    DRIFT,
    EXPERIMENT_WINDOWS,
    EXPERIMENTS,
    GAPS,
    LABELS,
    LINEAGE,
    MODELS,
    PARTITIONS,
    PERFORMANCE,
    QUALITY,
    REF_COUNTS,
    REFS,
    REJECTS,
    REVISIONS,
    WINDOWS,
)
from monitor.store.result_tables import (
    alert,
    closed_window,
    day_counts,
    drift_result,
    performance_result,
    performance_revision,
    quality_result,
    window_counts,
)
from monitor.store.tables import (
    config,
    cursor,
    gap,
    late_count,
    model,
    reader,
    reference,
    reference_counts,
    reject,
)
from monitor.store.types import Figure, Instant, Words
from monitor.store.views import PublicView


def plain(table: FromClause, columns: dict[str, str], **named: Any) -> Select[Any]:
    """Select columns as they are, but for those given by name."""
    return select(*(named[name].label(name) if name in named else table.c[name] for name in columns))


def windows() -> Any:
    """Judged windows, and those that were passed over empty but got late rows afterwards."""
    nothing = cast(literal(0, literal_execute=True), BigInteger())
    unknown = cast(literal("", literal_execute=True), Words())
    only_late = plain(
        late_count, WINDOWS, late=late_count.c.rows, rows=nothing, rejected=nothing, labelled=nothing,
        closed_at=cast(null(), Instant()), model_version=unknown, reference_id=unknown, config_hash=unknown,
    )  # fmt: skip
    passed_over = late_count.c.window_start < model.c.closed_until
    only_late = only_late.join_from(late_count, model, model.c.name == late_count.c.model).where(passed_over)
    return union_all(plain(closed_window, WINDOWS), only_late)


def share(part: ColumnElement[Any], whole: ColumnElement[Any]) -> ColumnElement[Any]:
    """Divide as floating-point numbers; NULL by zero."""
    return cast(part, Figure()) / cast(func.nullif(whole, 0), Figure())


def labels() -> Select[Any]:
    """Labels of each window, summed over partitions, beside the rows that were judged."""
    table, key = joined_window, (joined_window.c.model, joined_window.c.window_start, joined_window.c.segment)
    counts = ("labelled", "unusable", "duplicates", "corrected", "too_late", "unmatched")
    total = (
        select(
            *key,
            func.max(table.c.window_end).label("window_end"),
            *(cast(func.sum(table.c[name]), BigInteger()).label(name) for name in counts),
        )
        .group_by(*key)
        .having(or_(*(func.sum(table.c[name]) != literal(0, literal_execute=True) for name in counts)))
        .subquery("total")
    )
    window = closed_window
    same = and_(
        window.c.model == total.c.model,
        window.c.window_start == total.c.window_start,
        window.c.segment == total.c.segment,
    )
    ratio = share(total.c.labelled, window.c.rows)
    columns = {"rows": func.coalesce(window.c.rows, 0), "label_ratio": ratio}
    return plain(total, LABELS, **columns).outerjoin_from(total, window, same)


def challengers() -> Select[Any]:
    """Challenger and production with their errors for one row."""
    table = challenger_result
    production = share(table.c.production_errors, table.c.rows)
    challenger = share(table.c.challenger_errors, table.c.rows)
    return plain(table, CHALLENGER, production_error=production, challenger_error=challenger)


def partitions() -> Select[Any]:
    """Positions, each with the latest beat of its reader if any."""
    lag = cursor.c.log_end - cursor.c.next_offset
    zero = literal(0, literal_execute=True)
    columns = {
        "lag": case((lag < zero, cast(zero, BigInteger())), else_=lag),
        "process": reader.c.process,
        "reads_since": reader.c.since,
        "beat_at": reader.c.beat_at,
    }
    same = and_(reader.c.topic == cursor.c.topic, reader.c.partition == cursor.c.partition)
    return plain(cursor, PARTITIONS, **columns).outerjoin_from(cursor, reader, same)


def models() -> Select[Any]:
    """Models, each with its active reference if any."""
    columns = {"model": model.c.name, "reference_id": reference.c.id, "model_version": reference.c.version}
    active = and_(reference.c.model == model.c.name, reference.c.active)
    return plain(model, MODELS, **columns).outerjoin_from(model, reference, active)


def lineage() -> Select[Any]:
    """Alerts, each with what its evidence was found with, as far as that is still stored."""
    columns = {
        "data_version": reference.c.data_version,
        "reference_source": reference.c.source,
        "reference_rows": reference.c.rows,
        "reference_hash": reference.c.content_hash,
        "reference_built_at": reference.c.built_at,
        "config_first_seen": config.c.first_seen,
        "driftd_version": config.c.driftd_version,
    }
    with_reference = alert.outerjoin(reference, reference.c.id == alert.c.reference_id)
    everything = with_reference.outerjoin(config, config.c.hash == alert.c.config_hash)
    return plain(alert, LINEAGE, **columns).select_from(everything)


def counts() -> Any:
    """Counts of features in windows that were counted on one reference, and in days that they became."""
    table, window = window_counts, closed_window
    same = and_(
        window.c.model == table.c.model,
        window.c.window_start == table.c.window_start,
        window.c.segment == table.c.segment,
        window.c.reference_id != literal("", literal_execute=True),
    )
    columns = {"window_end": window.c.window_end, "reference_id": window.c.reference_id}
    one = literal(1, literal_execute=True)
    windows = plain(table, COUNTS, **columns, windows=one).join_from(table, window, same)
    days = plain(day_counts, COUNTS).where(is_feature(day_counts.c.feature))
    return union_all(windows.where(is_feature(table.c.feature)), days)


def is_feature(name: ColumnElement[str]) -> ColumnElement[bool]:
    """Leave out what is counted beside the features, under names that begin with a colon."""
    return func.substr(name, *(literal(1, literal_execute=True),) * 2) != literal(":", literal_execute=True)


PUBLIC: dict[View, PublicView] = {
    view.name: view
    for view in (
        PublicView(
            "drift_history", "Every test of every feature in every window.", DRIFT,
            plain(drift_result, DRIFT), "window_start",
            ("model", "segment", "shift", "feature", "detector", "multiple"),
        ),
        PublicView(
            "quality_history", "Every check of the log against the data dictionary.", QUALITY,
            plain(quality_result, QUALITY), "window_start",
            ("model", "segment", "feature", "check_name"),
        ),
        PublicView(
            "performance_history", "How well the models did, on labels or estimated without.", PERFORMANCE,
            plain(performance_result, PERFORMANCE), "window_start",
            ("model", "segment", "metric", "is_estimate", "multiple"),
        ),
        PublicView(
            "performance_revisions", "What performance_history said before its rows were published anew.",
            REVISIONS, plain(performance_revision, REVISIONS), "window_start",
            ("model", "segment", "metric", "is_estimate", "multiple", "revision"),
        ),
        PublicView(
            "label_history",
            "Labels by the window of their prediction, for windows that got any and may get more.",
            LABELS, labels(), "window_start", ("model", "segment"),
        ),
        PublicView(
            "challenger_history", "An ensemble that learns online beside the model, on the same rows.",
            CHALLENGER, challengers(), "window_start", ("model",),
        ),
        PublicView(
            "alert_history", "Incidents: from the first bad window until enough windows were clear.", ALERTS,
            plain(alert, ALERTS, notified=alert.c.notified_at.is_not(None)), "opened_at", ("alert_id",),
        ),
        PublicView(
            "window_history", "Windows and their rows.", WINDOWS, windows(), "window_start",
            ("model", "segment"),
        ),
        PublicView(
            "models", "Models and the references they are compared with.", MODELS, models(),
            "registered_at", ("model",),
        ),
        PublicView("refs", "References.", REFS, plain(reference, REFS), "built_at", ("id",)),
        PublicView(
            "rejects", "Messages, or a model's rows in them, that could not be used.", REJECTS,
            plain(reject, REJECTS), "at", ("topic", "partition", "message_offset", "model"),
        ),
        PublicView(
            "gaps", "Messages that Kafka deleted before they were read.", GAPS, plain(gap, GAPS), "at",
            ("topic", "partition", "first_lost"),
        ),
        PublicView(
            "partitions", "Partitions that are read: how far, and by which process.", PARTITIONS,
            partitions(), "beat_at", ("topic", "partition"),
        ),
        PublicView(
            "count_history", "The counts of each feature in each window or day, for the functions.", COUNTS,
            counts(), "window_start", ("model", "segment", "feature"),
        ),
        PublicView(
            "ref_counts", "The counts of each feature in each reference.", REF_COUNTS,
            plain(reference_counts, REF_COUNTS).where(is_feature(reference_counts.c.feature)),
            "reference_id", ("feature",),
        ),
        PublicView(
            "configs", "Configurations that results were made with.", CONFIGS, plain(config, CONFIGS),
            "first_seen", ("hash",),
        ),
        PublicView(
            "lineage", "What each alert came from: model, reference, training data, configuration.", LINEAGE,
            lineage(), "opened_at", ("alert_id",),
        ),
        PublicView(
            "experiment_history", "What experiments said after each window, of all rows so far.", EXPERIMENTS,
            plain(experiment_result, EXPERIMENTS), "window_start",
            ("model", "experiment", "kind", "measure", "variant"),
        ),
        PublicView(
            "experiment_windows", "What experiments are judged by: sums of each window, which add up.",
            EXPERIMENT_WINDOWS, plain(experiment_sum, EXPERIMENT_WINDOWS), "window_start",
            ("model", "experiment", "kind", "measure", "variant"),
        ),
    )
}  # fmt: skip
