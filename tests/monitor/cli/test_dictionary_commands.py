"""`driftd dictionary show|diff|edit` on a reference that is in force."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from detectors.reference_wire import decode
from monitor.references import stored
from tests.monitor.cli.worlds import World
from tests.monitor.worlds import reference

CONFIG = """
[kafka]
bootstrap_servers = ["127.0.0.1:1"]
[database]
url = "sqlite:///{folder}/driftd.sqlite"
[models.loans]
topics = ["predictions"]
"""
AGE = "[feature.age]\n"
PEOPLE = 'owner = "risk"\nsource = "crm.people"\nunit = "years"\n'


@pytest.fixture
def loans(world: World) -> World:
    world.configure(CONFIG)
    world.store.add_reference(stored(reference(), active=True, data_version="v7"))
    return world


def text_of(loans: World) -> str:
    return loans.run("dictionary", "show", "loans", "--toml").out


def edited(loans: World, old: str, new: str) -> Path:
    """Give a file with the dictionary in which something is written otherwise."""
    text = text_of(loans)
    assert old in text
    file = loans.folder / "edited.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


def in_force(loans: World) -> str:
    active = loans.store.active_reference("loans")
    assert active is not None
    return active.id


def test_it_is_shown_within_eighty_columns_and_for_machines(loans: World) -> None:
    ran = loans.run("dictionary", "show", "loans")
    assert ran.code == 0
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    (country,) = (line for line in ran.out.splitlines() if line.startswith("country"))
    assert "categorical str; one of DE, FR, PT" in country
    told = loans.run("dictionary", "show", "loans", "--json").json
    assert {one["name"]: one["kind"] for one in told}["owner"] == "boolean"


def test_descriptions_owners_and_sources_change_no_check_and_keep_the_reference(loans: World) -> None:
    before = in_force(loans)
    file = edited(loans, AGE, AGE + PEOPLE)
    ran = loans.run("dictionary", "edit", "loans", "--file", str(file), "--yes")
    assert ran.code == 0, ran.err
    assert "owner: none → risk" in ran.out
    assert "the reference stays" in ran.out
    assert in_force(loans) == before
    age = next(line for line in loans.run("dictionary", "show", "loans").out.splitlines() if "age" in line)
    assert "unit: years; owner: risk" in age


def test_a_rule_makes_a_new_reference_of_the_same_counts(loans: World) -> None:
    before = in_force(loans)
    file = edited(loans, AGE, f"{AGE}max = 120.0\n")
    assert loans.run("dictionary", "edit", "loans", "--file", str(file), "--yes").code == 0
    active = loans.store.active_reference("loans")
    assert active is not None
    assert (active.id != before, active.data_version) == (True, "v7")
    assert decode(active.payload).profile == reference().profile
    diff = loans.run("dictionary", "diff", "loans", in_force(loans), "--from", before)
    assert "max: none → 120" in diff.out
    assert loans.run("dictionary", "diff", "loans", str(file)).out == "no difference\n"
    (change,) = loans.run("dictionary", "diff", "loans", before, "--json").json
    assert change == {"feature": "age", "key": "max", "before": 120.0, "after": None}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'kind = "boolean"',
            'kind = "boolaen"',
            "edited.toml:{line}: feature 'owner': kind = 'boolaen' is not",
        ),
        (AGE, f"{AGE}mxa = 1\n", "edited.toml:{line}: feature 'age': unknown key 'mxa'; did"),
        (AGE, f"{AGE}min = 2.0\nmax = 1.0\n", "feature 'age': min = 2.0 is above max = 1.0"),
        (
            'kind = "boolean"',
            'kind = "categorical"',
            "feature 'owner': kind was \"boolean\", and values were counted",
        ),
        (AGE, "[feature.age\n", "edited.toml: the data dictionary is not valid TOML"),
        (AGE, "[feature.ages]\n", "feature 'age': is gone, but its values were counted"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_nothing_changes(
    loans: World, old: str, new: str, words: str
) -> None:
    before = text_of(loans)
    file = edited(loans, old, new)
    place = new.strip().splitlines()[-1]
    line = next(i for i, each in enumerate(file.read_text().splitlines(), 1) if each == place)
    ran = loans.run("dictionary", "edit", "loans", "--file", str(file), "--yes")
    assert ran.code == 1
    assert words.format(line=line) in ran.err
    assert "nothing was changed; correct" in ran.err
    assert text_of(loans) == before


def test_the_editor_edits_a_copy(loans: World, monkeypatch: pytest.MonkeyPatch) -> None:
    script = loans.folder / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "file = pathlib.Path(sys.argv[1])\n"
        "file.write_text(file.read_text().replace('[feature.age]', '[feature.age]\\nmax = 99.0'))\n"
    )
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(loans.folder))
    refused = loans.run("dictionary", "edit", "loans")
    assert refused.code == 2
    assert "give --yes to put it into force" in refused.err
    (kept,) = loans.folder.glob("driftd-loans-*.toml")
    assert str(kept) in refused.err
    kept.unlink()
    assert loans.run("dictionary", "edit", "loans", "--yes").code == 0
    assert "max = 99.0" in text_of(loans)
    assert not list(loans.folder.glob("driftd-loans-*.toml"))
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    assert "set EDITOR, or give --file FILE" in loans.run("dictionary", "edit", "loans").err
    monkeypatch.setenv("EDITOR", "true")
    assert loans.run("dictionary", "edit", "loans").out == "nothing changed\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("diff", "loans", "nothing"), '"nothing" is neither a file nor a reference of loans'),
        (("diff", "loans", "none.toml"), "none.toml: cannot be read"),
        (("show", "laons"), 'did you mean "loans"?'),
    ],
)
def test_what_is_not_there_is_named(loans: World, arguments: tuple[str, ...], words: str) -> None:
    ran = loans.run("dictionary", *arguments)
    assert ran.code in (1, 2)
    assert words in ran.err
