"""Runs of Sacred, in the files of its FileStorageObserver: training rows from one, results as a new one.

Sacred itself is not needed. Its latest release (0.8.7) cannot be imported beside a current setuptools, and
its files have been the same for years.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from monitor.bridges.points import Window
from monitor.errors import DataError
from monitor.files import LINES, TABLES

RESOURCES = "_resources"
WINDOWS = "windows.json"
_MOST_SETTINGS = 12


@dataclass(frozen=True, slots=True)
class Training:
    """The rows' file, and what the run says about itself."""

    file: Path
    notes: tuple[str, ...]


def training(address: str) -> Training:
    """Find the training rows of a run: ``FOLDER`` where it has one file of rows, else ``FOLDER#NAME``.

    Raises DataError when there is no such run or file, or several files and no name.
    """
    place, _, wanted = address.partition("#")
    folder = Path(place)
    run = _document(folder / "run.json")
    files = _files(folder, run)
    if wanted and wanted not in files:
        raise DataError(f'{folder}: the run has no file of rows "{wanted}"; it has {_listed(files)}')
    if not wanted and len(files) != 1:
        way = f"name one of them: sacred:{folder}#NAME" if files else "name the file of the rows itself"
        raise DataError(f"{folder}: the run has {_listed(files)}: {way}")
    name = wanted or next(iter(files))
    return Training(files[name], tuple(_notes(folder, run, name, files[name])))


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise DataError(f"{path}: holds no object, so it is not of a run of Sacred's")
    return document


def _files(folder: Path, run: Mapping[str, Any]) -> dict[str, Path]:
    """Give the run's files of rows by the names that they had in it, artifacts before resources."""
    found: dict[str, Path] = {}
    for original, stored in run.get("resources") or ():
        found[Path(original).name] = folder.parent / RESOURCES / Path(stored).name
    for name in run.get("artifacts") or ():
        found[str(name)] = folder / str(name)
    return {name: path for name, path in found.items() if name.lower().endswith((*TABLES, *LINES))}


def _listed(files: Iterable[str]) -> str:
    return ", ".join(sorted(files)) or "no file of rows among its resources and artifacts"


def _notes(folder: Path, run: Mapping[str, Any], name: str, file: Path) -> Iterable[str]:
    experiment = (run.get("experiment") or {}).get("name", "without a name")
    status, begun = run.get("status", "unknown"), str(run.get("start_time", ""))[:19]
    yield f"{name} of run {folder.name} of {experiment}, begun {begun}: {status}, result {run.get('result')}"
    if status != "COMPLETED":
        yield f"the run is {status}: was a model of it put into production?"
    settings = _document(folder / "config.json") if (folder / "config.json").exists() else {}
    shown = [f"{key} = {value}" for key, value in settings.items()]
    if shown:
        more = f" and {len(shown) - _MOST_SETTINGS} more" if len(shown) > _MOST_SETTINGS else ""
        yield f"its config: {', '.join(shown[:_MOST_SETTINGS])}{more}"
    digest = file.stem.rpartition("_")[2]
    if file.parent.name == RESOURCES and file.exists() and digest != _md5(file):
        yield f"{file} is not what the run has read: its MD5 is another one"


def _md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def write_run(
    folder: Path, config: Mapping[str, Any], found: Iterable[Window], result: Mapping[str, Any], now: datetime
) -> Path:
    """Write results as a new run, complete; what is in the folder already stays as it is.

    Each series is a metric: steps are minutes since 1970 of the windows' beginnings, timestamps their ends.
    Raises DataError when it cannot be written.
    """
    windows = list(found)
    try:
        run = _new_folder(folder)
        (run / "cout.txt").touch()
        _write(run / "config.json", config)
        _write(run / "metrics.json", _metrics(windows))
        _write(run / WINDOWS, [_told(window) for window in windows])
        _write(run / "run.json", _run(result, now))
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror}") from error
    return run


def _new_folder(folder: Path) -> Path:
    """Make the folder of the next number, as Sacred does; another process may take it first."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        taken = [int(each.name) for each in folder.iterdir() if each.is_dir() and each.name.isdecimal()]
        run = folder / str(max(taken, default=0) + 1)
        try:
            run.mkdir()
        except FileExistsError:
            continue
        return run


def _write(file: Path, document: object) -> None:
    file.write_text(json.dumps(document, indent=2, sort_keys=True, allow_nan=False), encoding="utf-8")


def _metrics(windows: Iterable[Window]) -> dict[str, dict[str, list[Any]]]:
    series: dict[str, dict[str, list[Any]]] = {}
    for window in windows:
        for point in window.points:
            of_one = series.setdefault(point.series, {"steps": [], "timestamps": [], "values": []})
            of_one["steps"].append(window.step)
            of_one["timestamps"].append(_naive(window.end))
            of_one["values"].append(point.value)
    return series


def _told(window: Window) -> dict[str, Any]:
    return {
        "window_start": window.start.isoformat(),
        "window_end": window.end.isoformat(),
        "reference_id": window.reference_id,
        "verdict": str(window.verdict),
        "values": {point.series: point.value for point in window.points},
    }


def _run(result: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    at = _naive(now)
    return {
        "artifacts": [WINDOWS],
        "command": "export",
        "experiment": {
            "base_dir": "",
            "dependencies": [],
            "mainfile": None,
            "name": "driftd",
            "repositories": [],
            "sources": [],
        },
        "heartbeat": at,
        "host": {
            "ENV": {},
            "cpu": None,
            "gpus": None,
            "hostname": platform.node(),
            "os": [platform.system(), platform.platform()],
            "python_version": platform.python_version(),
        },
        "meta": {"command": "export", "named_configs": [], "options": {}},
        "resources": [],
        "result": dict(result),
        "start_time": at,
        "status": "COMPLETED",
        "stop_time": at,
    }


def _naive(at: datetime) -> str:
    """Sacred writes times of UTC without saying so."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat()
