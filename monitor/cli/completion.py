"""`driftd completion`: what a shell offers at TAB, written from the commands: nothing of driftd runs then."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated

import typer

from monitor.cli.outline import Outline, Parameter, outline


class Shell(StrEnum):
    """The shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(context: typer.Context, shell: Annotated[Shell, typer.Argument(help="The shell.")]) -> None:
    """Print what completes commands, options and files in a shell.

    bash: into the file ~/.local/share/bash-completion/completions/driftd; zsh: into a file _driftd in a
    folder of $fpath; fish: into the file ~/.config/fish/completions/driftd.fish.
    """
    root = context.find_root()
    typer.echo(script(shell, outline(root.command, "driftd")), nl=False)


def script(shell: Shell, root: Outline) -> str:
    """Give the text that the shell reads."""
    write: dict[Shell, Callable[[Outline], str]] = {Shell.BASH: _bash, Shell.ZSH: _zsh, Shell.FISH: _fish}
    return write[shell](root)


def _bash(root: Outline) -> str:
    files = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return'
    words = 'mapfile -t COMPREPLY < <(compgen -W {one} -- "$current"); return'
    known = (
        f"commands={_quoted(one.word for one in each.commands)} options={_quoted(_all_names(each.options))}"
        for each in root.walk()
    )
    return f"""\
# bash completion for driftd, written by `driftd completion bash`
_driftd() {{
    local at=driftd word current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    local commands="" options=""
    [[ $current == = ]] && current=""
    [[ $before == = ]] && before="${{COMP_WORDS[COMP_CWORD-2]}}"
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$at $word" in
            {_names(root)}) at="$at $word" ;;
        esac
    done
    COMPREPLY=()
    case "$at $before" in
{_values(root, files, words)}
    esac
    case "$at" in
{_cases(root, known)}
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif [[ -n $commands ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}}
complete -F _driftd driftd
"""


def _zsh(root: Outline) -> str:
    known = (
        f"commands=({_described((one.word, _first(one.help)) for one in each.commands)}) "
        f"options=({_described((name, one.help) for one in each.options for name in one.names)})"
        for each in root.walk()
    )
    return f"""\
#compdef driftd
# zsh completion for driftd, written by `driftd completion zsh`
_driftd() {{
    local at=driftd word
    local -a commands options
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case "$at $word" in
            {_names(root)}) at="$at $word" ;;
        esac
    done
    case "$at ${{words[CURRENT-1]}}" in
{_values(root, "_files; return", "compadd -- {each}; return")}
    esac
    case "$at" in
{_cases(root, known)}
    esac
    if [[ $PREFIX == -* ]]; then
        _describe -o option options
    elif (( $#commands )); then
        _describe command commands
    else
        _files
    fi
}}
if [[ $funcstack[1] == _driftd ]]; then
    _driftd "$@"
else
    compdef _driftd driftd
fi
"""


def _fish(root: Outline) -> str:
    names = " ".join(shlex.quote(each.name) for each in root.walk() if each is not root)
    offers = "\n".join(line for each in root.walk() for line in _fish_offers(each))
    return f"""\
# fish completion for driftd, written by `driftd completion fish`
function __driftd_at
    set -l at driftd
    for word in (commandline -opc)[2..]
        switch "$at $word"
            case {names}
                set at "$at $word"
        end
    end
    test "$at" = "$argv"
end
{offers}
"""


def _fish_offers(command: Outline) -> Iterable[str]:
    """Give the lines for one command: what is below it, its options, files for its arguments."""
    here = f"complete -c driftd -n '__driftd_at {command.name}'"
    if not any(each.is_file for each in command.arguments):
        yield f"{here} -f"
    for each in command.commands:
        yield f"{here} -a {each.word} -d {shlex.quote(_first(each.help))}"
    for argument in command.arguments:
        if argument.choices:
            yield f"{here} -a {_quoted(argument.choices)}"
    for option in command.options:
        long = (f"-l {name[2:]}" for name in option.names if name.startswith("--"))
        short = (f"-s {name[1:]}" for name in option.names if not name.startswith("--"))
        yield " ".join((here, *long, *short, *_fish_value(option), "-d", shlex.quote(option.help)))


def _fish_value(option: Parameter) -> tuple[str, ...]:
    if not option.value:
        return ()
    if option.is_file:
        return ("-r", "-F")
    return ("-r", "-f", "-a", _quoted(option.choices)) if option.choices else ("-r", "-f")


def _names(root: Outline) -> str:
    return "|".join(f'"{each.name}"' for each in root.walk() if each is not root)


def _values(root: Outline, files: str, words: str) -> str:
    """Give what is offered behind what takes a value, a case a line: files, choices, or nothing."""
    cases = []
    for each in root.walk():
        for option in (one for one in each.options if one.value):
            asked = "|".join(f'"{each.name} {name}"' for name in option.names)
            offered = _offer(words, option) if option.choices else "return"
            cases.append(f"{asked}) {files if option.is_file else offered} ;;")
        first = [one for one in each.arguments[:1] if one.choices]
        cases += [f'"{each.name} {each.word}") {_offer(words, one)} ;;' for one in first]
    return _indented(cases)


def _offer(words: str, parameter: Parameter) -> str:
    return words.format(one=_quoted(parameter.choices), each=shlex.join(parameter.choices))


def _cases(root: Outline, known: Iterable[str]) -> str:
    return _indented(f'"{each.name}") {text} ;;' for each, text in zip(root.walk(), known, strict=True))


def _indented(lines: Iterable[str]) -> str:
    return "\n".join(f"        {line}" for line in lines)


def _all_names(options: Iterable[Parameter]) -> list[str]:
    return [name for option in options for name in option.names]


def _quoted(words: Iterable[str]) -> str:
    return shlex.quote(" ".join(words))


def _described(pairs: Iterable[tuple[str, str]]) -> str:
    """Give words with what they mean, as zsh's `_describe` reads them."""
    return " ".join(shlex.quote(f"{word}:{meaning}") for word, meaning in pairs)


def _first(text: str) -> str:
    return text.partition("\n\n")[0].replace("\n", " ")
