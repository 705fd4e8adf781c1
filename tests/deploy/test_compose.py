"""The compose file: read by docker-compose, and held to the image, the configuration and the database."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from monitor.config import load
from monitor.store.sql import open_store
from tests.conftest import unavailable
from tests.deploy.image import last, ours, program
from tests.docs.pages import ROOT
from tests.services.postgres import PostgresServer, PostgresUnavailableError

FOLDER = ROOT / "deploy/compose"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]


def test_docker_compose_accepts_the_file() -> None:
    compose = program("docker-compose", "apt-get install docker-compose")
    command = [
        compose,
        "--file",
        str(FOLDER / "compose.yaml"),
        "--profile",
        "monitoring",
        "config",
        "--services",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, sorted(done.stdout.split())) == (0, sorted(SERVICES)), done.stderr


def test_prometheus_accepts_its_configuration() -> None:
    promtool = program("promtool", "it is in Debian's package prometheus")
    command = [promtool, "check", "config", "--syntax-only", str(FOLDER / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_files_that_are_mounted_are_there() -> None:
    volumes = yaml.safe_load((FOLDER / "compose.yaml").read_text())["volumes"]
    for service in SERVICES.values():
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            assert source in volumes or (FOLDER / source).exists(), mount
    rules = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["rule_files"][0]
    assert any(mount.endswith(f":{rules}:ro") for mount in SERVICES["prometheus"]["volumes"])


def test_driftd_runs_with_what_it_is_given(tmp_path: Path) -> None:
    url = tmp_path / "database_url"
    url.write_text("postgresql://driftd:secret@postgres/driftd\n")
    service = SERVICES["driftd"]
    given = ours() | service["environment"]
    assert given["DRIFTD__DATABASE__URL_FILE"] == "/run/secrets/database_url"
    config = load(FOLDER / "config.toml", given | {"DRIFTD__DATABASE__URL_FILE": str(url)}).config
    (kafka,) = config.kafka.bootstrap_servers
    assert f"INSIDE://{kafka}" in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert config.database.migrate == "auto"
    assert f"./config.toml:{given['DRIFTD_CONFIG']}:ro" in service["volumes"]
    assert f"driftd:{last('VOLUME')}" in service["volumes"]
    assert service["ports"] == [f"127.0.0.1:{last('EXPOSE')}:{last('EXPOSE')}"]


def test_everything_is_served_to_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 5
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_grafana_is_given_what_its_data_source_asks_for() -> None:
    source = (ROOT / "deploy/grafana/provisioning/datasources/driftd.yaml").read_text()
    asked = set(re.findall(r"\$(\w+)", source))
    assert asked == SERVICES["grafana"]["environment"].keys()
    provider = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/driftd.yaml").read_text())
    path = provider["providers"][0]["options"]["path"]
    assert f"../grafana/dashboards:{path}:ro" in SERVICES["grafana"]["volumes"]


@pytest.mark.integration
def test_grafana_s_role_reads_the_views_once_the_schema_is_there() -> None:
    script = (FOLDER / "reader.sh").read_text()
    statements = script.partition("<<'SQL'\n")[2].partition("SQL\n")[0]
    password = SERVICES["grafana"]["environment"]["DRIFTD_READ_PASSWORD"]
    try:
        server = PostgresServer()
    except PostgresUnavailableError as error:
        unavailable(f"real Postgres: {error}")
        return
    with server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("CREATE ROLE driftd SUPERUSER LOGIN")
            admin.execute(statements.encode())
            at = f"{admin.info.host}:{admin.info.port}/{admin.info.dbname}"
        store = open_store(f"postgresql://driftd@{at}")
        store.upgrade_schema()
        store.close_connections()
        with psycopg.connect(f"postgresql://driftd_read:{password}@{at}") as reader:
            assert reader.execute("SELECT count(*) FROM driftd.drift_history").fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("DELETE FROM driftd.drift_result")
