"""The manifests: rendered by kubectl, checked against its schemas, and held to the image and the code."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from monitor.clock import SystemClock
from monitor.config import Loaded, load
from monitor.version import VERSION
from monitor.web.health import Endpoints, HealthState
from tests.conftest import unavailable
from tests.deploy.image import GET_TOOLS, last, ours, program
from tests.docs.pages import ROOT
from tests.docs.test_commands import resolved

FOLDER = ROOT / "deploy/kubernetes"
RELEASES = ("1.30", "1.33")


@pytest.fixture(scope="module")
def rendered() -> dict[str, dict[str, Any]]:
    """Give the resources that are applied, by their kinds."""
    kubectl = program("kubectl", "see kubernetes.io/docs/tasks/tools")
    done = subprocess.run([kubectl, "kustomize", FOLDER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {each["kind"]: each for each in yaml.safe_load_all(done.stdout)}


@pytest.fixture
def loaded(rendered: dict[str, dict[str, Any]], tmp_path: Path) -> Loaded:
    """Give the configuration in the ConfigMap as the image reads it, with the Secret's files in a folder."""
    mounted = "/run/secrets/driftd"
    text = rendered["ConfigMap"]["data"]["config.toml"]
    assert mounted in text
    (tmp_path / "config.toml").write_text(text.replace(mounted, str(tmp_path)))
    (tmp_path / "database_url").write_text("postgresql://driftd:secret@postgres/driftd")
    (tmp_path / "oncall_url").write_text("json://localhost/hook")
    named = {"DRIFTD__KAFKA__OPTIONS__GROUP_INSTANCE_ID": "driftd-0"}
    return load(tmp_path / "config.toml", ours() | named)


def pod(rendered: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = rendered["StatefulSet"]["spec"]["template"]
    return found


def test_kubernetes_knows_every_field(rendered: dict[str, dict[str, Any]]) -> None:
    try:
        import kubernetes_validate  # noqa: PLC0415  # of the group "deploy"
    except ImportError:
        unavailable(f"kubernetes-validate: {GET_TOOLS}")
    assert len(rendered) == 5
    for each in rendered.values():
        for release in RELEASES:
            kubernetes_validate.validate(each, release, strict=True)


def test_the_configuration_is_valid_and_finds_its_secrets(loaded: Loaded) -> None:
    assert loaded.service_urls({})["oncall"].reveal() == "json://localhost/hook"
    assert loaded.config.database.url.reveal().endswith("@postgres/driftd")
    options = loaded.config.kafka.options
    assert options["group_instance_id"] == "driftd-0"
    idle = min(model.idle_after.seconds for model in loaded.config.models.values())
    assert options["session_timeout_ms"] < idle * 1000


def test_pods_run_the_image_of_this_version_with_commands_that_exist(rendered: dict[str, Any]) -> None:
    spec = pod(rendered)["spec"]
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["image"] == f"driftd:{VERSION}"
        command, given = resolved(" ".join(["driftd", *container["args"]]))
        command.make_context(command.name, given).close()
    security = spec["securityContext"]
    assert last("USER") == f"{security['runAsUser']}:{security['runAsGroup']}"
    assert security["fsGroup"] == security["runAsGroup"]


def test_paths_and_ports_are_the_image_s(rendered: dict[str, Any], loaded: Loaded) -> None:
    spec = pod(rendered)["spec"]
    (container,) = spec["containers"]
    places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert places["state"] == last("VOLUME") == loaded.config.service.state_dir
    assert f"{places['config']}/config.toml" == ours()["DRIFTD_CONFIG"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        *(volume["name"] for volume in spec["volumes"]),
        *(claim["metadata"]["name"] for claim in rendered["StatefulSet"]["spec"]["volumeClaimTemplates"]),
    }
    (port,) = container["ports"]
    (served,) = rendered["Service"]["spec"]["ports"]
    assert port["containerPort"] == served["port"] == int(last("EXPOSE"))
    assert pod(rendered)["metadata"]["annotations"]["prometheus.io/port"] == last("EXPOSE")


def test_probes_ask_what_is_served_and_only_a_hung_loop_ends_a_pod(rendered: dict[str, Any]) -> None:
    (container,) = pod(rendered)["spec"]["containers"]
    asked = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    routes = Endpoints(HealthState(SystemClock()), CollectorRegistry(), VERSION).routes()
    assert {each["path"] for each in asked.values()} <= routes.keys()
    assert pod(rendered)["metadata"]["annotations"]["prometheus.io/path"] in routes
    assert asked["livenessProbe"]["path"] == asked["startupProbe"]["path"] == "/healthz"
    assert asked["readinessProbe"]["path"] == "/readyz"
    assert {each["port"] for each in asked.values()} == {container["ports"][0]["name"]}


def test_pods_have_time_to_stop_and_are_found_by_what_selects_them(
    rendered: dict[str, Any], loaded: Loaded
) -> None:
    spec = rendered["StatefulSet"]["spec"]
    assert pod(rendered)["spec"]["terminationGracePeriodSeconds"] > loaded.config.service.stop_timeout.seconds
    own = pod(rendered)["metadata"]["labels"].items()
    for selector in (
        spec["selector"]["matchLabels"],
        rendered["Service"]["spec"]["selector"],
        rendered["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= own
    assert spec["serviceName"] == rendered["Service"]["metadata"]["name"]
    (config,) = [each["configMap"] for each in pod(rendered)["spec"]["volumes"] if "configMap" in each]
    assert config["name"] == rendered["ConfigMap"]["metadata"]["name"]


def test_containers_can_write_nothing_but_their_folders(rendered: dict[str, Any]) -> None:
    spec = pod(rendered)["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert rendered["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        writable = {each["name"] for each in container["volumeMounts"] if not each.get("readOnly")}
        assert writable == {"state", "tmp"}
