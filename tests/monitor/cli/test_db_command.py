from __future__ import annotations

import pytest

from monitor.cli.context import close_stores, database
from monitor.config import load
from monitor.errors import SchemaError
from tests.monitor.cli.worlds import CONFIG, World


def test_an_upgrade_makes_the_schema_that_check_wants(bare: World) -> None:
    ran = bare.run("db", "check")
    assert (ran.code, ran.out) == (1, "")
    assert "run `driftd db upgrade`" in ran.err
    assert bare.run("db", "upgrade").code == 0
    assert bare.run("db", "upgrade").code == 0
    assert bare.run("db", "check").out == "the schema is up to date\n"


def test_a_database_that_is_away_is_a_sentence(bare: World) -> None:
    bare.configure(CONFIG.replace("sqlite:///{folder}", "postgresql://me:hunter2@127.0.0.1:1"))
    ran = bare.run("db", "check")
    assert ran.code == 1
    assert "does not serve now" in ran.err
    assert "hunter2" not in ran.err


def test_a_file_that_is_no_database_is_a_sentence_in_every_command(bare: World) -> None:
    bare.file.write_bytes(b"PAR1 and much more that is no database" * 100)
    for command in (("db", "check"), ("db", "upgrade"), ("status",), ("reference", "list")):
        ran = bare.run(*command)
        assert ran.code == 2, command
        assert f"{bare.file} is no SQLite database (file is not a database)" in ran.err


def test_a_refused_database_is_not_left_open(bare: World) -> None:
    with pytest.raises(SchemaError):
        database(load(bare.folder / "config.toml", {}))
    close_stores()
    left = sorted(path.name for path in bare.folder.iterdir())
    assert left == ["config.toml", "driftd.sqlite"]  # SQLite's last connection takes its log files away


def test_a_configuration_that_is_not_there_is_a_sentence(bare: World) -> None:
    bare.folder.joinpath("config.toml").unlink()
    ran = bare.run("db", "check")
    assert ran.code == 2
    assert "config.toml: cannot be read: No such file or directory" in ran.err
