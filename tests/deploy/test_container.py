"""The container file: linted by hadolint, and held to the package and the code."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from monitor.clock import ManualClock
from monitor.config import parse
from monitor.web.health import HealthState, serve
from monitor.web.probe import probe
from tests.deploy.image import FILE, environment, instructions, last, ours, tool, words
from tests.docs.pages import ROOT
from tests.docs.test_commands import MINIMUM, resolved
from tests.services.postgres import free_port

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([tool("hadolint"), FILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_the_service_as_nobody_else_with_the_code_alone() -> None:
    assert last("USER") == "10001:10001"
    assert re.search(r"--uid 10001\b", str(instructions()))
    command, given = resolved(" ".join([*words("ENTRYPOINT"), *words("CMD")]))
    command.make_context(command.name, given).close()
    copied = {
        name
        for word, rest in instructions()
        if word == "COPY" and "--from" not in rest
        for name in rest.split()[:-1]
    }
    kept = {
        line[1:] for line in Path(f"{FILE}.dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


def test_what_it_sets_is_what_the_configuration_has() -> None:
    config = parse("[models.churn]\ntopics = ['predictions']", MINIMUM | ours())
    assert config.service.address == ("0.0.0.0", int(last("EXPOSE")))  # noqa: S104  # inside the container
    assert config.service.state_dir == last("VOLUME") == last("WORKDIR")
    assert environment()["MPLCONFIGDIR"].startswith("/tmp/")  # noqa: S108  # writable in a read-only container


def test_it_installs_extras_that_there_are_at_the_locked_versions() -> None:
    run = next(rest for word, rest in instructions() if "--constraints requirements.lock" in rest)
    extras = re.search(r"\.\[([\w,]+)\]", run)
    assert extras is not None
    assert set(extras[1].split(",")) <= PROJECT["optional-dependencies"].keys()
    version = re.search(r"uv==([\d.]+)", str(instructions()))
    assert version is not None
    assert f"\nuv=={version[1]} " in (ROOT / "requirements.lock").read_text()
    pythons = {rest.split()[0] for word, rest in instructions() if word == "FROM"}
    assert len(pythons) == 1
    (python,) = re.findall(r"^python:([\d.]+)-slim", pythons.pop())
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def port(clock: ManualClock) -> Iterator[int]:
    server = serve(("127.0.0.1", 0), HealthState(clock), CollectorRegistry())
    yield server.port
    server.close()


def test_the_health_check_asks_the_service_whether_its_loop_turns(port: int, clock: ManualClock) -> None:
    assert probe({"DRIFTD__SERVICE__HTTP": f"0.0.0.0:{port}"}) == 0
    clock.advance(61)
    assert probe({"DRIFTD__SERVICE__HTTP": f"0.0.0.0:{port}"}) == 1


def test_the_health_check_is_the_image_s_and_needs_little(port: int) -> None:
    python, *arguments = words("HEALTHCHECK")
    assert python == "python"
    for at, code in ((port, 0), (free_port(), 1)):
        address = {"DRIFTD__SERVICE__HTTP": f"0.0.0.0:{at}"}
        command = [sys.executable, "-X", "importtime", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=address, cwd=ROOT)
        assert done.returncode == code, done.stdout
        assert "msgspec" not in done.stderr
        assert "numpy" not in done.stderr
