from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from monitor.challenger.state import ChallengerState, read_state, set_aside, write_state
from monitor.challenger.sums import WindowSums
from monitor.challenger.terms import state_path
from tests.monitor.challenger.streams import HOUR_MS, TERMS

STATE = ChallengerState(
    TERMS, 5, HOUR_MS, "label", "toml", 7, (WindowSums(0, 1, 1, 0, 1, 2, 0.5, 3),), b"ensemble", b"watch"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "challenger.state"
    write_state(path, STATE)
    return path


def test_a_state_comes_back_whole(path: Path) -> None:
    assert read_state(path) == STATE
    write_state(path, msgspec.structs.replace(STATE, learned_rows=8))
    again = read_state(path)
    assert again is not None
    assert again.learned_rows == 8
    assert list(path.parent.iterdir()) == [path]


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path / "none") is None


def test_nobody_else_can_read_or_write_it(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_process_left_behind_is_in_nobodys_way(path: Path) -> None:
    path.with_name(path.name + ".new").write_bytes(b"half")
    write_state(path, STATE)
    assert read_state(path) == STATE


@pytest.mark.parametrize("at", [0, 25, 60, -1])
def test_every_damaged_byte_is_noticed(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        read_state(path)


def test_a_file_that_was_cut_off_is_noticed(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="damaged"):
        read_state(path)


def test_a_file_that_others_can_write_is_refused(path: Path) -> None:
    path.chmod(0o620)
    with pytest.raises(ValueError, match=r"others can write it \(mode -rw--w----\)"):
        read_state(path)


def test_a_file_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(ValueError, match=f"belongs to user {owner}, this process runs as {owner + 1}"):
        read_state(path)


def test_a_link_is_not_followed(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(ValueError, match="cannot be read"):
        read_state(link)


def test_a_state_that_is_set_aside_is_out_of_the_way(path: Path) -> None:
    aside = set_aside(path)
    assert read_state(path) is None
    assert read_state(aside) == STATE


def test_every_model_has_a_file_of_its_own_with_a_name_that_any_disk_takes() -> None:
    names = ["churn", "Churn", "churn!", "churn?", "../../etc", "Kündigung", "…", "x" * 200, "x" * 199]
    paths = [state_path(Path("/state"), name) for name in names]
    assert len(set(paths)) == len(names)
    assert paths[0].name == "challenger-churn.state"
    for path in paths:
        assert path.parent == Path("/state")
        assert path.name.isascii()
        assert len(path.name) < 100
