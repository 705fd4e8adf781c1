"""docs/configuration.md, config.toml and the Structs tell the same story."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from detectors.abstaining_bases import BASES
from detectors.abstaining_rules import Rule
from detectors.catalogue import KINDS
from monitor.config import (
    Alerts,
    Challenger,
    Concept,
    Config,
    Database,
    Detectors,
    Duration,
    Experiment,
    Fields,
    Kafka,
    LabelsFields,
    Limits,
    Links,
    Model,
    Page,
    Pair,
    Performance,
    Retention,
    Route,
    RowCount,
    SchemaRegistry,
    Service,
    ServiceUrl,
    parse,
)
from monitor.config.performance import ALARMING, METRICS, Metric
from monitor.config.schema import OWNED_OPTIONS
from monitor.config.section import Section
from monitor.source.kafka.options import OWNED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text()
EXAMPLE = (ROOT / "config.toml").read_text()
SECTIONS: dict[str, type[Section]] = {
    "[kafka]": Kafka,
    "[database]": Database,
    "[database.retention]": Retention,
    "[models.NAME]": Model,
    "[models.NAME.fields]": Fields,
    "[models.NAME.fields.pair]": Pair,
    "[models.NAME.labels_fields]": LabelsFields,
    "[models.NAME.performance]": Performance,
    "[models.NAME.concept]": Concept,
    "[models.NAME.challenger]": Challenger,
    "[models.NAME.experiment]": Experiment,
    "[models.NAME.detectors]": Detectors,
    "[models.NAME.row_count]": RowCount,
    "[alerts]": Alerts,
    "[alerts.services]": ServiceUrl,
    "[[alerts.routes]]": Route,
    "[alerts.links]": Links,
    "[service]": Service,
    "[page]": Page,
    "[limits]": Limits,
    "[registry]": SchemaRegistry,
}
MINIMUM = {
    "DRIFTD__KAFKA__BOOTSTRAP_SERVERS": "localhost:9092",
    "DRIFTD__DATABASE__URL": "sqlite://",
    "DRIFTD__PAGE__TOKEN": "as long as it has to be",
}
IN_WORDS = {
    "as in `fields`",
    "by task",
    "inferred",
    "off",
    "see below",
    "the variants' names",
    "the model's name",
    "the preset's",
}
TABLES = {"challenger", "concept", "detectors", "fields", "labels_fields", "links", "performance"}
TABLES |= {"experiment", "pair", "retention", "routes", "row_count", "services"}
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def chapters() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def rows(chapter: str) -> dict[str, str]:
    return {name: default for name, _, default, _ in ROW.findall(chapter)}


def reachable(kind: Any) -> set[type[Section]]:
    found = {kind} if isinstance(kind, type) and issubclass(kind, Section) else set()
    inner = [each.type for each in msgspec.structs.fields(kind)] if found else getattr(kind, "__args__", ())
    return found.union(*(reachable(each) for each in inner))


def shown_default(info: msgspec.structs.FieldInfo) -> str | None:
    """Give the default as the page writes it; None where the page uses words of its own."""
    if info.required:
        return "required"
    made = info.default if info.default is not msgspec.NODEFAULT else info.default_factory()
    if made is None or isinstance(made, Section):
        return None
    if isinstance(made, bool):
        return f"`{str(made).lower()}`"
    if isinstance(made, tuple):
        return "`[" + ", ".join(f'"{each}"' for each in made) + "]`"
    return f"`{made}`" if isinstance(made, int | float | dict) else f'`"{made}"`'


def test_every_section_has_a_chapter() -> None:
    assert set(chapters()) == set(SECTIONS)
    assert set(SECTIONS.values()) == reachable(Config) - {Config}


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_page_names_the_keys_of_the_struct_in_its_order(heading: str) -> None:
    assert list(rows(chapters()[heading])) == [
        each.encode_name for each in msgspec.structs.fields(SECTIONS[heading])
    ]


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_page_gives_the_defaults_of_the_struct(heading: str) -> None:
    told = rows(chapters()[heading])
    for info in msgspec.structs.fields(SECTIONS[heading]):
        expected = shown_default(info)
        if expected is not None:
            assert told[info.encode_name] == expected, info.name
        else:
            assert told[info.encode_name] in IN_WORDS, info.name


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_chapter_has_an_example_that_loads_and_uses_its_keys(heading: str) -> None:
    example = "\n".join(re.findall(r"```toml\n(.*?)```", chapters()[heading], flags=re.DOTALL))
    parse(example, MINIMUM)
    missing = {key for key in rows(chapters()[heading]) if not re.search(rf"\b{key} = |\.{key}\]", example)}
    assert missing <= (TABLES | {"url"}), missing


def test_the_example_file_loads() -> None:
    config = parse(EXAMPLE)
    assert config.models["churn"].fields.resolved("churn").container == ("features",)


def test_the_example_file_shows_every_key_and_the_commented_ones_are_the_defaults() -> None:
    uncommented = re.sub(r"^# (?=\[|\w+ = )", "", EXAMPLE, flags=re.MULTILINE)
    full = tomllib.loads(uncommented)
    off = {"dead_letters", "url_file", "freshness", "row_count", "options", "links", "model", "model_name"}
    off |= {"season", "task", "positive", "metrics", "token", "token_file", "user_header"}
    off |= {"explode", "feature_names", "cloudevents", "kind", "request", "response"}
    off |= {"variant", "metric", "control", "treatments", "name"}
    shown, plain = parse(EXAMPLE), tomllib.loads(EXAMPLE)
    for heading, kind in SECTIONS.items():
        table, bare = inside(full, heading), inside(plain, heading)
        written = parsed_default(heading, shown) or made(kind, table)
        for info in msgspec.structs.fields(kind):
            assert info.encode_name in table or heading == "[alerts.services]", (heading, info.name)
            value = table.get(info.encode_name)
            if info.encode_name in bare or info.encode_name in off or isinstance(value, dict | None):
                continue
            headings = {
                "[models.NAME.row_count]",
                "[models.NAME.labels_fields]",
                "[alerts.links]",
                "[registry]",
            }
            if heading not in headings and info.name != "reference":
                assert simple(getattr(written, info.name)) == simple(value), (heading, info.name)


def made(kind: type[Section], table: dict[str, Any]) -> Section:
    """Make a section with nothing but what it requires."""
    required = [info.name for info in msgspec.structs.fields(kind) if info.required]
    return msgspec.convert({name: table[name] for name in required}, kind)


def inside(table: dict[str, Any], heading: str) -> dict[str, Any]:
    for part in heading.strip("[]").replace("NAME", "churn").split("."):
        found: Any = table.get(part, {})
        table = found[0] if isinstance(found, list) else found
    return table


def parsed_default(heading: str, config: Config) -> Any:
    found: Any = config
    for part in heading.strip("[]").replace("NAME", "churn").split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
        found = found[0] if isinstance(found, tuple) else found
    return found


def simple(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [simple(each) for each in value]
    return value if isinstance(value, bool | int | float) else str(value)


def test_the_configuration_knows_every_detector_and_no_other() -> None:
    hints = {each.name: each.type for each in msgspec.structs.fields(Detectors)}
    named = {
        choice
        for key in ("numeric", "categorical", "distances")
        for choice in hints[key].__args__[0].__args__
    }
    assert named == set(KINDS)


def test_the_longest_windows_that_the_pages_name_are_right() -> None:
    model = Model(topics=("p",))
    longest = Duration(model.window.ms * model.multiples[-1])
    assert f"of 1h: {model.multiples[-1]}, {longest}" in EXAMPLE
    assert str(longest) == "5d8h"
    assert "128 together, 5 days and 8 hours" in chapters()["[models.NAME]"]


def test_the_metrics_that_alarm_by_themselves_and_on_request_are_told() -> None:
    (row,) = (row for row in ROW.findall(chapters()["[models.NAME.performance]"]) if row[0] == "metrics")
    texts = dict(
        zip(METRICS, re.findall(r"(?:Binary|Several classes|Regression): ([^.]+)\.", row[3]), strict=True)
    )
    for task, text in texts.items():
        by_itself, on_request = (re.findall(r"`(\w+)`", part) for part in text.split("and on request"))
        assert tuple(by_itself) == ALARMING[task]
        assert (*by_itself, *on_request) == METRICS[task]
    assert {name for names in METRICS.values() for name in names} == set(get_args(Metric))


def test_the_challenger_knows_every_ensemble_and_rule_and_no_other() -> None:
    hints = {each.name: each.type for each in msgspec.structs.fields(Challenger)}
    assert set(hints["base"].__args__) == set(BASES)
    assert set(hints["rule"].__args__) == set(Rule)


def test_options_that_driftd_decides_are_those_of_the_kafka_source() -> None:
    assert set(OWNED_OPTIONS) == set(OWNED)
