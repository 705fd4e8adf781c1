"""From a file and the environment to a `Config`, or to a list of every mistake."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from monitor.config.environment import override
from monitor.config.lines import line_of, locate
from monitor.config.reader import read
from monitor.config.schema import Config
from monitor.config.secret import Secret
from monitor.config.section import Mistake, Place, shown
from monitor.errors import ConfigError

VARIABLE = "DRIFTD_CONFIG"
SYSTEM_FILE = Path("/etc/driftd/config.toml")
FROM_FILES = (("database", "url", "sqlite://"), ("page", "token", "x" * 16), ("registry", "url", "http://x"))
"""Secrets that may be in a file of their own, and what stands in for one that cannot be read."""
_AT_LINE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid configuration and where it came from.

    ``sha256`` is of what holds (file and environment, comments and secrets left out): equal exactly when two
    processes would decide alike.
    """

    config: Config
    path: Path
    sha256: str
    text: str = field(repr=False)

    @property
    def state_dir(self) -> Path:
        """The folder that service.state_dir names, seen from the configuration's own."""
        return self.path.parent / self.config.service.state_dir

    def service_urls(self, environ: Mapping[str, str]) -> dict[str, Secret]:
        """Fetch every alert service's URL; raises ConfigError that lists all that cannot be had."""
        return service_urls(self.config, environ, self.path.parent)


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Find and read the configuration; raises ConfigError naming every mistake and its line."""
    found = find(path, environ)
    text = _text(found)
    config = parse(text, environ, name=str(found), directory=found.parent)
    return Loaded(config, found, digest(config), text)


def find(path: Path | None, environ: Mapping[str, str]) -> Path:
    """Choose the file: the given one, $DRIFTD_CONFIG, ./config.toml, /etc/driftd/config.toml."""
    if path is not None:
        return path
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    local = Path("config.toml").absolute()
    for candidate in (local, SYSTEM_FILE):
        if candidate.is_file():
            return candidate
    raise ConfigError(
        f"no configuration: --config was not given, ${VARIABLE} is not set, "
        f"and neither {local} nor {SYSTEM_FILE} exists; name a file with --config FILE"
    )


def parse(
    text: str,
    environ: Mapping[str, str] | None = None,
    *,
    name: str = "config.toml",
    directory: Path = Path(),
) -> Config:
    """Read TOML text; raises ConfigError whose lines begin with ``name``.

    Files that it names are looked for in ``directory``.
    """
    table = _toml(text, name)
    overridden = override(Config, table, environ or {})
    complete, mistakes = _with_secrets(overridden.table, overridden.origins, directory)
    config, found = read(Config, complete)
    mistakes = (*overridden.mistakes, *mistakes, *found)
    if mistakes or config is None:
        lines = locate(text)
        raise ConfigError("\n".join(_report(mistakes, name, lines, overridden.origins)))
    return config


def service_urls(config: Config, environ: Mapping[str, str], directory: Path) -> dict[str, Secret]:
    """Fetch every alert service's URL; raises ConfigError that lists all that cannot be had."""
    urls: dict[str, Secret] = {}
    problems: list[str] = []
    for name, service in config.alerts.services.items():
        try:
            if service.env:
                urls[name] = _variable(service.env, environ)
            elif service.file:
                urls[name] = _secret_file(directory / service.file)
            elif service.url:
                urls[name] = service.url
        except ValueError as error:
            problems.append(f"{shown(('alerts', 'services', name))}: {error}")
    if problems:
        raise ConfigError("\n".join(problems))
    return urls


def digest(config: Config) -> str:
    """Hash what a configuration says, without its secrets."""
    return hashlib.sha256(effective(config)).hexdigest()


def effective(config: Config) -> bytes:
    """Give all that a configuration says, defaults too, as JSON without its secrets."""
    kafka = msgspec.structs.replace(config.kafka, options=config.kafka.shown_options())
    return msgspec.json.encode(msgspec.structs.replace(config, kafka=kafka), enc_hook=str, order="sorted")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ConfigError(f"{name}: lists or tables are nested too deeply") from None
    except ValueError as error:
        found = _AT_LINE.fullmatch(str(error))
        line = found[2] if found and found[2] else str(text.count("\n") + 1)
        column = f" (column {found[3]})" if found and found[3] else ""
        raise ConfigError(f"{name}:{line}: not valid TOML: {found[1] if found else error}{column}") from None


def _with_secrets(
    table: dict[str, Any], origins: Mapping[Place, str], directory: Path
) -> tuple[dict[str, Any], tuple[Mistake, ...]]:
    """Fill in what ``url_file`` or ``token_file`` holds; what the environment says goes before it."""
    mistakes: list[Mistake] = []
    for section, key, stand_in in FROM_FILES:
        table, mistake = _with_secret(table, section, key, stand_in, origins, directory)
        mistakes += [mistake] if mistake is not None else []
    return table, tuple(mistakes)


def _with_secret(
    table: dict[str, Any],
    section: str,
    key: str,
    stand_in: str,
    origins: Mapping[Place, str],
    directory: Path,
) -> tuple[dict[str, Any], Mistake | None]:
    inside, file_key = table.get(section), f"{key}_file"
    if not isinstance(inside, dict) or not isinstance(file := inside.get(file_key), str):
        return table, None
    place = (section, key)
    if key in inside:
        is_override = place in origins or (section, file_key) in origins
        return table, None if is_override else Mistake(place, f"is given twice: keep {key} or {file_key}")
    try:
        return table | {section: inside | {key: _secret_file(directory / file).reveal()}}, None
    except ValueError as error:
        return table | {section: inside | {key: stand_in}}, Mistake((section, file_key), str(error))


def _variable(name: str, environ: Mapping[str, str]) -> Secret:
    if text := environ.get(name, "").strip():
        return Secret(text)
    raise ValueError(f"the environment variable {name} is not set")


def _secret_file(path: Path) -> Secret:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ValueError(f"{path} cannot be read: {why}") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return Secret(text)


def _report(
    mistakes: tuple[Mistake, ...], name: str, lines: dict[Place, int], origins: Mapping[Place, str]
) -> Iterator[str]:
    located = [(_located(mistake, name, lines, origins), mistake) for mistake in mistakes]
    for (_, where), mistake in sorted(located, key=lambda each: each[0]):
        yield f"{where}: {mistake.text}"


def _located(
    mistake: Mistake, name: str, lines: dict[Place, int], origins: Mapping[Place, str]
) -> tuple[int, str]:
    place = mistake.place
    named = place[:-1] if mistake.is_stray else place
    for length in range(len(place), 0, -1):
        if place[:length] in origins:
            variable = origins[place[:length]]
            return -1, variable if place == (variable,) else f"{variable}: {shown(named)}"
    line = line_of(place, lines)
    where = name if line is None else f"{name}:{line}"
    return line or 0, f"{where}: {shown(named)}" if named else where
