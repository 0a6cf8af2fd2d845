"""Manifests of any kind: order, undo, Secrets, and what the API server refuses."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from reign.core.catalog import Effect
from reign.core.resource import Observation, Undo
from reign.executor import FailureKind, TaskFailed
from reign.security.masking import Masker
from tests.engines.kubernetes import Cluster
from tests.integration.kubernetes.performing import Performer
from tests.integration.kubernetes.test_deployments import names


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(**values: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": values}


def definition(group: str, scope: str = "Namespaced") -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"lamps.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": "Lamp", "plural": "lamps", "singular": "lamp", "shortNames": ["lp"]},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


@pytest.mark.parametrize("scope", ["Namespaced", "Cluster"])
def test_multi_document_manifest_with_a_crd_and_its_custom_resource_in_order(
    perform: Performer, control_plane: Cluster, namespace: str, tmp_path: Path, scope: str
) -> None:
    group = f"{namespace}-{scope.lower()}.example.org"
    lamp = {"apiVersion": f"{group}/v1", "kind": "Lamp", "metadata": {"name": "desk"}, "spec": {"watts": 5}}
    file = tmp_path / "lamps.yaml"
    # The custom resource stands first: the order of the file does not matter.
    file.write_text(yaml.safe_dump_all([lamp, config("settings", a="1"), definition(group, scope)]))
    shown = perform.preview("apply", manifest="lamps.yaml")
    assert "is created, its kind with it" in shown

    applied = perform("apply", manifest="lamps.yaml")
    assert applied.result.objects == [
        "configmap/settings",
        f"customresourcedefinition/lamps.{group}",
        f"lamp.{group}/desk",
    ]
    assert applied.result.changed == applied.result.objects
    assert (
        control_plane.kubectl("get", f"lamps.{group}", "desk", "-n", namespace, "-o", "jsonpath={.spec.watts}") == "5"
    )
    again = perform("apply", manifest="lamps.yaml")
    assert again.result.changed == []

    if scope == "Namespaced":
        deleted = perform("delete", kind=f"lamp.{group}", name="desk")
        assert deleted.result.deleted == [f"lamp.{group}/desk"]
        deleted.undo()
        assert "desk" in control_plane.kubectl("get", f"lamps.{group}", "-n", namespace)

    file.unlink()  # an undo does not need the file
    applied.undo()
    assert names(control_plane, namespace, "crd") == []
    assert "configmap/settings" not in names(control_plane, namespace, "configmap")


def test_a_namespace_and_a_kind_stay_while_others_use_them_and_all_else_is_taken_back(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    group, room = f"{namespace}-shared.example.org", f"{namespace}-room"
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": room}}
    own = config("mine")
    own["metadata"]["namespace"] = room
    applied = perform("apply", manifest=[place, own, definition(group, "Cluster")], wait=False)
    control_plane.kubectl("create", "configmap", "theirs", "-n", room)
    lamp = {"apiVersion": f"{group}/v1", "kind": "Lamp", "metadata": {"name": "theirs"}}
    control_plane.kubectl("create", "-f", "-", given=yaml.safe_dump(lamp))
    with pytest.raises(TaskFailed, match=r"stays: it holds .*theirs \(and 1 more\)") as refused:
        applied.undo()
    assert refused.value.kind is FailureKind.CONFLICT
    assert "configmap/mine" not in names(control_plane, room, "configmap")
    control_plane.kubectl("delete", "configmap/theirs", "-n", room)
    control_plane.kubectl("delete", f"lamps.{group}/theirs")
    applied.undo()
    assert f"lamps.{group}" not in control_plane.kubectl("get", "crd,namespace", "-o", "name")
    assert f"namespace/{room}" not in names(control_plane, namespace, "namespace")


def test_manifests_as_folder_text_list_and_kustomization(
    perform: Performer, control_plane: Cluster, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.yaml").write_text(yaml.safe_dump(config("a")))
    (tmp_path / "plain" / "b.json").write_text(json.dumps(config("b")))
    (tmp_path / "plain" / "note.txt").write_text("no manifest")
    assert perform("apply", manifest="plain").result.objects == ["configmap/a", "configmap/b"]

    (tmp_path / "kustomized").mkdir()
    (tmp_path / "kustomized" / "c.yaml").write_text(yaml.safe_dump(config("c", who="base")))
    (tmp_path / "kustomized" / "kustomization.yaml").write_text("resources: [c.yaml]\nnamePrefix: my-\n")
    assert perform("apply", manifest="kustomized").result.objects == ["configmap/my-c"]
    assert perform("apply", manifest="kustomized/kustomization.yaml").result.changed == []

    wrapped = {"apiVersion": "v1", "kind": "List", "items": [config("d"), config("e")]}
    assert perform("apply", manifest=yaml.safe_dump(wrapped)).result.objects == ["configmap/d", "configmap/e"]
    removed = perform("delete", manifest=[config("d"), config("e"), config("never")])
    assert removed.result.deleted == ["configmap/e", "configmap/d"]
    removed.undo()
    assert {"configmap/d", "configmap/e"} <= set(names(control_plane, namespace, "configmap"))
    assert "configmap/never" not in names(control_plane, namespace, "configmap")
    assert perform("delete", kind="cm", name="never").result.deleted == []


def test_undo_brings_the_former_objects_back_exactly(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    first = perform("apply", manifest=[config("settings", a="1", b="2")])
    control_plane.kubectl("label", "configmap", "settings", "by=hand", "-n", namespace)
    changed = perform("apply", manifest=[config("settings", a="9", c="3"), config("extra")])
    assert changed.result.changed == ["configmap/settings", "configmap/extra"]
    changed.undo()
    live = json.loads(control_plane.kubectl("get", "cm", "settings", "-n", namespace, "-o", "json"))
    assert live["data"] == {"a": "1", "b": "2"}
    assert live["metadata"]["labels"] == {"by": "hand"}
    assert "configmap/extra" not in names(control_plane, namespace, "configmap")
    changed.undo()
    # What an undo wrote is ours too, and in nobody's way.
    assert perform("apply", manifest=[config("settings", a="9")]).result.changed == ["configmap/settings"]
    first.undo()
    assert "configmap/settings" not in names(control_plane, namespace, "configmap")


def test_delete_and_undo(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    perform("create_deployment", name="web", image="nginx:1.27", replicas=2)
    perform("expose", name="web", port=80)
    address = control_plane.kubectl("get", "service/web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
    assert "is deleted" in perform.preview("delete", kind="service", name="web")
    service = perform("delete", kind="svc", name="web")
    deployment = perform("delete", kind="deployment", name="web")
    assert names(control_plane, namespace, "pods") == []
    deployment.undo()
    service.undo()
    assert control_plane.kubectl("get", "service/web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}") == address
    assert perform("rollout_status", name="web").result.replicas == 2


@pytest.mark.parametrize("kind", ["job", "pod", "pvc"])
def test_what_the_cluster_adds_is_not_in_the_way_of_a_recreation(
    perform: Performer, control_plane: Cluster, namespace: str, kind: str
) -> None:
    if kind == "pvc":
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
        body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "it"}, "spec": claim}
        perform("apply", manifest=body)
    elif kind == "job":
        pod = {"restartPolicy": "Never", "containers": [{"name": "it", "image": "busybox:1", "command": ["true"]}]}
        spec = {"template": {"spec": pod}}
        made = perform(
            "apply", manifest={"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "it"}, "spec": spec}
        )
        assert any("done" in line for line in made.progress)
    else:
        control_plane.kubectl("run", "it", "-n", namespace, "--image=nginx:1.27", "--labels=a=b")
        control_plane.kubectl("wait", "pod/it", "-n", namespace, "--for=condition=Ready", "--timeout=60s")
    deleted = perform("delete", kind=kind, name="it")
    assert not deleted.look()[0].exists
    deleted.undo()
    assert deleted.look()[0].same_as(deleted.before[0])


def test_failed_job_is_told_at_once(simulated: Cluster, perform: Performer) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "crash", "image": "reign.test/crash:1"}]}
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"}, "spec": spec}
    with pytest.raises(TaskFailed, match=r"job/migrate .* failed") as failed:
        perform("apply", manifest=body)
    assert failed.value.kind is FailureKind.CHECK_FAILED


# Secrets


def test_secrets_are_never_shown_or_stored_in_clear(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    word = "correct-horse-battery"
    control_plane.kubectl("create", "secret", "generic", "login", "-n", namespace, f"--from-literal=password={word}")
    control_plane.kubectl(
        "annotate", "secret", "login", "-n", namespace, f"kubectl.kubernetes.io/last-applied-configuration={word}"
    )
    shown = perform.preview("apply", manifest=secret(password="another-" + word), force=True)
    applied = perform("apply", manifest=secret(password="another-" + word), force=True)
    everything = shown + applied.written
    assert "secret/login" in shown
    assert "scrypt:" in shown
    assert "scrypt:" in applied.written
    for text in (word, base64.b64encode(word.encode()).decode(), base64.b64encode(f"another-{word}".encode()).decode()):
        assert text not in everything
    with pytest.raises(TaskFailed, match="former value of password is not known"):
        applied.undo()


def test_a_changed_secret_comes_back_if_its_values_were_given_by_reference(
    perform: Performer, control_plane: Cluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRST_PASSWORD", "first-value")
    monkeypatch.setenv("SECOND_PASSWORD", "second-value")
    first = perform("apply", manifest=secret(password="secret://env/FIRST_PASSWORD", user="shop"))
    [recorded] = first.look()
    assert recorded.facts["sources"] == {"password": "secret://env/FIRST_PASSWORD"}
    remembers = {"recorded": lambda address: recorded if address == recorded.resource else None, "masker": Masker()}
    second = perform(
        "apply", manifest=secret(password="secret://env/SECOND_PASSWORD", user="shop"), surroundings=remembers
    )
    second.undo()
    value = control_plane.kubectl(
        "get", "secret/login", "-n", namespace, "-o", "go-template={{.data.password | base64decode}}"
    )
    assert value == "first-value"
    deleted = perform("delete", kind="secret", name="login", surroundings=remembers)
    with pytest.raises(TaskFailed, match="former value of user is not known"):
        deleted.undo()


def test_the_undo_of_the_undo_takes_a_secret_from_the_manifest(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    applied = perform("apply", manifest=secret(password="correct-horse"))
    made = applied.look()
    applied.undo()
    applied.operation.restore(applied.context, applied.inputs, made, applied.look())
    value = control_plane.kubectl(
        "get", "secret/login", "-n", namespace, "-o", "go-template={{.data.password | base64decode}}"
    )
    assert value == "correct-horse"
    assert applied.look()[0].same_as(made[0])


def test_a_manifest_with_a_secret_does_not_promise_an_exact_undo(perform: Performer) -> None:
    for given in (secret(a="b"), [secret(a="b")], yaml.safe_dump(secret(a="b"))):
        operation, inputs, _ = perform.prepare("apply", {"manifest": given})
        assert operation.assess(inputs).undo is Undo.COMPENSATING
    operation, inputs, _ = perform.prepare("apply", {"manifest": config("a")})
    assert operation.assess(inputs).undo is Undo.EXACT


# What is refused


def test_forbidden_account(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    viewer = control_plane.add_account("viewer", namespace, role="view")
    with pytest.raises(TaskFailed, match="may not patch configmaps in the namespace") as refused:
        perform("apply", context=viewer, manifest=config("a"))
    assert refused.value.kind is FailureKind.PERMISSION
    assert refused.value.details["verb"] == "patch"
    assert "reign doctor" in str(refused.value.hint)
    assert perform("pod_status", context=viewer, selector="a=b").result.pods == []


def test_wrong_context_is_refused(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    with pytest.raises(TaskFailed, match="there is no context 'reign-tset'") as wrong:
        perform("apply", context="reign-tset", manifest=config("a"))
    assert wrong.value.kind is FailureKind.WRONG_INPUT
    gone = control_plane.add_context("gone-away", server="https://127.0.0.1:1")
    with pytest.raises(TaskFailed, match=r"no cluster answers at https://127.0.0.1:1 .*connection refused") as nobody:
        perform("apply", context=gone, manifest=config("a"))
    assert nobody.value.kind is FailureKind.TRANSIENT
    stranger = control_plane.add_context("stranger", token="not-a-token")
    with pytest.raises(TaskFailed, match="does not accept the credentials of context 'stranger'"):
        perform("apply", context=stranger, manifest=config("a"))


def test_another_cluster_than_the_pinned_one_is_refused(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    uid = perform("cluster_info").result.cluster
    assert perform("apply", manifest=config("a"), cluster=uid).result.cluster == uid
    with pytest.raises(TaskFailed, match=f"is cluster {uid}, not 0000 as pinned"):
        perform("apply", manifest=config("b"), cluster="0000")
    perform.options["clusters"] = {perform("cluster_info").result.context: "1111"}
    with pytest.raises(TaskFailed, match="not 1111 as pinned"):
        perform("scale", name="web", replicas=1)
    del perform.options["clusters"]
    viewer = control_plane.add_account("blind", namespace, role="edit")
    with pytest.raises(TaskFailed, match="cannot be checked"):
        perform("apply", context=viewer, manifest=config("b"), cluster=uid)
    assert "configmap/b" not in names(control_plane, namespace, "configmap")
    made = perform("apply", manifest=config("c"))
    elsewhere = [item.model_copy(update={"facts": item.facts | {"cluster": "2222"}}) for item in made.before]
    with pytest.raises(TaskFailed, match="not 2222"):
        made.operation.restore(made.context, made.inputs, elsewhere, made.look())


def test_conflict_names_the_other_manager_and_force_takes_over(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    theirs = yaml.safe_dump(config("shared", a="theirs"))
    control_plane.kubectl("apply", "--server-side", "--field-manager=them", "-n", namespace, "-f", "-", given=theirs)
    with pytest.raises(TaskFailed, match=r"'them' owns data\.a") as conflict:
        perform("apply", manifest=config("shared", a="ours"))
    assert conflict.value.kind is FailureKind.CONFLICT
    assert "force: true" in str(conflict.value.hint)
    assert perform("apply", manifest=config("shared", a="ours"), force=True).result.changed == ["configmap/shared"]


LAMP = {"kind": "Lamp", "metadata": {"name": "a"}}
NO_SPACE = {**config("a"), "metadata": {"name": "a", "namespace": "nowhere"}}


@pytest.mark.parametrize(
    "manifest, said, kind",
    [
        ({"apiVersion": "v1", **LAMP}, "has no kind Lamp in v1", "missing_prerequisite"),
        ({"apiVersion": "no.example.org/v1", **LAMP}, r"has no kind Lamp in no\.example", "missing_prerequisite"),
        (NO_SPACE, "no namespace 'nowhere'", "missing_prerequisite"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, r"has no metadata\.name", "wrong_input"),
        ({"kind": "ConfigMap", "metadata": {"generateName": "a-"}}, "has no apiVersion, metadata", "wrong_input"),
        ([config("a"), config("a")], "holds configmap/a .*twice", "wrong_input"),
        ([], "holds no object", "wrong_input"),
        ("nowhere.yaml", r"nowhere\.yaml is not there", "wrong_input"),
        ("https://example.org/a.yaml", "is an address", "wrong_input"),
        ("a: [\n", "line 2 is no YAML", "wrong_input"),
        ("- just\n- words\n", "is no Kubernetes object", "wrong_input"),
        ({**config("a"), "data": {"a": {"b": 1}}}, "configmap/a", "wrong_input"),
        (config("A_b"), r"metadata\.name", "wrong_input"),
    ],
)
def test_manifest_that_cannot_be_applied(perform: Performer, manifest: Any, said: str, kind: str) -> None:
    with pytest.raises(TaskFailed, match=said) as refused:
        perform("apply", manifest=manifest)
    assert refused.value.kind == kind, refused.value.message


def test_nothing_is_applied_if_one_object_is_refused(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 99999}]}}
    with pytest.raises(TaskFailed, match=r"spec\.ports\[0\]\.port"):
        perform("apply", manifest=[config("first"), wrong])
    assert "configmap/first" not in names(control_plane, namespace, "configmap")


def test_immutable_field(perform: Performer) -> None:
    perform("create_deployment", name="web", image="nginx:1.27")
    labels = {"app": "web", "tier": "front"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx:1.27"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    with pytest.raises(TaskFailed, match=r"spec\.selector cannot be changed once the object exists") as refused:
        perform("apply", manifest=body)
    assert "delete" in str(refused.value.hint)


def test_a_look_alike_that_differs_in_what_may_not_change_gives_way(
    perform: Performer, control_plane: Cluster, namespace: str
) -> None:
    perform("create_deployment", name="web", image="nginx:1.27")
    made = perform("expose", name="web", port=80)
    recorded = made.look()
    address = control_plane.kubectl("get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
    control_plane.kubectl("delete", "service", "web", "-n", namespace)
    control_plane.kubectl("create", "service", "clusterip", "web", "-n", namespace, "--tcp=81:81")
    made.operation.restore(made.context, made.inputs, recorded, made.look())
    again = control_plane.kubectl("get", "service", "web", "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")
    assert again == address
    assert [seen.state for seen in made.look()] == [seen.state for seen in recorded]


def test_quota_of_objects(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    control_plane.kubectl("create", "quota", "few", "-n", namespace, "--hard=configmaps=1")
    control_plane.kubectl(
        "wait", "quota/few", "-n", namespace, "--for=jsonpath={.status.used.configmaps}=1", "--timeout=30s"
    )
    with pytest.raises(TaskFailed, match="exceeded quota: few") as full:
        perform("apply", manifest=config("one-too-many"))
    assert full.value.kind is FailureKind.MISSING_PREREQUISITE


def test_deleting_asks_and_the_cluster_s_own_is_refused(perform: Performer) -> None:
    for inputs, undo in (
        ({"kind": "deployment", "name": "web"}, Undo.EXACT),
        ({"kind": "namespace", "name": "shop"}, Undo.COMPENSATING),
        ({"kind": "pvc", "name": "data"}, Undo.COMPENSATING),
        ({"kind": "secret", "name": "login"}, Undo.COMPENSATING),
    ):
        operation, parsed, _ = perform.prepare("delete", inputs)
        assessed = operation.assess(parsed)
        assert assessed.effect is Effect.DESTROY
        assert assessed.asks
        assert assessed.undo is undo
    operation, parsed, _ = perform.prepare("delete", {"kind": "ns", "name": "kube-system"})
    assert "belongs to the cluster" in str(operation.assess(parsed).refuses)
    with pytest.raises(TaskFailed, match="there is no kind 'deploymnet'") as unknown:
        perform("delete", kind="deploymnet", name="web")
    assert unknown.value.hint == "did you mean 'deployment'?"
    for wrong in ({}, {"kind": "pod"}, {"name": "a"}, {"manifest": config("a"), "name": "a", "kind": "pod"}):
        with pytest.raises(ValueError, match="give"):
            perform.prepare("delete", wrong)


def test_an_object_held_by_a_finalizer_is_told(perform: Performer, control_plane: Cluster, namespace: str) -> None:
    held = config("held")
    held["metadata"]["finalizers"] = ["example.org/hold"]
    perform("apply", manifest=held)
    operation, inputs, ctx = perform.prepare("delete", {"kind": "cm", "name": "held"}, deadline=_soon(4))
    with pytest.raises(TaskFailed, match=r"held by example\.org/hold|not done after"):
        operation.apply(ctx, inputs, [])
    control_plane.kubectl(
        "patch", "cm", "held", "-n", namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )


def _soon(seconds: float) -> float:
    return time.monotonic() + seconds


def test_absent_observation_says_where(perform: Performer) -> None:
    applied = perform("apply", manifest=config("a"))
    [before] = applied.before
    assert before == Observation(resource=before.resource, exists=False, facts=before.facts)
    assert before.facts["ref"] == ["v1", "ConfigMap", perform.namespace, "a"]
