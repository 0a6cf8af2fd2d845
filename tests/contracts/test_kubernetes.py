"""The kubernetes agent answers the questions that every operation must, on a real control plane."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.suite import Case, OperationContract
from tests.engines.kubernetes import Cluster
from tests.integration.kubernetes.conftest import control_plane, namespace  # noqa: F401
from tests.integration.kubernetes.performing import OPERATIONS, Performer, agent_options

SHOP = str(Path(__file__).parents[2] / "examples" / "charts" / "shop")
LISTS = (
    "/apis/apps/v1/namespaces/{}/deployments",
    "/apis/apps/v1/namespaces/{}/statefulsets",
    *(f"/api/v1/namespaces/{{}}/{kind}" for kind in ("services", "configmaps", "secrets")),
)
#: What differs between two looks at the same thing, or only ever grows.
VOLATILE = ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields")

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}


class Arranged:
    """The world that a case starts in."""

    def __init__(self, cluster: Cluster, space: str, folder: Path) -> None:
        self.cluster, self.namespace = cluster, space
        folder.mkdir()
        self.perform = Performer(agent_options(cluster), space, folder)

    def web(self) -> None:
        self.perform("create_deployment", name="web", image="nginx:1.27", replicas=2, port=80)

    def twice(self) -> None:
        self.web()
        self.perform("create_deployment", name="web", image="nginx:1.28", replicas=2, port=80)

    def config(self) -> None:
        self.perform("apply", manifest={**CONFIG, "data": {"a": "0", "b": "2"}})

    def shop(self) -> None:
        self.perform("helm_install", release="shop", chart=SHOP)

    def shop_twice(self) -> None:
        self.shop()
        self.perform("helm_upgrade", release="shop", chart=SHOP, values={"replicas": 2})

    def world(self) -> Any:
        """All objects but Helm's own records, without what only ever grows."""
        kept = []
        for item in (item for path in LISTS for item in self._items(path.format(self.namespace))):
            # The root's certificate comes into a new namespace a moment later.
            if item.get("type") == "helm.sh/release.v1" or item["metadata"]["name"] == "kube-root-ca.crt":
                continue
            meta = {k: v for k, v in item["metadata"].items() if k not in VOLATILE}
            meta["annotations"] = {k: v for k, v in meta.get("annotations", {}).items() if "revision" not in k}
            if meta["annotations"].get("meta.helm.sh/release-name"):
                # What a chart does not say is given anew when it is installed again.
                spec = item.get("spec") or {}
                for name in ("clusterIP", "clusterIPs"):
                    spec.pop(name, None)
            kept.append({k: v for k, v in item.items() if k != "status"} | {"metadata": meta})
        spaces = [item["metadata"]["name"] for item in self._items("/api/v1/namespaces")]
        return {"objects": kept, "spaces": [name for name in spaces if self.namespace in name]}

    def _items(self, path: str) -> list[dict[str, Any]]:
        """Each with its type, which items of a list come without."""
        found = self.cluster.api("get", path)
        return [{"kind": found["kind"], **item} for item in found["items"]]


#: operation -> (inputs, what is arranged before)
CASES: dict[str, tuple[dict[str, Any], Callable[[Arranged], None] | None]] = {
    "apply": ({"manifest": CONFIG}, Arranged.config),
    "delete": ({"kind": "deployment", "name": "web"}, Arranged.web),
    "create_deployment": ({"name": "web", "image": "nginx:1.28", "replicas": 3}, None),
    "expose": ({"name": "web", "port": 80}, Arranged.web),
    "scale": ({"name": "web", "replicas": 4}, Arranged.web),
    "rollout_status": ({"name": "web"}, Arranged.web),
    "rollout_restart": ({"name": "web"}, Arranged.web),
    "rollout_undo": ({"name": "web"}, Arranged.twice),
    "pod_status": ({"name": "web"}, Arranged.web),
    "logs": ({"name": "web"}, Arranged.web),
    "create_namespace": ({"name": "{namespace}-new"}, None),
    "cluster_info": ({}, None),
    "convert_compose": ({"file": "{folder}/compose.yaml"}, None),
    "helm_install": ({"release": "shop", "chart": SHOP}, None),
    "helm_upgrade": ({"release": "shop", "chart": SHOP, "values": {"replicas": 2}}, Arranged.shop),
    "helm_rollback": ({"release": "shop", "revision": 1}, Arranged.shop_twice),
    "helm_uninstall": ({"release": "shop"}, Arranged.shop),
    "helm_status": ({"release": "shop"}, Arranged.shop),
    "helm_history": ({"release": "shop"}, Arranged.shop),
    "helm_template": ({"release": "shop", "chart": SHOP}, None),
}
#: Inputs with which an operation waits for ever, for the cancel test.
UNREADY = {"image": "reign.test/unready"}
SLOW: dict[str, dict[str, Any]] = {
    "create_deployment": {"name": "web", **UNREADY},
    "helm_install": {"release": "shop", "chart": SHOP, "values": UNREADY},
}


def test_every_operation_has_a_case() -> None:
    assert {name.partition(".")[2] for name in OPERATIONS} == set(CASES)


@pytest.mark.slow
class TestKubernetes(OperationContract):
    @pytest.fixture(params=sorted(CASES))
    def case(
        self,
        request: pytest.FixtureRequest,
        control_plane: Cluster,  # noqa: F811
        namespace: str,  # noqa: F811
        tmp_path: Path,
    ) -> Case:
        inputs, arrange = CASES[request.param]
        arranged = Arranged(control_plane, namespace, tmp_path / "arranged")
        (tmp_path / "compose.yaml").write_text("services: {web: {image: 'nginx:1.27', ports: ['8080:80']}}\n")
        operation = OPERATIONS[f"kubernetes.{request.param}"]()
        slow = SLOW.get(request.param) if control_plane.simulated else None
        own = {"namespace": namespace} if "namespace" in operation.Inputs.model_fields else {}

        def filled(values: dict[str, Any]) -> dict[str, Any]:
            return {
                name: value.format(namespace=namespace, folder=tmp_path) if isinstance(value, str) else value
                for name, value in values.items()
            }

        return Case(
            operation=operation,
            inputs=own | filled(inputs),
            world=arranged.world,
            arrange=(lambda: arrange(arranged)) if arrange else lambda: None,
            slow_inputs=own | slow if slow else None,
            options=arranged.perform.options,
        )
