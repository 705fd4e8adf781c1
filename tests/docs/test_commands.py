"""Commands, options, keys and files named in the pages exist."""

from __future__ import annotations

import re
import shlex
from typing import Any

import msgspec
import pytest

from detectors.budget import alpha, levels, parse_budget
from monitor.cli.context import Exit
from monitor.config import Limits, Model, Service, parse
from monitor.config.presets import PRESETS, Preset
from tests.docs.pages import ALL, PAGES, ROOT, Block, blocks, marked, page, table
from tests.docs.reference import COMMANDS

MINIMUM = {
    "DRIFTD__KAFKA__BOOTSTRAP_SERVERS": "localhost:9092",
    "DRIFTD__DATABASE__URL": "sqlite://",
    "DRIFTD__PAGE__TOKEN": "as long as it has to be",
}
_TYPED = re.compile(r"`(?:[A-Z_]+=\S+ )?(driftd [^`]+)`")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def typed() -> list[tuple[str, str]]:
    """Give every command line of driftd in the pages, and where it stands."""
    found = [(name, line) for name in ALL for line in _TYPED.findall(page(name))]
    for block in blocks("sh"):
        lines = [re.sub(r"\s+#.*", "", line) for line in block.text.splitlines()]
        found += [
            (str(block), line[line.index("driftd ") :]) for line in lines if re.search(r"(^| )driftd ", line)
        ]
    return found


def resolved(line: str) -> tuple[Any, list[str]]:
    """Give the command that a line names and the words after it; raises for one that does not exist."""
    words = shlex.split(line.partition(" > ")[0])[1:]
    command = COMMANDS
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        command = command.commands[words.pop(0)]
    return command, words


@pytest.mark.parametrize(("where", "line"), typed())
def test_every_command_and_option_exists(where: str, line: str) -> None:
    command, words = resolved(line)
    known = {option for parameter in command.params for option in parameter.opts}
    unknown = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]
    assert not unknown, f"{where}: {line}"


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_lines_to_type_are_complete(block: Block) -> None:
    for line in block.text.splitlines():
        if line.startswith("driftd "):
            command, words = resolved(re.sub(r"\s+#.*", "", line))
            assert not hasattr(command, "commands"), line
            command.make_context(command.name, words).close()


def test_the_table_of_commands_is_complete() -> None:
    told = {name.strip("`").removeprefix("driftd ") for name, _ in table("README.md", "command")}
    groups = {name for name, each in COMMANDS.commands.items() if hasattr(each, "commands")}
    known = {f"{group} {name}" for group in groups for name in COMMANDS.commands[group].commands}
    assert told == known | (COMMANDS.commands.keys() - groups)


def test_options_named_alone_belong_to_some_command() -> None:
    groups = [each for each in COMMANDS.commands.values() if hasattr(each, "commands")]
    every = [*COMMANDS.commands.values(), *(one for group in groups for one in group.commands.values())]
    known = {option for each in every for parameter in each.params for option in parameter.opts}
    elsewhere = {"--schema", "--format", "--file", "--strict", "--seed", "--mutant"}  # of other programs
    elsewhere |= {"--from-file", "--namespace", "--profile", "--read-only", "--rm", "--tmpfs"}
    for name in PAGES:
        assert set(_OPTION.findall(page(name))) <= known | elsewhere, name


def test_commands_that_are_said_to_have_json_have_it() -> None:
    for line in (
        "check",
        "status",
        "history",
        "alerts",
        "replay",
        "notify test",
        "reference list",
        "silence list",
    ):
        command, _ = resolved(f"driftd {line}")
        assert any("--json" in parameter.opts for parameter in command.params), line


@pytest.mark.parametrize("name", ["README.md", "docs/commands.md"])
def test_exit_codes_are_those_of_the_code(name: str) -> None:
    told = [int(code) for code, _ in table(name, "exit code")]
    assert told == [*sorted(Exit), 130]


@pytest.mark.parametrize("block", blocks("toml", PAGES), ids=str)
def test_every_piece_of_configuration_loads(block: Block) -> None:
    given = {} if "[database]\nurl" in block.text else MINIMUM
    parse(block.text, given)


@pytest.mark.parametrize("preset", ["nested", "flat"])
def test_the_example_messages_fit_their_presets(preset: Preset) -> None:
    message = msgspec.json.decode(marked("README.md", preset))
    keys = {path for key, path in PRESETS[preset].paths.items() if key != "label"}
    assert keys <= message.keys()


def test_the_variable_that_asks_for_many_rows_is_understood() -> None:
    (name, value) = re.findall(r"(DRIFTD__MODELS__CHURN\w+)=(\S+) driftd run", page("README.md"))[0]
    config = parse("[models.churn]\ntopics = ['predictions']", MINIMUM | {name: value})
    rows = config.models["churn"].row_count
    assert rows is not None
    assert rows.min == 10**9


def test_defaults_named_in_the_pages_are_the_defaults() -> None:
    model, service = Model(topics=("predictions",)), Service()
    assert (str(model.window), str(model.lateness), str(model.idle_after)) == ("1h", "5m", "2m")
    assert (str(model.windows_up_to), model.false_alarms) == ("7d", "1 per 90d")
    assert (model.min_effect, model.min_rows, model.grid_size) == (0.01, 50, 2048)
    assert (model.max_categories, service.http, str(service.stop_timeout)) == (1000, "127.0.0.1:9464", "10s")
    assert Limits().max_rejected_share < 1


def test_the_worked_example_of_the_budget_is_right() -> None:
    budget, hour, week = parse_budget("1 per 90d"), 3600.0, 7 * 86400.0
    lengths = levels(hour, week)
    assert lengths == (1, 2, 4, 8, 16, 32, 64, 128)
    told = page("docs/statistics.md")
    for multiple, figure in ((1, "0.0000272"), (2, "0.0000545"), (128, "0.00349")):
        assert float(figure) == pytest.approx(alpha(budget, hour, multiple, 17), rel=3e-3)
        assert figure in told
    assert levels(86400.0, week) == (1, 2, 4)
    assert alpha(budget, 86400.0, 1, 7) == pytest.approx(0.00159, rel=3e-3)


@pytest.mark.parametrize("name", ALL)
def test_links_between_pages_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(name)):
        assert (ROOT / name).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("name", ALL)
def test_links_to_chapters_lead_to_one(name: str) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page(name)):
        there = (
            page(str((ROOT / name).parent.joinpath(target).resolve().relative_to(ROOT)))
            if target
            else page(name)
        )
        headings = re.findall(r"^#+ (.+)$", there, flags=re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}, anchor


def test_every_make_target_that_is_named_exists() -> None:
    known = set(re.findall(r"^([a-z-]+):", page("Makefile"), flags=re.MULTILINE))
    for name in ALL:
        assert set(re.findall(r"`?\bmake ([a-z-]+)(?=`|$|\s+#)", page(name), flags=re.MULTILINE)) <= known, (
            name
        )
