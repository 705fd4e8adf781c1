"""Parts of the pages that repeat the code.

After a wanted change run DRIFTD_REWRITE_DOCS=1 python -m pytest tests/docs, then read the difference.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from detectors.checks import DIMENSIONS, CheckName
from detectors.result import Verdict
from monitor.decode.payload import Reason
from monitor.metrics import NAMES, Metrics
from monitor.store.functions import FUNCTIONS
from monitor.store.grants import grants
from monitor.store.public import PUBLIC
from monitor.store.views import PublicView
from tests.docs.example import slack_text
from tests.docs.pages import kept_up, marked, page, table
from tests.docs.reference import commands_text, table_of

ADVICE = "run DRIFTD_REWRITE_DOCS=1 python -m pytest tests/docs and read the difference"


def view_chapter(view: PublicView) -> str:
    columns = [[f"`{name}`", meaning] for name, meaning in view.columns.items()]
    return f"\n### {view.name}\n\n{view.comment}\n\n{table_of([['column', 'meaning'], *columns])}"


def metric_rows() -> list[list[str]]:
    metrics = [
        each
        for each in vars(Metrics(CollectorRegistry())).values()
        if isinstance(each, Counter | Gauge | Histogram)
    ]
    return [
        [f"`{each._name}`", each._type, ", ".join(each._labelnames), each._documentation]
        for each in sorted(metrics, key=lambda each: each._name)
    ]


def test_the_alert_in_the_readme_is_what_slack_gets() -> None:
    assert kept_up("README.md", "<!-- alert -->\n```text\n", "```", slack_text()), ADVICE


def test_the_sql_page_has_every_view_and_column_with_its_meaning() -> None:
    wanted = "".join(map(view_chapter, PUBLIC.values()))
    assert kept_up("docs/sql.md", "<!-- views -->\n", "\n## Functions", wanted), ADVICE


def test_the_sql_page_has_every_function_with_what_it_gives() -> None:
    cells = [[f"`{one.name}({one.arguments})`", one.result, one.comment] for one in FUNCTIONS]
    wanted = table_of([["function", "gives", "meaning"], *cells])
    assert kept_up("docs/sql.md", "<!-- functions -->\n", "", wanted), ADVICE


def test_the_page_of_commands_says_what_their_help_says() -> None:
    assert kept_up("docs/commands.md", "<!-- commands -->\n", "", commands_text()), ADVICE


def test_the_operations_page_lists_every_metric() -> None:
    made = metric_rows()
    expected = {f"`{name}`" for name in NAMES if name != "driftd_build_info"}
    assert {row[0] for row in made} == expected
    made.append(["`driftd_build_info`", "gauge", "version", "The running version; always 1"])
    wanted = table_of([["metric", "type", "labels", "meaning"], *sorted(made)])
    assert kept_up("docs/operations.md", "<!-- metrics -->\n", "\nWorth an alarm", wanted), ADVICE


def test_the_roles_on_the_operations_page_are_those_of_the_code() -> None:
    wanted = grants("driftd", "driftd_read", "driftd_run")
    assert kept_up("docs/operations.md", "<!-- grants -->\n```sql\n", "```", wanted), ADVICE


def test_every_quality_check_is_explained_with_its_dimension() -> None:
    told = [(name.strip("`"), dimension) for name, dimension, _ in table("docs/statistics.md", "check")]
    assert told == [(name.value, DIMENSIONS[name].value) for name in CheckName]


def test_every_verdict_of_drift_tests_is_explained() -> None:
    told = {name.strip("`") for name, _ in table("docs/statistics.md", "verdict")}
    assert told == set(Verdict) - {Verdict.FAIL}


def test_every_reason_of_a_reject_is_explained() -> None:
    assert [name.strip("`") for name, _ in table("docs/operations.md", "reason")] == list(Reason)


def test_every_view_and_page_is_linked_from_the_readme() -> None:
    readme = page("README.md")
    for name in ("configuration", "deploying", "formats", "operations", "statistics", "sql"):
        assert f"(docs/{name}.md)" in readme
    assert marked("README.md", "nested") != marked("README.md", "flat")
