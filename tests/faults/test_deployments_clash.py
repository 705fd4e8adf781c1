"""Two deployments on one schema, and an old process on a new schema: who gives way says why."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from monitor.store import migrate
from tests.faults.stories import PARTITIONS, Story, assert_same_results, change, world_of
from tests.integration.running import World, position, run_to_the_end, service
from tests.integration.watching import LIMIT_S, watched
from tests.services.postgres_fixtures import Databases
from tests.services.waiting import until


def copy_of(at: World, name: str) -> World:
    """Give the same configuration in another file, for a second service."""
    return replace(
        at,
        config=Path(shutil.copy(at.config, at.config.with_name(f"{name}.toml"))),
        log=at.log.with_name(f"{name}.log"),
    )


def stamp(url: str, at: World, revision: str | None) -> None:
    """Let the schema say that it is at this revision, as after an upgrade by another version."""
    with psycopg.connect(url, autocommit=True) as admin:
        table = sql.Identifier(f"s_{at.config.stem}", "alembic_version")
        admin.execute(sql.SQL("UPDATE {} SET version_num = %s").format(table), [revision])


def ended(at: World, process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Wait until it has ended by itself; give its exit code and what it said last, on one line."""
    code = process.wait(LIMIT_S)
    return code, " ".join(at.log.read_text(encoding="utf-8").split())


@pytest.mark.integration
@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_second_deployment_and_a_newer_schema_are_met_with_clear_words(
    kafka_bootstrap: str, postgres_databases: Databases, tmp_path: Path
) -> None:
    story = Story.begun(kafka_bootstrap)
    url = postgres_databases.empty()
    first = world_of(tmp_path, story, url)
    group = f"g-{first.config.stem}"
    stranger, sibling = copy_of(first, "stranger"), copy_of(first, "sibling")
    change(stranger, f'group_id = "{group}"', 'group_id = "strangers"')
    change(sibling, 'lateness = "5m"', 'lateness = "6m"')
    watch, siblings = watched(first), watched(sibling)
    with service(first) as process:
        watch.wait_until_ready()
        story.tell(2)
        with service(stranger) as refused:
            code, said = ended(stranger, refused)
        assert code == 2
        assert f'kafka.group_id is "strangers" in {stranger.config}' in said
        assert f'the group "{group}" runs on this database and schema' in said
        assert f"/{process.pid} with {first.config}" in said
        assert "Traceback" not in said
        with service(sibling) as second:
            line = siblings.wait_for_line("another process of this group runs with another configuration")
            assert line["other_config"] == str(first.config)
            second.terminate()
            assert second.wait(LIMIT_S) == 0
        story.tell(2)
        until(lambda: position(first, PARTITIONS) == story.messages, "everything read", LIMIT_S)
        watch.wait_until_ready()
        stamp(url, first, "9999")
        code, said = ended(first, process)
    assert code == 1
    assert "is at revision 9999, which this version does not know" in said
    assert "Traceback" not in said
    with service(first) as process:
        code, again = ended(first, process)
    assert code == 1
    assert again.count("is at revision 9999") > said.count("is at revision 9999")
    stamp(url, first, migrate.head())
    run_to_the_end(first, story.messages, PARTITIONS)
    calm = world_of(tmp_path, story, url)
    run_to_the_end(calm, story.messages, PARTITIONS)
    assert_same_results(calm, first)
    for each in (calm, first):
        each.store.close_connections()
