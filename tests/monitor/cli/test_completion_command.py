"""What shells offer at TAB, asked of the shells themselves."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import typer.main

from monitor.cli.app import app
from monitor.cli.completion import Shell, script
from monitor.cli.manual import manual
from monitor.cli.outline import Outline, outline
from tests.conftest import unavailable
from tests.monitor.cli.terminals import OnTerminal
from tests.monitor.cli.worlds import World
from tests.services.waiting import until

ROOT: Outline = outline(typer.main.get_command(app), "driftd")


def shell(name: str) -> str:
    if (found := shutil.which(name)) is None:
        unavailable(f"{name}: apt-get install {name}")
    return str(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with the scripts, and files to complete."""
    for each in Shell:
        (tmp_path / f"completion.{each}").write_text(script(each, ROOT))
    (tmp_path / "training.parquet").touch()
    (tmp_path / "training data").mkdir()
    return tmp_path


@pytest.fixture(params=["bash", "zsh"])
def terminal(request: pytest.FixtureRequest, folder: Path) -> Iterator[OnTerminal]:
    """Give a shell that has read its script and waits for keys."""
    bare = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"]}[request.param]
    begin = {"bash": "bind 'set show-all-if-ambiguous on'; ", "zsh": "autoload -U compinit; compinit -u -D; "}
    with OnTerminal([shell(request.param), *bare, "-i"], folder, {"PS1": "> "}) as running:
        running.type(f"{begin[request.param]}. ./completion.{request.param}; echo re''ady\n")
        running.wait_for("ready\r\n")
        yield running


@pytest.mark.slow
def test_bash_and_zsh_offer_commands_options_choices_and_files(terminal: OnTerminal) -> None:
    for typed, wanted in (
        ("driftd refe", "driftd reference "),
        ("driftd reference ", "activate"),
        ("driftd reference build --dic", "--dictionary "),
        ("driftd history --kind win", "--kind windows "),
        ("driftd completion fi", "completion fish "),
        ("driftd replay loans training.", "loans training.parquet "),
        ("driftd run --config training.", "--config training.parquet "),
    ):
        terminal.shown = ""
        terminal.type(f"\x15{typed}\t")
        until(partial(reads, terminal, wanted), f"{typed} gives {wanted}", 60)


def reads(terminal: OnTerminal, wanted: str) -> bool:
    """Tell whether this is shown, colours and what was typed over left out."""
    terminal.shows("")
    return wanted in re.sub(r"\x1b\[[\d;?]*[A-Za-z]|.\x08", "", terminal.shown)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("driftd refer", {"reference"}),
        ("driftd reference ", {"build", "list", "show", "activate"}),
        ("driftd db upgrade --c", {"--config"}),
        ("driftd history --kind ", {"drift", "quality", "performance", "windows", "labels"}),
        ("driftd history --model ", set()),
        ("driftd completion ", {"bash", "zsh", "fish"}),
        ("driftd run --config tra", {"training.parquet", "training data/"}),
        ("driftd replay loans training.", {"training.parquet"}),
        ("driftd status tra", set()),
    ],
)
def test_fish_offers_commands_options_choices_and_files(typed: str, wanted: set[str], folder: Path) -> None:
    asked = f"source completion.fish; complete -C '{typed}'"
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [shell("fish"), "--no-config", "-c", asked],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {line.partition("\t")[0].replace("\\ ", " ") for line in done.stdout.splitlines()}
    assert (found, done.stderr) == (wanted, "")


def test_the_command_prints_the_script_of_the_whole_tree(world: World) -> None:
    assert world.run_bare("completion", "bash").out == script(Shell.BASH, ROOT)
    assert world.run_bare("completion", "csh").code == 2


def test_the_outline_has_every_command_and_what_its_parameters_take() -> None:
    names = {each.name for each in ROOT.walk()}
    assert {"driftd run", "driftd silence add", "driftd completion"} <= names
    by_name = {each.name: each for each in ROOT.walk()}
    kinds = {option.names: option for option in by_name["driftd history"].options}
    assert kinds["--config", "-c"].is_file
    assert kinds[("--kind",)].choices == ("drift", "quality", "performance", "windows", "labels")
    assert kinds[("--json",)].value == ""
    assert kinds["--limit", "-n"].value == "N"
    assert [each.names for each in by_name["driftd replay"].arguments] == [("MODEL",), ("FILES",)]


def test_man_accepts_the_page_without_a_word(tmp_path: Path) -> None:
    page = tmp_path / "driftd.1"
    page.write_text(manual(ROOT))
    environ = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFSEQ": ""}
    done = subprocess.run(
        [shell("man"), "--warnings", "-l", "-Tutf8", page],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    plain = re.sub(r".\x08|\x1b\[[\d;]*m", "", done.stdout)
    for each in ROOT.walk():
        assert each.commands or f"   {each.name} " in plain
    assert max(map(len, plain.splitlines())) <= 80
    assert re.search(r"3\s+Drift was found", plain)


def test_what_help_says_is_text_to_roff() -> None:
    odd = Outline("driftd", ".odd\\text 'quoted' a-b", (), (), ())
    text = manual(odd)
    assert "\\&.odd" in text
    assert "\\etext \\(aqquoted\\(aq a\\-b" in text
