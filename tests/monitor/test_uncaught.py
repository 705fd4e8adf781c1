"""Errors that nobody foresaw: what is told of them holds no secret."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from monitor.cli import main, status
from tests.monitor.cli.worlds import CONFIG

SECRET, HOOK = "hunter2hunter2", "json://example.com/t0ken-0f-the-hook"
QUOTED = f"postgresql://me:{SECRET}@db/driftd {HOOK}"
SERVICE = f"""
import sys, threading
from monitor.clock import SystemClock
from monitor.log import configure
from monitor.uncaught import logged

def fail() -> None:
    raise RuntimeError({QUOTED!r})

configure(SystemClock(), "json", secrets=[{HOOK!r}])
with logged():
    thread = threading.Thread(target=fail, name="outbox")
    thread.start()
    thread.join()
    fail()
"""


def test_the_traceback_of_a_command_is_shown_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError(QUOTED)

    monkeypatch.setenv("ONCALL_URL", HOOK)
    monkeypatch.setattr(status, "_partitions", fails)
    config = tmp_path / "config.toml"
    text = CONFIG.format(folder=tmp_path).replace("[models", 'migrate = "auto"\n[models')
    config.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["status", "--config", str(config)])
    err = capsys.readouterr().err
    assert ended.value.code == 1
    assert "Traceback" in err
    assert "RuntimeError: postgresql://me:***@db/driftd ***" in err
    assert SECRET not in err
    assert HOOK not in err


def test_errors_of_the_service_and_of_its_threads_are_lines_of_the_log_without_secrets() -> None:
    ended = subprocess.run([sys.executable, "-c", SERVICE], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    of_thread, of_service = (msgspec.json.decode(line) for line in ended.stderr.splitlines())
    assert of_thread["event"] == "a thread was stopped by an error that driftd did not foresee"
    assert of_thread["thread"] == "outbox"
    assert of_service["event"] == "stopped by an error that driftd did not foresee"
    for line in (of_thread, of_service):
        assert line["level"] == "critical"
        assert "RuntimeError: postgresql://me:***@db/driftd ***" in line["exception"]
        assert "in fail" in line["exception"]
    assert SECRET not in ended.stderr
    assert HOOK not in ended.stderr
