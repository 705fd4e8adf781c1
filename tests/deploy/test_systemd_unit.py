"""The unit file, checked by systemd's own tool and held to the code."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from monitor.cli.context import Exit
from monitor.config import Duration, Service, parse
from tests.conftest import unavailable
from tests.docs.pages import ROOT
from tests.docs.test_commands import MINIMUM, resolved

UNIT = ROOT / "deploy/systemd/driftd.service"
LEAST_EXPOSED = 20  # tenths: systemd calls up to 20 "OK" and its worst 100


def settings() -> dict[str, list[str]]:
    """Give each key's values in their order; keys may come several times."""
    found = defaultdict(list)
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Give the unit with a program in driftd's place: the tool asks whether it is there."""
    if shutil.which("systemd-analyze") is None:
        unavailable("systemd-analyze: apt-get install systemd")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/driftd/bin/driftd", "/bin/true"))
    return unit


def analysed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_systemd_accepts_the_unit(installed: Path) -> None:
    done = analysed("verify", "--man=no", "--recursive-errors=no", installed)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_service_can_do_little_else(installed: Path) -> None:
    done = analysed("security", "--offline=true", f"--threshold={LEAST_EXPOSED}", "--no-pager", installed)
    assert done.returncode == 0, done.stdout


def test_the_unit_runs_commands_that_exist() -> None:
    for line in [*settings()["ExecStart"], settings()["ExecReload"][0]]:
        command, words = resolved(line.removeprefix("/opt/driftd/bin/"))
        command.make_context(command.name, words).close()
    assert shlex.split(settings()["ExecReload"][1]) == ["/bin/kill", "-HUP", "$MAINPID"]


def test_what_the_unit_says_of_exits_and_times_is_what_the_code_does() -> None:
    found = settings()
    assert found["Type"] == ["notify"]
    assert found["RestartPreventExitStatus"] == [str(Exit.USAGE.value)]
    assert float(found["TimeoutStopSec"][0]) > Service().stop_timeout.seconds
    assert Duration.parse(found["TimeoutStartSec"][0].replace("min", "m")).seconds >= 120


def test_the_unit_sets_keys_that_the_configuration_has() -> None:
    given = dict(each.split("=", 1) for each in settings()["Environment"])
    ours = {name: value.replace("%S", "/var/lib") for name, value in given.items() if "DRIFTD" in name}
    config = parse("[models.churn]\ntopics = ['predictions']", MINIMUM | ours)
    assert config.service.state_dir == f"/var/lib/{settings()['StateDirectory'][0]}"
