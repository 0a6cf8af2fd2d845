"""A chart out of an OCI registry that asks for a password, pinned by version and upgraded from there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reign.executor import TaskFailed
from tests.engines.kubernetes import Cluster
from tests.engines.registry import Registry, registry
from tests.integration.kubernetes.performing import Performer, agent_options
from tests.integration.kubernetes.test_deployments import names

__all__ = ["registry"]

SHOP = Path(__file__).parents[3] / "examples" / "charts" / "shop"


@pytest.fixture
def chart(registry: Registry, control_plane: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where helm, logged in, has pushed two versions of the chart."""
    helm = str(agent_options(control_plane)["helm"])
    monkeypatch.setenv("HELM_REGISTRY_CONFIG", str(tmp_path / "login.json"))

    def run(*words: str, given: str | None = None) -> None:
        done = subprocess.run([helm, *words], input=given, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr

    login = ("registry", "login", registry.host, "--username", registry.username, "--password-stdin", "--plain-http")
    run(*login, given=registry.password)
    for version in ("0.2.0", "0.3.0"):
        run("package", str(SHOP), "--version", version, "--destination", str(tmp_path))
        run("push", str(tmp_path / f"shop-{version}.tgz"), f"oci://{registry.host}/charts", "--plain-http")
    return f"oci://{registry.host}/charts/shop"


def test_an_oci_chart_by_version(chart: str, control_plane: Cluster, namespace: str, tmp_path: Path) -> None:
    perform = Performer(agent_options(control_plane), namespace, tmp_path)
    given = {"release": "shop", "chart": chart, "plain_http": True, "values": {"password": "correct-horse"}}
    installed = perform("helm_install", version="0.2.0", **given)
    assert installed.result.chart == "shop-0.2.0"
    assert "deployment.apps/shop" in names(control_plane, namespace, "deployment")
    assert perform("helm_upgrade", version="0.3.0", **given).result.chart == "shop-0.3.0"
    with pytest.raises(TaskFailed):
        perform("helm_upgrade", version="9.9.9", **given)
    installed.undo()
    assert names(control_plane, namespace, "deployment") == []
