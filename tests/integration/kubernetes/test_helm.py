"""Helm 3 and Helm 4 on a real control plane, with the chart of examples/."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reign.core.resource import Undo
from reign.executor import FailureKind, TaskFailed
from tests.engines.kubernetes import Cluster, MissingAssets
from tests.engines.required import missing
from tests.integration.kubernetes.performing import Performer, agent_options
from tests.integration.kubernetes.test_deployments import names, replicas
from workers.kubernetes import helm_records as records
from workers.kubernetes.cluster import connect
from workers.kubernetes.helm import helm_of
from workers.kubernetes.helm_records import Revision
from workers.kubernetes.releases import objects_of

SHOP = str(Path(__file__).parents[3] / "examples" / "charts" / "shop")
PASSWORD = "correct-horse-battery"


@pytest.fixture(params=["helm", "helm3"])
def helm(request: pytest.FixtureRequest, control_plane: Cluster) -> str:
    try:
        return str(control_plane.assets.binary(request.param))
    except MissingAssets as reason:
        missing("kubernetes", str(reason))


@pytest.fixture
def perform(control_plane: Cluster, namespace: str, tmp_path: Path, helm: str) -> Performer:
    return Performer({**agent_options(control_plane), "helm": helm}, namespace, tmp_path)


def revisions(perform: Performer) -> list[tuple[int, str]]:
    found = perform("helm_history", release="shop").result.revisions
    return [(entry.revision, entry.status) for entry in found]


def test_deploys_a_chart_and_upgrades_it_with_other_values(
    perform: Performer, control_plane: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)
    given = {"replicas": 2, "password": "secret://env/SHOP_PASSWORD"}
    shown = perform.preview("helm_install", release="shop", chart=SHOP, values=given)
    assert "deployment/shop in namespace" in shown
    assert PASSWORD not in shown
    installed = perform("helm_install", release="shop", chart=SHOP, values=given)
    assert (installed.result.revision, installed.result.status) == (1, "deployed")
    assert installed.result.chart == "shop-0.2.0"
    assert replicas(control_plane, namespace, "shop") == 2
    assert PASSWORD not in installed.written

    (tmp_path / "values.yaml").write_text("replicas: 5\ngreeting: Hello\n")
    values = ["values.yaml", {"replicas": 3, "password": "secret://env/SHOP_PASSWORD"}]
    shown = perform.preview("helm_upgrade", release="shop", chart=SHOP, values=values)
    assert "-  replicas: 2\n+  replicas: 3" in shown
    assert "-  greeting: Welcome\n+  greeting: Hello" in shown
    assert "secret/shop-password" not in shown, "what stays the same is not in the diff"
    upgraded = perform("helm_upgrade", release="shop", chart=SHOP, values=values)
    assert upgraded.result.revision == 2
    assert replicas(control_plane, namespace, "shop") == 3
    again = perform("helm_upgrade", release="shop", chart=SHOP, values=values)
    assert again.result.revision == 2, "nothing to do"

    status = perform("helm_status", release="shop").result
    assert status.status == "deployed"
    assert "deployment/shop" in status.objects
    assert perform("helm_status", release="shop", revision=1).result.status == "superseded"

    upgraded.undo()
    assert replicas(control_plane, namespace, "shop") == 2
    assert upgraded.look()[0].same_as(upgraded.before[0])
    upgraded.undo()
    assert revisions(perform)[-1] == (3, "deployed"), "a second undo does nothing"
    installed.undo()
    assert names(control_plane, namespace, "deployment") == []
    with pytest.raises(TaskFailed, match="there is no release .shop."):
        perform("helm_status", release="shop")


@pytest.mark.parametrize("helm", ["helm"], indirect=True)
def test_undo_of_the_undo_of_an_install_and_an_upgrade(
    perform: Performer, control_plane: Cluster, namespace: str, tmp_path: Path
) -> None:
    chart = tmp_path / "chart"
    shutil.copytree(SHOP, chart)
    installed = perform("helm_install", release="shop", chart=str(chart))
    upgraded = perform("helm_upgrade", release="shop", chart=str(chart), values={"replicas": 2})
    after = upgraded.look()
    upgraded.undo()
    installed.undo()
    assert not installed.look()[0].exists
    for performed, made in ((installed, upgraded.before), (upgraded, after)):  # as the undo of each undo does it
        performed.operation.restore(performed.context, performed.inputs, made, performed.look())
        assert performed.look()[0].same_as(made[0])
    assert replicas(control_plane, namespace, "shop") == 2

    upgraded.undo()
    installed.undo()
    values = chart / "values.yaml"
    values.write_text(values.read_text().replace("replicas: 1", "replicas: 7"))
    with pytest.raises(TaskFailed, match="its chart or its values changed since"):
        installed.operation.restore(installed.context, installed.inputs, upgraded.before, installed.look())
    assert names(control_plane, namespace, "deployment") == []


def test_rollback(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    perform("helm_install", release="shop", chart=SHOP)
    for count in (2, 3):
        perform("helm_upgrade", release="shop", chart=SHOP, values={"replicas": count})
    assert "-  replicas: 3\n+  replicas: 2\n" in perform.preview("helm_rollback", release="shop")
    assert "-  replicas: 3\n+  replicas: 1\n" in perform.preview("helm_rollback", release="shop", revision=1)
    assert perform.preview("helm_rollback", release="shop", revision=3) == ""
    back = perform("helm_rollback", release="shop")
    assert replicas(control_plane, namespace, "shop") == 2
    done = back.operation.done(back.context, back.inputs, back.look())
    assert done == back.result, "a cut-off attempt does not go back twice"
    back.undo()
    assert replicas(control_plane, namespace, "shop") == 3
    perform("helm_rollback", release="shop", revision=1)
    assert replicas(control_plane, namespace, "shop") == 1
    scaled = perform("scale", name="shop", replicas=4)
    scaled.undo()
    perform("helm_rollback", release="shop", revision=2)
    assert replicas(control_plane, namespace, "shop") == 2, "our own scale is not in the way"
    perform("scale", name="shop", replicas=4)
    perform("helm_upgrade", release="shop", chart=SHOP, values={"replicas": 3})
    assert replicas(control_plane, namespace, "shop") == 3
    with pytest.raises(TaskFailed, match="has no revision 77"):
        perform("helm_rollback", release="shop", revision=77)


def test_failed_upgrade_rolled_back_on_its_own(simulated: Cluster, perform: Performer, namespace: str) -> None:
    perform("helm_install", release="shop", chart=SHOP)
    wrong = {"image": "registry.invalid/shop:2"}
    with pytest.raises(TaskFailed, match=r"ImagePullBackOff.*helm went back to revision 3") as failed:
        perform("helm_upgrade", release="shop", chart=SHOP, values=wrong, timeout=4, rollback_on_failure=True)
    assert failed.value.kind is FailureKind.MISSING_PREREQUISITE, "more time would not help"
    assert failed.value.details["object"] == "deployment/shop"
    assert revisions(perform) == [(1, "superseded"), (2, "failed"), (3, "deployed")]
    path = "jsonpath={..image}"
    assert simulated.kubectl("get", "deployment/shop", "-n", namespace, "-o", path) == "nginx:1.27"


def test_failed_first_install_can_be_taken_back_and_tried_again(simulated: Cluster, perform: Performer) -> None:
    operation, inputs, ctx = perform.prepare(
        "helm_install", {"release": "shop", "chart": SHOP, "values": {"image": "reign.test/unready"}, "timeout": 3}
    )
    before = operation.inspect(ctx, inputs)
    with pytest.raises(TaskFailed, match="did not become ready"):
        operation.apply(ctx, inputs, before)
    assert operation.inspect(ctx, inputs)[0].state["status"] == "failed"
    fixed = operation.Inputs.model_validate({**inputs.model_dump(by_alias=True), "values": {}, "timeout": 60})
    assert operation.apply(ctx, fixed, operation.inspect(ctx, fixed)).status == "deployed"
    operation.restore(ctx, inputs, before, operation.inspect(ctx, inputs))
    assert not operation.inspect(ctx, inputs)[0].exists


def test_uninstall_and_undo_keeps_secrets_in_the_cluster(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    perform("helm_install", release="shop", chart=SHOP, values={"password": PASSWORD, "replicas": 2})
    shown = perform.preview("helm_uninstall", release="shop")
    assert f"deployment/shop in namespace {namespace} is deleted" in shown
    assert PASSWORD not in shown
    gone = perform("helm_uninstall", release="shop")
    assert perform.preview("helm_uninstall", release="shop") == ""
    assert gone.result.status == "uninstalled"
    assert names(control_plane, namespace, "deployment") == []
    assert perform("helm_uninstall", release="shop").result.status == "uninstalled"
    gone.undo()
    assert replicas(control_plane, namespace, "shop") == 2
    found = json.loads(control_plane.kubectl("get", "secret/shop-password", "-n", namespace, "-o", "json"))["data"]
    assert found["password"]
    assert PASSWORD not in gone.written

    perform("helm_uninstall", release="shop")
    again = perform("helm_install", release="shop", chart=SHOP)
    assert again.result.status == "deployed", "a name with a kept history may be used again"
    again.undo()
    perform("helm_upgrade", release="shop", chart=SHOP, install=True)
    last = perform("helm_uninstall", release="shop", keep_history=False)
    assert last.operation.assess(last.inputs).undo is Undo.NONE
    with pytest.raises(TaskFailed, match="without its history"):
        last.undo()


def test_reuse_of_values(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    perform("helm_install", release="shop", chart=SHOP, values={"replicas": 2})
    perform("helm_upgrade", release="shop", chart=SHOP, values={"greeting": "Hi"}, reuse_values=True)
    assert replicas(control_plane, namespace, "shop") == 2
    perform("helm_upgrade", release="shop", chart=SHOP, values={"greeting": "Hi"}, replace=False, force=True)
    assert replicas(control_plane, namespace, "shop") == 1


def test_the_records_say_what_helm_says(perform: Performer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_DRIVER", "configmap" if perform.options["helm"].endswith("helm3") else "secret")
    perform("helm_install", release="shop", chart=SHOP, values={"greeting": "1e3"}, wait=False)
    made = perform("helm_upgrade", release="shop", chart=SHOP, values={"greeting": "on", "replicas": 0}, wait=False)
    cluster = connect(made.context, made.inputs)
    helm = helm_of(cluster, perform.namespace)

    def told(found: list[Revision]) -> list[Any]:
        fields = [(one.number, one.status, one.chart, one.app_version, one.description) for one in found]
        return [*fields, *((one.values(), objects_of(one.manifest())) for one in found)]

    read = records.revisions(cluster, helm, "shop")
    assert [one.values() for one in read] == [{"greeting": "1e3"}, {"greeting": "on", "replicas": 0}]
    monkeypatch.setattr(records, "record_kind", lambda helm: None)
    assert told(read) == told(records.revisions(cluster, helm, "shop"))


def test_template_hides_secrets(perform: Performer) -> None:
    made = perform("helm_template", release="x", chart=SHOP, values={"password": PASSWORD})
    assert made.result.objects == ["secret/x-password", "configmap/x-settings", "service/x", "deployment/x"]
    assert PASSWORD not in made.result.manifest


def test_what_is_refused(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    perform("helm_install", release="shop", chart=SHOP)
    for operation, inputs, said, kind in (
        ("helm_install", {"values": {"replicas": 2}}, "is there already: revision 1", "conflict"),
        ("helm_upgrade", {"release": "shpo"}, "there is no release .shpo.", "wrong_input"),
        ("helm_upgrade", {"values": {"replicas": "x"}}, "got string, want integer", "wrong_input"),
        ("helm_upgrade", {"values": "nowhere.yaml"}, "values file .*nowhere.yaml", "wrong_input"),
        ("helm_upgrade", {"chart": "./nowhere"}, "there is no chart at", "wrong_input"),
        ("helm_upgrade", {"chart": "shop", "repo": "http://127.0.0.1:1"}, "helm upgrade", None),
    ):
        with pytest.raises(TaskFailed, match=said) as refused:
            perform(operation, **{"release": "shop", "chart": SHOP, **inputs})
        assert kind is None or refused.value.kind == kind, refused.value.message
    with pytest.raises(TaskFailed, match="there is no release .shpo.") as misspelt:
        perform("helm_rollback", release="shpo")
    assert misspelt.value.hint == "did you mean 'shop'?"
    viewer = control_plane.add_account(f"viewer-{Path(perform.options['helm']).name}", namespace, role="view")
    with pytest.raises(TaskFailed, match="may not list secrets") as forbidden:
        perform("helm_status", release="shop", context=viewer)
    assert forbidden.value.kind is FailureKind.PERMISSION


def test_an_operation_of_somebody_else_is_not_disturbed(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    perform("helm_install", release="shop", chart=SHOP)
    secret = "sh.helm.release.v1.shop.v1"
    control_plane.kubectl("label", "secret", secret, "-n", namespace, "status=pending-upgrade", "--overwrite")
    body = _release(control_plane, namespace, secret)
    body["info"]["status"] = "pending-upgrade"
    _write_release(control_plane, namespace, secret, body)
    perform.given["run"] = "another-run"
    with pytest.raises(TaskFailed, match="another operation is going on") as busy:
        perform("helm_upgrade", release="shop", chart=SHOP, values={"replicas": 2})
    assert busy.value.kind is FailureKind.CONFLICT


def _release(cluster: Cluster, namespace: str, secret: str) -> dict[str, Any]:
    import base64
    import gzip

    data = cluster.kubectl("get", "secret", secret, "-n", namespace, "-o", "jsonpath={.data.release}")
    return dict(json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data)))))


def _write_release(cluster: Cluster, namespace: str, secret: str, body: dict[str, Any]) -> None:
    import base64
    import gzip

    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(body).encode()))).decode()
    patch = json.dumps({"data": {"release": packed}})
    cluster.kubectl("patch", "secret", secret, "-n", namespace, "--type=merge", "-p", patch)


@pytest.fixture
def repository(control_plane: Cluster, helm: str, tmp_path: Path) -> Iterator[str]:
    """A chart repository over HTTP on loopback."""
    folder = tmp_path / "repository"
    folder.mkdir()
    binary = Path(helm).name
    for args in (["package", SHOP, "-d", str(folder)], ["repo", "index", str(folder)]):
        done = control_plane.run(binary, *args)
        assert done.returncode == 0, done.stderr

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_chart_from_a_repository(perform: Performer, repository: str) -> None:
    made = perform("helm_install", release="shop", chart="shop", repo=repository, version="0.2.0")
    assert made.result.chart == "shop-0.2.0"
    with pytest.raises(TaskFailed) as unknown:
        perform("helm_upgrade", release="shop", chart="shop", repo=repository, version="9.9.9")
    assert unknown.value.kind is FailureKind.WRONG_INPUT
