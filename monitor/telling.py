"""Telling people: groups of alerts whose time has come become messages in the outbox, under the lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.flush import flush
from alerts.grouping import plan as due
from alerts.model import Alert
from alerts.notice import Context
from alerts.routes import Route
from alerts.timetable import Timetable
from monitor.clock import CLOCKS_DIFFER
from monitor.performance.holds import performance_holds
from monitor.plan import ModelPlan
from monitor.store.base import Alerting, ModelLock, Store


@dataclass(frozen=True, slots=True)
class Speaking:
    """To whom alerts are told; no services: to nobody."""

    services: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    schema: str = ""
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    digests: Mapping[str, Timetable] = field(default_factory=dict)

    def plans(self, plans: Mapping[str, ModelPlan]) -> dict[str, ModelPlan]:
        """Give plans that note for digests what happens: whoever tells nobody notes nothing."""
        digests = frozenset(self.digests)
        return {
            name: replace(plan, alerting=replace(plan.alerting, digests=digests))
            for name, plan in plans.items()
        }


def flush_due(
    store: Store, plans: Mapping[str, ModelPlan], speaking: Speaking, now: datetime
) -> tuple[Alert, ...]:
    """Put the messages of groups whose time has come into the outbox; return the alerts told about."""
    told: list[Alert] = []
    waits = [max(plan.alerting.group_wait, plan.alerting.group_interval) for plan in plans.values()]
    latest = now + max(waits, default=timedelta(0)) + CLOCKS_DIFFER
    for model in store.models_to_flush(now, latest):
        plan = plans.get(model)
        if plan is None:
            continue
        with store.lock(model) as lock:
            if lock is not None:
                context = Context(
                    model_version=plan.settings.version,
                    links=speaking.links.get(model, {}),
                    budget=plan.settings.false_alarms,
                    schema=speaking.schema,
                    performance_holds=performance_holds(store, model),
                )
                told += _flush_model(lock, plan, speaking, context, now, latest)
    return tuple(told)


def _flush_model(
    lock: ModelLock, plan: ModelPlan, speaking: Speaking, context: Context, now: datetime, latest: datetime
) -> list[Alert]:
    told: list[Alert] = []
    alerts, silences = lock.alerts(), lock.silences()
    for group in due(lock.groups(), now, latest):
        after, notifications = flush(
            group,
            alerts,
            silences,
            speaking.routes,
            speaking.services,
            lock.sent(group.key),
            plan.alerting,
            now,
            context,
        )
        lock.write(Alerting(groups=(after,), notifications=notifications))
        told.extend(alerts if notifications else ())
    return told
