"""Alerts about driftd itself: played by Prometheus' own tool, and held to the metrics that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from monitor.metrics import Metrics
from tests.conftest import unavailable
from tests.docs.pages import ROOT, kept_up
from tests.docs.reference import table_of
from tests.docs.test_generated import ADVICE

RULES = ROOT / "deploy/prometheus/driftd.rules.yml"
STORIES = ROOT / "tests/deploy/driftd.rules.test.yml"
ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
OF_THE_SERVER = {"up"}
OF_TARGETS = {"job", "instance", "le"}


def read(name: Any) -> Any:
    return yaml.safe_load(name.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    return [rule for group in read(RULES)["groups"] for rule in group["rules"]]


def promtool(*arguments: str) -> None:
    if shutil.which("promtool") is None:
        unavailable("promtool: it is in Debian's package prometheus")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_rules() -> None:
    promtool("check", "rules", "--lint-fatal", str(RULES))


def test_prometheus_fires_each_alert_when_it_should() -> None:
    promtool("test", "rules", str(STORIES))


def test_each_alert_fires_in_some_story_and_none_when_all_is_well(rules: list[dict[str, Any]]) -> None:
    first, *others = read(STORIES)["tests"]
    fired = set(re.findall(r'alertname="(\w+)"', str(others)))
    fired |= {test["alertname"] for story in others for test in story.get("alert_rule_test", ())}
    assert fired == {rule["alert"] for rule in rules}
    assert all(test["exp_samples"][0]["value"] == 0 for test in first["promql_expr_test"])


def families() -> dict[str, tuple[str, ...]]:
    """Give every series' name as Prometheus sees it, and its labels."""
    metrics = Metrics(CollectorRegistry(), "1")
    found: dict[str, tuple[str, ...]] = {"process_start_time_seconds": ()}
    for each in vars(metrics).values():
        for name, kind in _described(each):
            found |= {f"{name}{ending}": each._labelnames for ending in ENDINGS[kind]}
    return found | {"driftd_build_info": ("version",)}


def _described(each: Any) -> list[tuple[str, str]]:
    described: list[Metric] = each.describe() if hasattr(each, "describe") else []
    return [(one.name, one.type) for one in described]


def test_the_rules_ask_for_metrics_and_labels_that_there_are(rules: list[dict[str, Any]]) -> None:
    known = families()
    assert known["driftd_records_consumed_total"] == ("topic",)
    for rule in rules:
        named = set(re.findall(r"\b((?:driftd|process)_\w+|up)\b", rule["expr"]))
        assert named, rule["alert"]
        assert named - OF_THE_SERVER <= known.keys(), rule["alert"]
        labels = {label for name in named - OF_THE_SERVER for label in known[name]} | OF_TARGETS
        lists = re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"])
        asked = {label.strip() for text in lists for label in text.split(",")}
        asked |= set(re.findall(r"[{,]\s*(\w+)\s*=", rule["expr"]))
        told = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert asked | told <= labels, rule["alert"]


def test_each_alert_says_what_is_wrong_and_what_to_do(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert len(rule["annotations"]["description"]) > len(rule["annotations"]["summary"])


def test_the_page_lists_the_alerts(rules: list[dict[str, Any]]) -> None:
    cells = [[f"`{rule['alert']}`", rule["labels"]["severity"], plain(rule)] for rule in rules]
    wanted = table_of([["alert", "severity", "when"], *cells])
    assert kept_up("docs/deploying.md", "<!-- alerts -->\n", "\nWhere no row", wanted), ADVICE


def plain(rule: dict[str, Any]) -> str:
    """Give the summary with what it is about in capitals."""
    summary = re.sub(r"{{ \$labels\.(\w+) }}", lambda found: found[1].upper(), rule["annotations"]["summary"])
    return f"{summary}, for {rule['for']}" if "for" in rule else summary
