"""Metrics: the names people build dashboards on."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from monitor.metrics import NAMES, Metrics


def made() -> tuple[CollectorRegistry, Metrics]:
    registry = CollectorRegistry()
    return registry, Metrics(registry, "1.2.3")


def test_every_name_is_registered_and_no_other() -> None:
    registry, _ = made()
    found = {family.name for family in registry.collect()}
    assert {name for name in found if name.startswith("driftd_")} == set(NAMES)


def test_names_follow_the_conventions() -> None:
    assert list(NAMES) == sorted(NAMES)
    assert all(name.startswith("driftd_") and not name.endswith("_total") for name in NAMES)


def test_two_services_in_one_process_do_not_meet() -> None:
    (one, metrics), (other, _) = made(), made()
    metrics.consumed.labels(topic="t").inc(3)
    assert one.get_sample_value("driftd_records_consumed_total", {"topic": "t"}) == 3
    assert other.get_sample_value("driftd_records_consumed_total", {"topic": "t"}) is None


def test_what_is_set_is_exposed() -> None:
    registry, metrics = made()
    metrics.rejected.labels(topic="t", reason="not_json").inc()
    metrics.lag_records.labels(topic="t", partition="0").set(7)
    metrics.alerts.labels(model="m", severity="warning", state="firing").set(2)
    metrics.notifications.labels(receiver="oncall", status="sent").inc()
    metrics.evaluation_seconds.labels(model="m").observe(0.02)
    metrics.labels_read.inc(5)
    metrics.join_restoring.set(9)
    metrics.challenger_shed.labels(model="m").inc(2)
    text = generate_latest(registry).decode()
    for line in (
        'driftd_records_rejected_total{reason="not_json",topic="t"} 1.0',
        'driftd_consumer_lag_records{partition="0",topic="t"} 7.0',
        'driftd_alerts{model="m",severity="warning",state="firing"} 2.0',
        'driftd_notifications_total{receiver="oncall",status="sent"} 1.0',
        'driftd_window_evaluation_duration_seconds_count{model="m"} 1.0',
        'driftd_build_info{version="1.2.3"} 1.0',
        "driftd_labels_read_total 5.0",
        "driftd_join_restoring_records 9.0",
        "driftd_join_evicted_total 0.0",
        'driftd_challenger_shed_rows_total{model="m"} 2.0',
        "driftd_config_last_reload_successful 1.0",
        "process_resident_memory_bytes",
    ):
        assert line in text
