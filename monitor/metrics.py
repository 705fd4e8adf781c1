"""What Prometheus can ask: every metric's name, labels and meaning in one place."""

from __future__ import annotations

from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

Name = Literal[
    "driftd_alerts",
    "driftd_build_info",
    "driftd_challenger_shed_rows",
    "driftd_config_last_reload_successful",
    "driftd_consumer_lag_records",
    "driftd_db_write_duration_seconds",
    "driftd_dead_letters",
    "driftd_filtered_messages",
    "driftd_join_evicted",
    "driftd_join_restoring_records",
    "driftd_labels_joined",
    "driftd_labels_read",
    "driftd_last_record_processed_timestamp_seconds",
    "driftd_late_records",
    "driftd_notifications",
    "driftd_open_window_bytes",
    "driftd_open_windows",
    "driftd_paused_seconds",
    "driftd_records_consumed",
    "driftd_records_rejected",
    "driftd_tombstones",
    "driftd_waiting_halves",
    "driftd_watermark_delay_seconds",
    "driftd_window_evaluation_duration_seconds",
    "driftd_windows_closed",
    "driftd_windows_published",
    "driftd_windows_without_room",
]
"""Counters are exposed with ``_total`` behind their name."""

NAMES: tuple[Name, ...] = get_args(Name)
_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The service's metrics in one registry of their own; nothing is global.

    Labels are names from the configuration, partitions and enumerations, never values of messages: the number
    of series is bounded by the configuration.
    """

    def __init__(self, registry: CollectorRegistry, version: str = "") -> None:
        self.registry = registry
        self._reading()
        self._judging()
        self._joining()
        self._telling()
        build = self._gauge("driftd_build_info", "The running version; always 1", "version")
        build.labels(version=version).set(1)
        self.reload_successful = self._gauge(
            "driftd_config_last_reload_successful",
            "Whether the latest configuration holds (1) or was refused (0)",
        )
        self.reload_successful.set(1)
        ProcessCollector(registry=registry)

    def _reading(self) -> None:
        self.consumed = self._counter("driftd_records_consumed", "Messages read", "topic")
        self.rejected = self._counter(
            "driftd_records_rejected", "Messages or rows that could not be used", "topic", "reason"
        )
        self.filtered = self._counter(
            "driftd_filtered_messages", "Messages that fields.when passes over", "model"
        )
        self.waiting_halves = self._gauge(
            "driftd_waiting_halves", "Requests and responses that wait for each other (fields.pair)", "model"
        )
        self.tombstones = self._counter("driftd_tombstones", "Messages without a value", "topic")
        self.dead_letters = self._counter(
            "driftd_dead_letters", "Messages of a topic that were copied to the dead-letter topic", "topic"
        )
        self.lag_records = self._gauge(
            "driftd_consumer_lag_records", "Messages in the log that have not been read", "topic", "partition"
        )
        self.last_processed = self._gauge(
            "driftd_last_record_processed_timestamp_seconds", "When a message was last committed", "topic"
        )

        self.paused_seconds = self._counter(
            "driftd_paused_seconds", "Time in which nothing was read, by what was away", "cause"
        )
        for cause in ("database", "kafka", "registry", "state_dir"):
            self.paused_seconds.labels(cause=cause)  # 0 is told: Prometheus sees rises, not beginnings

    def _judging(self) -> None:
        self.watermark_delay = self._gauge(
            "driftd_watermark_delay_seconds",
            "How far the time up to which windows can be judged is behind the clock",
            "model",
        )
        self.windows_closed = self._counter("driftd_windows_closed", "Windows that were judged", "model")
        self.open_windows = self._gauge("driftd_open_windows", "Windows that are still filling", "model")
        self.open_window_bytes = self._gauge(
            "driftd_open_window_bytes", "Memory that windows take that are still filling"
        )
        self.windows_without_room = self._counter(
            "driftd_windows_without_room",
            "Times that a window still filling was put out of memory: limits.window_bytes was reached",
        )
        self.late = self._counter(
            "driftd_late_records", "Rows that came after their window was judged", "model"
        )
        self.evaluation_seconds = self._histogram(
            "driftd_window_evaluation_duration_seconds", "Time to judge one window", "model"
        )
        self.write_seconds = self._histogram(
            "driftd_db_write_duration_seconds", "Time of one database transaction"
        )

    def _joining(self) -> None:
        self.labels_read = self._counter("driftd_labels_read", "Labels that were read")
        self.labels_joined = self._counter(
            "driftd_labels_joined", "Labels that met their prediction within labels_horizon", "model"
        )
        self.join_restoring = self._gauge(
            "driftd_join_restoring_records", "Messages to be read again, because the join's table lacks them"
        )
        self.join_evicted = self._counter(
            "driftd_join_evicted", "Predictions forgotten before their labels came: the join's table was full"
        )
        self.windows_published = self._counter(
            "driftd_windows_published", "Windows whose results on labels were published", "model"
        )
        self.challenger_shed = self._counter(
            "driftd_challenger_shed_rows", "Labelled rows that a busy challenger did not learn from", "model"
        )

    def _telling(self) -> None:
        self.alerts = self._gauge(
            "driftd_alerts", "Alerts that are not resolved", "model", "severity", "state"
        )
        self.notifications = self._counter(
            "driftd_notifications",
            "Messages to services, by outcome (sent, failed, dropped)",
            "receiver",
            "status",
        )

    def _counter(self, name: Name, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _gauge(self, name: Name, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self.registry)

    def _histogram(self, name: Name, meaning: str, *labels: str) -> Histogram:
        return Histogram(name, meaning, labels, registry=self.registry, buckets=_FAST_S)
