"""All models at a glance. What is read does not grow with history: each model's latest windows, by index."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Integer, and_, case, cast, func, select
from sqlalchemy.types import TypeEngine

from detectors.result import Verdict
from monitor.store.page.rows import Row, fetched, moved_rows, per_model, wanted
from monitor.store.result_tables import alert, closed_window, drift_result
from monitor.store.tables import cursor, model, partition_clock, reader
from monitor.store.types import EventTime, Figure, Words

LOUDNESS = {Verdict.OK.value: 1, Verdict.WARN.value: 2, Verdict.DRIFT.value: 3}
"""Verdicts that say something of an effect, the loudest last."""


def models(connection: Connection) -> dict[str, int | None]:
    """Give every model and up to when it is judged."""
    rows = connection.execute(select(model.c.name, model.c.closed_until).order_by(model.c.name))
    return {row.name: row.closed_until for row in rows}


def windows(connection: Connection, names: Collection[str]) -> list[Row]:
    """Give the latest judged window of each model."""
    table, other = closed_window, closed_window.alias("other")
    latest = select(func.max(other.c.window_start)).where(
        other.c.model == model.c.name, other.c.segment == ""
    )
    columns = (table.c.model, table.c.window_start, table.c.window_end, table.c.rows, table.c.late)
    same = and_(
        table.c.model == model.c.name,
        table.c.segment == "",
        table.c.window_start == latest.correlate(model).scalar_subquery(),
    )
    return fetched(connection, select(*columns).join_from(model, table, same).where(model.c.name.in_(names)))


def worst(connection: Connection, starts: Mapping[str, int]) -> list[Row]:
    """Give, of the window of each model that begins then, the feature that drifted or else moved most.

    ``loudest`` is what the loudest of its tests said (see `LOUDNESS`), ``drifted`` how many of the ``tested``
    features drifted.
    """
    table, of = drift_result, per_model(connection, starts)
    loudest = func.max(case(LOUDNESS, value=table.c.verdict, else_=0))
    same = and_(table.c.window_start == of.c.at, table.c.model == of.c.model)
    features = (
        select(
            table.c.model,
            table.c.feature,
            func.max(table.c.effect, type_=Figure()).label("effect"),
            loudest.label("loudest"),
        )
        .join_from(of, table, same)
        .where(moved_rows(), table.c.multiple == 1, table.c.effect.is_not(None))
        .group_by(table.c.model, table.c.feature)
        .subquery("features")
    )
    drifted = case((features.c.loudest == LOUDNESS[Verdict.DRIFT.value], 1), else_=0)
    order = (drifted.desc(), features.c.effect.desc(), features.c.feature)
    ranked = select(
        features,
        cast(func.sum(drifted).over(partition_by=features.c.model), Integer()).label("drifted"),
        func.count().over(partition_by=features.c.model).label("tested"),
        func.row_number().over(partition_by=features.c.model, order_by=order).label("place"),
    ).subquery("ranked")
    return fetched(connection, select(ranked).where(ranked.c.place == 1))


def effects(connection: Connection, of: Sequence[tuple[str, str, int]]) -> list[Row]:
    """Give the largest effect of each window, oldest first, of (model, feature, from when on)."""
    table = drift_result
    types: dict[str, TypeEngine[Any]] = {"model": Words(), "feature": Words(), "at": EventTime()}
    each = wanted(connection, of, **types)
    same = and_(
        table.c.model == each.c.model,
        table.c.feature == each.c.feature,
        table.c.multiple == 1,
        table.c.window_start >= each.c.at,
    )
    loudest = func.max(case(LOUDNESS, value=table.c.verdict, else_=0)).label("loudest")
    effect = func.max(table.c.effect, type_=Figure()).label("effect")
    query = select(table.c.model, table.c.window_start, effect, loudest).join_from(each, table, same)
    query = query.where(moved_rows(), table.c.effect.is_not(None)).group_by(
        table.c.model, table.c.window_start
    )
    return fetched(connection, query.order_by(table.c.model, table.c.window_start))


def progress(connection: Connection) -> list[Row]:
    """Give, by model and topic, what waits, the latest event time, and when a reader last said it lives."""
    clock, at = partition_clock, partition_clock
    lag = case((cursor.c.log_end > cursor.c.next_offset, cursor.c.log_end - cursor.c.next_offset), else_=0)
    same = and_(cursor.c.topic == clock.c.topic, cursor.c.partition == clock.c.partition)
    read = and_(reader.c.topic == clock.c.topic, reader.c.partition == clock.c.partition)
    query = (
        select(
            clock.c.model,
            clock.c.topic,
            cast(func.sum(case((cursor.c.log_end.is_(None), 0), else_=lag)), Integer()).label("lag"),
            func.max(at.c.max_event, type_=EventTime()).label("latest"),
            func.min(reader.c.beat_at, type_=reader.c.beat_at.type).label("beat_at"),
            func.count().label("partitions"),
        )
        .join_from(clock, cursor, same)
        .outerjoin(reader, read)
        .group_by(clock.c.model, clock.c.topic)
    )
    return fetched(connection, query)


def open_alerts(connection: Connection) -> list[Row]:
    """Count what is open, by model, severity and status."""
    of = (alert.c.model, alert.c.severity, alert.c.status)
    query = select(*of, func.count().label("alerts")).where(alert.c.status != "resolved").group_by(*of)
    return fetched(connection, query)
