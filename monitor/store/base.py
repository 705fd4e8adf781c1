"""The contract between the service and the results database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Literal, Protocol

from alerts.model import Alert
from alerts.mute import Silence
from alerts.outgoing import Group, Notification, Sent
from monitor.findings import ExperimentResult, Finding, PerformanceFinding, QualityFinding
from monitor.source.base import TopicPartition
from monitor.store.values import (
    Advance,
    Alerting,
    Beat,
    ChallengerResult,
    Closed,
    ClosedWindow,
    ConfigRow,
    DayCounts,
    Deployment,
    DetectorState,
    ExperimentSum,
    Gap,
    HalfKey,
    JoinedWindow,
    Late,
    LearnedWindow,
    Lease,
    Noted,
    OpenWindow,
    Outbound,
    PartitionClock,
    Progress,
    ReferenceRow,
    Reject,
    Sample,
    WaitingHalf,
    WindowFacts,
)

__all__ = [
    "Advance",
    "Alerting",
    "Beat",
    "ChallengerResult",
    "Closed",
    "ClosedWindow",
    "ConfigRow",
    "DayCounts",
    "Deployment",
    "DetectorState",
    "DigestTurn",
    "ExperimentSum",
    "Gap",
    "HalfKey",
    "JoinedWindow",
    "Late",
    "LearnedWindow",
    "Lease",
    "ModelLock",
    "Noted",
    "OpenWindow",
    "Outbound",
    "PartitionClock",
    "Progress",
    "ReferenceRow",
    "Reject",
    "Sample",
    "Store",
    "View",
    "WaitingHalf",
    "WindowFacts",
]


class ModelLock(Protocol):
    """One model's state, held by this process alone until the ``with`` block ends and commits.

    Leaving the block normally commits everything written in it; an exception rolls all of it back.
    """

    def closed_until_ms(self) -> int | None:
        """Give the end of the latest judged window; None before the first."""

    def clocks(self) -> tuple[PartitionClock, ...]:
        """Event time in every partition that the model was ever read from."""

    def open_starts(self) -> tuple[int, ...]:
        """Give the start times of the windows that have open parts, ascending, each once."""

    def open_parts(self, start_ms: int) -> tuple[OpenWindow, ...]:
        """Every partition's share of one window (``new_rows`` is 0), ordered by topic and partition."""

    def closed_windows(self, from_ms: int, until_ms: int, limit: int) -> tuple[ClosedWindow, ...]:
        """Give the first ``limit`` judged windows with ``from_ms <= start_ms < until_ms``, with counts."""

    def window_facts(self, from_ms: int, until_ms: int, limit: int) -> tuple[WindowFacts, ...]:
        """Give what is known of the first ``limit`` judged windows as above, without reading any counts."""

    def late_rows(self, start_ms: int, segment: str = "") -> int:
        """Late rows counted so far for a window that has not been judged."""

    def alerts(self) -> tuple[Alert, ...]:
        """Give the latest alert of each label set, and the one before a pending one, oldest first.

        A pending alert may be forgotten; then the one before it is the latest again.
        """

    def groups(self) -> tuple[Group, ...]: ...

    def sent(self, group_key: str) -> Mapping[str, Sent]:
        """Per service, the latest notification marked as sent."""

    def silences(self) -> tuple[Silence, ...]:
        """Every silence that is kept; `alerts.mute.mutes` looks at their times."""

    def close(self, closed: Closed) -> None:
        """Write a judged window; delete its open parts; move ``closed_until_ms`` to its end."""

    def quality(
        self, findings: tuple[QualityFinding, ...], evaluated_at: datetime, config_hash: str | None = None
    ) -> None:
        """Write check results that belong to no closed window (gaps, freshness); replaces equal keys."""

    def findings(
        self, findings: tuple[Finding, ...], evaluated_at: datetime, config_hash: str | None = None
    ) -> None:
        """Write verdicts that come outside a window's closing (on labels); replaces equal keys."""

    def performance(
        self, findings: tuple[PerformanceFinding, ...], evaluated_at: datetime, config_hash: str | None = None
    ) -> None:
        """Publish metrics, as `close` does with those of its window.

        Where a value, its interval or its verdict replaces another one, the old one is kept as a revision.
        """

    def labelled(self, start_ms: int, rows: int, segment: str = "") -> None:
        """Set how many rows of a judged window have their label; nothing happens without such a window."""

    def joined_changed(self, before_ms: int, limit: int) -> tuple[int, ...]:
        """Give the first start times before ``before_ms`` of windows with labels newer than `joined_done`."""

    def joined_parts(self, start_ms: int) -> tuple[JoinedWindow, ...]:
        """Give every partition's labels of one window, ordered by segment, topic and partition."""

    def joined_done(self, start_ms: int) -> None:
        """Note that the window's labels, as they are now, have been looked at."""

    def delete_joined_before(self, until_ms: int) -> int:
        """Forget the labels of windows that end at ``until_ms`` or earlier; give how many parts went."""

    def published_until_ms(self) -> int | None:
        """Give up to where windows have been published on labels; None before the first."""

    def publish_until(self, until_ms: int) -> None:
        """Move that on, never back."""

    def learned_until_ms(self) -> int | None:
        """Give up to where the sequential detectors have learned; None before the first window."""

    def learned_starts(self) -> tuple[int, ...]:
        """Give the start times of the windows whose losses have not been learned, ascending, each once."""

    def learned_parts(self, start_ms: int) -> tuple[LearnedWindow, ...]:
        """Give every partition's losses of one window, ordered by segment, topic and partition."""

    def close_learned(self, starts_ms: Iterable[int], until_ms: int) -> None:
        """Delete these windows' losses and move ``learned_until`` on, never back.

        What comes later for a window that ends at ``until_ms`` or earlier is not taken in.
        """

    def detector_states(self) -> tuple[DetectorState, ...]:
        """Give the sequential detectors' checkpoints, ordered by segment, signal and detector."""

    def write_detector_states(self, states: Iterable[DetectorState]) -> None:
        """Insert checkpoints or replace them."""

    def experiment_sums(self, sums: tuple[ExperimentSum, ...]) -> None:
        """Insert a window's sums of an experiment's variants or replace them."""

    def experiment_totals(self, experiment: str, from_ms: int, until_ms: int) -> tuple[ExperimentSum, ...]:
        """Add up the windows with ``from_ms <= start_ms < until_ms``, by kind, measure and variant."""

    def experiment_results(
        self, results: tuple[ExperimentResult, ...], evaluated_at: datetime, config_hash: str | None = None
    ) -> None:
        """Write what an experiment says after a window; replaces equal keys."""

    def latest_challenger(self, limit: int) -> tuple[ChallengerResult, ...]:
        """Give the challenger's latest results, newest first."""

    def write(self, alerting: Alerting) -> None:
        """Write alerts, groups and notifications.

        A notification replaces the unsent one of the same group and service.
        """


