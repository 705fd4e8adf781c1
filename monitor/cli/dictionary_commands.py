"""`driftd dictionary show|diff|edit`: reading a data dictionary and changing it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from detectors.dictionary import Dictionary
from detectors.dictionary_file import to_toml
from detectors.reference import Reference
from detectors.reference_wire import decode, encode
from monitor.cli.context import (
    ConfigOption,
    JsonOption,
    model_of,
    out,
    print_json,
    print_table,
    shown,
    told_in_force,
)
from monitor.cli.reading import opened
from monitor.clock import SystemClock
from monitor.config import Loaded
from monitor.dictionaries import (
    Change,
    about,
    differences,
    in_words,
    parsed,
    read_dictionary,
    refuse_other_meaning,
    rules_in_words,
    text_of,
)
from monitor.errors import ConfigError, DataError
from monitor.promoting import under
from monitor.references import stored
from monitor.store.base import ReferenceRow, Store

ModelArgument = Annotated[str, typer.Argument(help="The model, as in the configuration.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass(frozen=True, slots=True)
class InForce:
    """The reference that a model is compared with, and how it is stored."""

    row: ReferenceRow
    reference: Reference

    @classmethod
    def of(cls, loaded: Loaded, store: Store, model: str) -> InForce:
        """Read it; raises DataError when there is none."""
        model_of(loaded, model)
        name = loaded.config.reference_name(model)
        row = store.active_reference(name)
        if row is None:
            raise DataError(f"model {name} has no reference in force: driftd reference build {name} FILE")
        return cls(row, decode(row.payload))


def show(
    model: ModelArgument,
    toml: Annotated[bool, typer.Option("--toml", help="Print it as TOML.")] = False,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show the data dictionary in force: kinds, rules, descriptions, owners, sources."""
    with opened(config) as (loaded, store):
        dictionary = InForce.of(loaded, store, model).reference.dictionary
    features = dictionary.features.values()
    if json:
        print_json([msgspec.to_builtins(feature) for feature in features])
    elif toml:
        out().print(to_toml(dictionary), markup=False)
    else:
        rows = [(one.name, str(one.role), rules_in_words(one), about(one)) for one in features]
        print_table(("feature", "role", "rules", "about"), rows)


def diff(
    model: ModelArgument,
    new: Annotated[str, typer.Argument(help="A dictionary in TOML, or a reference's id.")],
    old: Annotated[str | None, typer.Option("--from", help="Likewise; the one in force.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show how a dictionary differs from the one in force, or from another."""
    with opened(config) as (loaded, store):
        model_of(loaded, model)
        name = loaded.config.reference_name(model)
        before = (
            InForce.of(loaded, store, model).reference.dictionary if old is None else _given(store, name, old)
        )
        changes = differences(before, _given(store, name, new))
    if json:
        print_json([{"feature": one.feature, "key": one.key, "before": one.before, "after": one.after}
                    for one in changes])  # fmt: skip
    else:
        print_changes(changes)


def edit(
    model: ModelArgument,
    file: Annotated[
        Path | None, typer.Option(help="Take this file for the edited text; no editor is opened.")
    ] = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Change the dictionary in force: opens $VISUAL or $EDITOR on a copy, says what changes, and asks.

    What changes a check makes a new reference from the same counts. Kinds, types and roles take the rows:
    driftd reference build --dictionary.
    """
    with opened(config) as (loaded, store):
        known = InForce.of(loaded, store, model)
        path = file or _edited(known.reference, model)
        try:
            _edit(store, known, path, yes=yes)
        except (ConfigError, DataError) as error:
            raise type(error)(f"{error}\n{_again(model, path)}") from None
    if file is None:
        path.unlink()


def _edit(store: Store, known: InForce, path: Path, *, yes: bool) -> None:
    text = text_of(path)
    dictionary = parsed(text, str(path))
    refuse_other_meaning(known.reference.dictionary, dictionary, text, str(path))
    changes = differences(known.reference.dictionary, dictionary)
    if not changes:
        out().print("nothing changed")
    elif _is_wanted(changes, yes=yes):
        _put(store, known, dictionary)


def _given(store: Store, name: str, text: str) -> Dictionary:
    """Read a dictionary from a file, or from the reference that has this id."""
    if Path(text).is_file() or text.endswith(".toml"):
        return read_dictionary(Path(text))
    row = store.reference(text)
    if row is None or row.model != name:
        raise DataError(
            f'"{text[:40]}" is neither a file nor a reference of {name}: driftd reference list {name}'
        )
    return decode(row.payload).dictionary


def print_changes(changes: Iterable[Change]) -> None:
    """Print one line for each change."""
    rows = [(one.feature, in_words(one)) for one in changes]
    if rows:
        print_table(("feature", "what changes"), rows)
    else:
        out().print("no difference")


def _edited(reference: Reference, model: str) -> Path:
    """Let somebody edit a copy; raises ConfigError when the editor does not run."""
    words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    handle, name = tempfile.mkstemp(prefix=f"driftd-{_plain(model)}-", suffix=".toml")
    with os.fdopen(handle, "w", encoding="utf-8") as copy:
        copy.write(f"# The data dictionary of {shown(model)}, reference {reference.id}.\n\n")
        copy.write(to_toml(reference.dictionary))
    try:
        subprocess.run([*words, name], check=True)  # the user's own editor
    except (OSError, subprocess.CalledProcessError) as error:
        Path(name).unlink()
        raise ConfigError(f"{words[0]} did not end well ({error}): set EDITOR, or give --file FILE") from None
    return Path(name)


def _plain(model: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in model)[:40]


def _again(model: str, path: Path) -> str:
    return (
        f"nothing was changed; correct {path} and try it again: "
        f"driftd dictionary edit {model} --file {shlex.quote(str(path))}"
    )


def _is_wanted(changes: Iterable[Change], *, yes: bool) -> bool:
    print_changes(changes)
    if all(one.is_for_people for one in changes):
        out().print("This changes no check: the reference stays.")
    else:
        out().print(
            "Windows are held against it from now on, under a new reference with the same counts; "
            "those put together (2, 4, 8 ...) begin anew."
        )
    return agreed("Put it into force?", yes=yes)


def agreed(question: str, *, yes: bool) -> bool:
    """Ask, unless ``yes``; raises ConfigError where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise ConfigError("nobody can be asked here: give --yes to put it into force")
    return typer.confirm(question)


def _put(store: Store, known: InForce, dictionary: Dictionary) -> None:
    new = under(known.reference, dictionary)
    if new.id == known.reference.id:
        store.describe_reference(new.id, encode(new))
    else:
        row = stored(replace(new, built_at=SystemClock().now()), active=True)
        store.add_reference(replace(row, data_version=known.row.data_version))
    told_in_force(new.id, new.model)


COMMANDS = (show, diff, edit)
