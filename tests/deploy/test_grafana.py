"""The dashboards: every query runs on a filled database, and every panel can be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from detectors.result import Shift, Verdict
from monitor.store.public import PUBLIC
from monitor.store.sql import open_store
from tests.docs.pages import ROOT, table
from tests.docs.test_queries import filled
from tests.monitor.store.rows import AT, MODEL, close, closed, finding, performance, quality, result
from tests.services.postgres_fixtures import postgres_databases, postgres_url

__all__ = ["postgres_databases", "postgres_url"]  # fixtures, known here by name

GRAFANA = ROOT / "deploy/grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
BOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES
}
SOURCE = {"type": "grafana-postgresql-datasource", "uid": "${source}"}
TIMES, TEXTS = {1184, 1700}, {25, 1043}  # Postgres' numbers of types: timestamptz and epochs, text
NUMBERS = {20, 21, 23, 700, 701, 1700}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


ALL = [
    pytest.param(panel, id=f"{name}: {panel['title']}") for name in BOARDS for panel in panels(BOARDS[name])
]
VARIABLES = [
    pytest.param(each, id=f"{name}: {each['name']}")
    for name, board in BOARDS.items()
    for each in board["templating"]["list"]
    if each["type"] == "query"
]


def query_of(panel: dict[str, Any]) -> str:
    (target,) = panel["targets"]
    return str(target["rawSql"])


def asked(text: str, **values: str) -> bytes:
    """Fill in variables and macros as Grafana does for Postgres."""
    begin, end = (f"'{at:%Y-%m-%dT%H:%M:%SZ}'" for at in (AT - timedelta(days=1), AT + timedelta(days=1)))
    text = re.sub(r"\$__timeFilter\(([^)]+)\)", rf"\1 BETWEEN {begin} AND {end}", text)
    grouped = r'floor(extract(epoch from \1)/300)*300 AS "time"'
    text = re.sub(r"\$__timeGroupAlias\((\w+), \$__interval\)", grouped, text)
    for name, value in {"model": MODEL, "segment": "all rows", "feature": "age", **values}.items():
        quoted = value.replace("'", "''")
        text = text.replace(f"${{{name}:sqlstring}}", f"'{quoted}'")
    assert "$" not in text, text
    return text.encode()


@pytest.fixture(scope="module")
def module_url(postgres_databases: Any) -> str:
    url: str = postgres_databases.migrated()
    filled(url)
    store = open_store(url)
    medians = {"kind": "numeric", "median_current": 46.1, "median_reference": 24.7}
    changes = {"kind": "categorical", "changes": [{"category": "a", "reference": 0.1, "current": 0.4}]}
    findings = (
        finding(1, details=medians),
        finding(1, "plan", detector="chi2", details=changes, verdict=Verdict.OK),
        finding(1, detector="psi", result=result(effect=None), verdict=Verdict.OK),
        finding(1, "score", shift=Shift.PRIOR),
        finding(1, segment="country=DE"),
    )
    estimated = performance(1, is_estimate=True, verdict=Verdict.OK)
    close(store, replace(closed(1, findings, (quality(1),)), performance=(estimated,)))
    store.close_connections()
    return url


@pytest.fixture(scope="module")
def database(module_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@pytest.mark.integration
@pytest.mark.parametrize("panel", ALL)
def test_every_panel_finds_what_is_there(panel: dict[str, Any], database: psycopg.Connection) -> None:
    feature = "plan" if "chi2'\n" in query_of(panel) else "age"
    cursor = database.execute(asked(query_of(panel), feature=feature))
    assert cursor.fetchall(), "the world of the tests has something for every panel"
    if panel["targets"][0]["format"] != "time_series":
        return
    assert cursor.description
    first, *others = cursor.description
    assert (first.name, first.type_code in TIMES) == ("time", True)
    assert {each.name for each in others if each.type_code in TEXTS} <= {"metric"}
    assert any(each.type_code in NUMBERS for each in others)
    assert "ORDER BY 1" in query_of(panel), "Grafana wants them in the order of time"


@pytest.mark.integration
@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_finds_its_values(variable: dict[str, Any], database: psycopg.Connection) -> None:
    found = database.execute(asked(variable["query"])).fetchall()
    assert found
    assert all(len(row) == 1 and row[0] for row in found)


@pytest.mark.integration
def test_annotations_have_a_beginning_an_end_and_a_text(database: psycopg.Connection) -> None:
    for board in BOARDS.values():
        for annotation in board["annotations"]["list"]:
            cursor = database.execute(asked(annotation["target"]["rawSql"]))
            assert [each.name for each in cursor.description or ()] == ["time", "timeend", "text", "tags"]
            assert cursor.fetchall()


@pytest.mark.integration
def test_names_with_quotes_are_names(database: psycopg.Connection) -> None:
    odd = "it's; DROP VIEW driftd.models; --"
    for board in BOARDS.values():
        for panel in panels(board):
            database.execute(asked(query_of(panel), model=odd, feature=odd, segment=odd)).fetchall()
    assert database.execute("SELECT count(*) FROM driftd.models").fetchone() == (1,)


@pytest.mark.parametrize("panel", ALL)
def test_every_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["datasource"] == panel["targets"][0]["datasource"] == SOURCE
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert set(re.findall(r"\bdriftd\.(\w+)", query_of(panel))) <= PUBLIC.keys()
    for override in panel["fieldConfig"]["overrides"]:
        pattern = override["matcher"]["options"]
        exact = re.escape(pattern) if override["matcher"]["id"] == "byName" else f"(?:{pattern})"
        assert re.search(rf"\b{exact}\b", query_of(panel)), f"no column {pattern}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_dashboard_is_laid_out_without_gaps_in_its_numbers(path: Path) -> None:
    board = BOARDS[path.stem]
    assert (board["uid"], board["tags"]) == (path.stem, ["driftd"])
    assert board["title"].startswith("driftd: ")
    assert [each["id"] for each in board["panels"]] == list(range(1, len(board["panels"]) + 1))
    places = [each["gridPos"] for each in board["panels"]]
    assert all(at["x"] >= 0 and at["x"] + at["w"] <= 24 and at["h"] > 0 for at in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_queries_and_links_use_variables_that_are_there(path: Path) -> None:
    board = BOARDS[path.stem]
    known = {each["name"] for each in board["templating"]["list"]}
    text = "".join(query_of(panel) for panel in panels(board))
    assert set(re.findall(r"\$\{(\w+)", text)) <= known
    for target, rest in re.findall(r'"/d/([\w-]+)\?([^"]+)"', json.dumps(board)):
        there = {each["name"] for each in BOARDS[target]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", rest)) <= there


def test_a_link_from_a_row_finds_its_columns() -> None:
    for board in BOARDS.values():
        for panel in panels(board):
            for column in re.findall(r"__data\.fields\.(\w+)", json.dumps(panel)):
                assert re.search(rf"\b{column}\b", query_of(panel).partition("FROM driftd")[0]), panel[
                    "title"
                ]


def test_grafana_is_given_the_database_and_the_dashboards() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/driftd.yaml").read_text())["datasources"]
    assert (source["type"], source["user"]) == (SOURCE["type"], "driftd_read")
    assert source["secureJsonData"]["password"].startswith("$")
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/driftd.yaml").read_text())["providers"]
    assert provider["type"] == "file"


def test_the_page_names_the_dashboards() -> None:
    assert [name.strip("`") for name, _ in table("docs/deploying.md", "dashboard")] == [
        "driftd-overview", "driftd-model", "driftd-feature", "driftd-service",
    ]  # fmt: skip
    assert len(BOARDS) == 4