class DigestTurn(Protocol):
    """One service's digest, this process's own until the ``with`` block ends and commits."""

    def due_at(self) -> datetime | None:
        """Give when the next digest is due; None before the first."""

    def changed(self) -> tuple[Alert, ...]:
        """Give the incidents that were noted for the service since its last digest, as they stand now."""

    def standing(self) -> tuple[Alert, ...]:
        """Give all alerts that fire."""

    def silences(self) -> tuple[Silence, ...]: ...

    def end(self, notification: Notification | None, next_at: datetime) -> None:
        """Put the digest into the outbox, forget what it tells, and plan the next one."""

    def plan(self, next_at: datetime) -> None:
        """Plan the next digest."""


View = Literal[
    "drift_history",
    "quality_history",
    "performance_history",
    "performance_revisions",
    "label_history",
    "challenger_history",
    "alert_history",
    "window_history",
    "models",
    "refs",
    "rejects",
    "gaps",
    "partitions",
    "count_history",
    "ref_counts",
    "configs",
    "lineage",
    "experiment_history",
    "experiment_windows",
]


class Store(Protocol):
    """The results database. Every method may raise `StoreError` when it is away: call again later."""

    def check_schema(self) -> None:
        """Raise `SchemaError`, with the command to type, unless the schema is the one this version needs."""

    def upgrade_schema(self) -> None:
        """Bring the schema to this version; safe when several processes do it at once."""

    def beat(self, deployment: Deployment) -> tuple[Deployment, ...]:
        """Note this process and give all that run, in the order in which they started.

        Raises `SchemaError` when the schema has become another one than this version needs.
        """

    def leave(self, deployment_id: str) -> None:
        """Forget a process that has ended."""

    def register_models(self, models: Iterable[str], at: datetime) -> None:
        """Make sure that each model has its row (and so its lock)."""

    def register_config(self, config: ConfigRow) -> None:
        """Note that something runs with this configuration, from this moment on."""

    def add_reference(self, reference: ReferenceRow) -> None:
        """Store a reference; an active one replaces the model's active one. Same id twice is no error."""

    def activate_reference(self, model: str, reference_id: str) -> bool:
        """Make this one the model's reference; False when there is no such reference."""

    def describe_reference(self, reference_id: str, payload: bytes) -> None:
        """Put another payload in the place of a reference's that differs only in what is for people."""

    def references(self, model: str | None = None) -> tuple[ReferenceRow, ...]:
        """Give references, newest first, with an empty payload."""

    def active_reference(self, model: str) -> ReferenceRow | None: ...

    def reference(self, reference_id: str) -> ReferenceRow | None: ...

    def cursors(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Next offsets of the partitions that have been read before."""

    def watched(self) -> frozenset[str]:
        """Give the names and patterns of topics that have been looked for before."""

    def partition_clocks(self, partitions: Iterable[TopicPartition]) -> tuple[PartitionClock, ...]:
        """Event times of these partitions, for every model."""

    def clocks_behind(self, models: Iterable[str]) -> tuple[PartitionClock, ...]:
        """Give the clocks of these models' partitions that were not read to their ends."""

    def open_windows(
        self, partitions: Iterable[TopicPartition], keys: Iterable[tuple[str, int]] | None = None
    ) -> tuple[OpenWindow, ...]:
        """These partitions' shares of open windows (``new_rows`` is 0).

        With ``keys`` only of these models' windows with these starts.
        """

    def halves(self, partitions: Iterable[TopicPartition]) -> tuple[WaitingHalf, ...]:
        """Requests and responses of these partitions that wait for each other, by model in offset order."""

    def joined_windows(
        self, model: str, partition: TopicPartition, starts_ms: Iterable[int]
    ) -> tuple[JoinedWindow, ...]:
        """Give one partition's labels of those of these windows that have any, by segment and time."""

    def learned_windows(
        self, model: str, partition: TopicPartition, starts_ms: Iterable[int]
    ) -> tuple[LearnedWindow, ...]:
        """Give one partition's losses, likewise."""

    def challenger_results(self, model: str, since_ms: int) -> tuple[ChallengerResult, ...]:
        """Give the results of windows that start at ``since_ms`` or later, oldest first."""

    def hold_challenger(self, lease: Lease, now: datetime) -> bool:
        """Take a lease that is free or was over before ``now``, or renew one's own; False: another has it."""

    def challenger_leases(self) -> tuple[Lease, ...]:
        """Give who has which challenger, by model."""

    def closed_until(self) -> Mapping[str, int]:
        """Give, per model, the end of its latest judged window; models without one are absent."""

    def closed_windows(self, model: str, from_ms: int, until_ms: int, limit: int) -> tuple[ClosedWindow, ...]:
        """Give judged windows as `ModelLock.closed_windows` does, without a lock."""

    def first_counts(self, model: str, from_ms: int | None, until_ms: int, before: datetime) -> int | None:
        """Give the start of the first window with counts of its own that was judged before ``before``.

        It begins at ``from_ms`` or later and before ``until_ms``, and was counted on one reference.
        """

    def roll_up(self, day: DayCounts, starts_ms: tuple[int, ...], rows: int) -> bool:
        """Put a day's counts in the place of those of its windows, of which there were so many rows.

        False, with nothing changed, when there are not: another process was quicker.
        """

    def day_of(self, model: str, start_ms: int, reference_id: str) -> DayCounts | None:
        """Give the day that the window which begins there was added up to; None when it was not."""

    def commit(self, progress: Progress) -> Mapping[str, int]:
        """Write everything or nothing; return `closed_until` of the models that were touched.

        Raises `Fenced`, having written nothing, when a cursor is not where ``expected`` says. When the
        connection breaks at COMMIT it finds out whether the transaction took place; when that cannot be
        asked now, the next call with the same ``progress`` asks first.
        """

    def lock(self, model: str) -> AbstractContextManager[ModelLock | None]:
        """Take the model's row lock; None at once when another process holds it.

        Commits of the model under way are waited for, two seconds at most, then None too.
        """

    def models_to_flush(self, now: datetime, latest: datetime | None = None) -> tuple[str, ...]:
        """Models with a group whose ``next_flush_at`` has come, or is after ``latest``."""

    def digest(self, service: str) -> AbstractContextManager[DigestTurn | None]:
        """Take a service's digest; None at once when another process has it."""

    def enqueue(self, notification: Notification) -> None:
        """Put one notification (a test) into the outbox, in the place of the unsent one like it."""

    def claim(
        self, services: Iterable[str], now: datetime, lease_s: float, limit: int
    ) -> tuple[Outbound, ...]:
        """Take due outbox rows of these services; no other process gets them for ``lease_s``.

        Pauses and leases that are longer than any can be are over: the clock was set back since they began.
        A group and service has at most one row under way. One that a newer notification replaced while
        it was under way is not tried again.
        """

    def mark_sent(self, outbound_id: int, at: datetime) -> None: ...

    def mark_failed(self, outbound_id: int, error: str, retry_at: datetime | None) -> None:
        """Note the error; without ``retry_at`` the row is given up (and stays, visibly)."""

    def view(
        self,
        name: View,
        *,
        model: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        where: Mapping[str, Any] | None = None,
        limit: int | None = None,
        newest_first: bool = True,
    ) -> list[dict[str, Any]]:
        """Rows of a public view as dictionaries, filtered by window (or opening) time and equal columns."""

    def progress_rows(self) -> list[dict[str, Any]]:
        """Per topic, partition and model: next_offset, log_end, event_time, active_at, caught_up.

        And the partition's latest beat: process, since, beat_at, recent (`Sample`). ``model`` and what
        depends on it are None for a partition without a clock, those of the beat for one that has none.
        """

    def delete_older(
        self, results_before: datetime | None, counts_before: datetime | None, limit: int
    ) -> int:
        """Delete about ``limit`` rows of expired history; 0 when none is left. Windows are never halved."""

    def add_silence(self, silence: Silence) -> int: ...

    def expire_silence(self, silence_id: int, at: datetime) -> bool: ...

    def silences(self) -> tuple[Silence, ...]: ...

    def close_connections(self) -> None: ...
