"""From a compose file to manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reign.executor import TaskFailed
from reign.executor.testing import make_context
from reign.security.masking import Masker
from workers.kubernetes.compose import ConvertCompose

WORD = "correct-horse-battery"


def convert(tmp_path: Path, content: Any, masker: Masker | None = None, **inputs: Any) -> ConvertCompose.Result:
    (tmp_path / "compose.yaml").write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    ctx = make_context(tmp_path, masker=masker or Masker())
    operation = ConvertCompose()
    return operation.apply(ctx, operation.Inputs.model_validate({"file": ".", **inputs}), ())


def only(result: ConvertCompose.Result, kind: str) -> dict[str, Any]:
    [found] = [body for body in result.manifest if body["kind"] == kind]
    return found


def test_a_whole_service(tmp_path: Path) -> None:
    (tmp_path / "web.env").write_text("# note\nexport A=1\nB='two'\n")
    service = {
        "image": "nginx:1.27",
        "entrypoint": "/run --fast",
        "command": ["serve", 8],
        "environment": ["C=3", "D"],
        "env_file": ["web.env", {"path": "none.env", "required": False}],
        "ports": ["127.0.0.1:8080:80/tcp", {"target": 53, "published": "5353", "protocol": "udp"}, "9000-9001"],
        "expose": ["80", 7000],
        "user": "1000:1001",
        "working_dir": "/srv",
        "volumes": ["data:/var/data:ro", "/tmp", "./src:/src", {"type": "tmpfs", "target": "/run"}],
        "deploy": {
            "replicas": 3,
            "resources": {"limits": {"cpus": "0.5", "memory": "128M"}, "reservations": {"memory": "1g"}},
        },
        "healthcheck": {"test": "curl -f localhost", "interval": "10s", "timeout": "500ms", "retries": 2},
        "restart": "no",
        "depends_on": ["other"],
        "privileged": True,
        "blkio_config": {},
    }
    result = convert(tmp_path, {"services": {"My_Web": service}, "volumes": {"data": None}}, namespace="shop")
    deployment = only(result, "Deployment")
    assert deployment["metadata"] == {"name": "my-web", "labels": {"app": "my-web"}, "namespace": "shop"}
    assert deployment["spec"]["replicas"] == 3
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"] == {"runAsUser": 1000, "runAsGroup": 1001}
    [container] = pod["containers"]
    assert container["command"] == ["/run", "--fast"]
    assert container["args"] == ["serve", "8"]
    assert {v["name"]: v["value"] for v in container["env"]} == {"A": "1", "B": "two", "C": "3", "D": ""}
    assert container["workingDir"] == "/srv"
    assert container["resources"] == {"limits": {"cpu": "0.5", "memory": "128Mi"}, "requests": {"memory": "1Gi"}}
    probe = container["readinessProbe"]
    assert probe["exec"]["command"] == ["/bin/sh", "-c", "curl -f localhost"]
    assert (probe["periodSeconds"], probe["timeoutSeconds"], probe["failureThreshold"]) == (10, 1, 2)
    assert [m["mountPath"] for m in container["volumeMounts"]] == ["/var/data", "/tmp", "/run"]
    assert container["volumeMounts"][0]["readOnly"] is True
    assert [sorted(v)[0] for v in pod["volumes"]] == ["name", "emptyDir", "emptyDir"]
    ports = {(p["port"], p["targetPort"], p["protocol"]) for p in only(result, "Service")["spec"]["ports"]}
    assert ports == {(8080, 80, "TCP"), (5353, 53, "UDP"), (9000, 9000, "TCP"), (7000, 7000, "TCP")}
    assert only(result, "PersistentVolumeClaim")["spec"]["resources"]["requests"]["storage"] == "1Gi"
    said = "\n".join(result.notes)
    for word in ("blkio_config", "privileged", "restart", "depends_on", "./src", "starts empty", "range", "127.0.0.1"):
        assert word in said
    assert list(yaml.safe_load_all(result.text)) == result.manifest


def test_secrets_become_references(tmp_path: Path) -> None:
    masker = Masker({"secret://env/DB": WORD})
    service = {
        "image": "a",
        "environment": {"DB_PASSWORD": "${DB}", "API_TOKEN": "in-clear-here", "URL": "pg://u:pw12345@db/x", "ON": True},
    }
    result = convert(tmp_path, {"services": {"web": service}}, masker, env={"DB": WORD})
    assert only(result, "Secret")["stringData"] == {
        "DB_PASSWORD": "secret://env/DB",
        "API_TOKEN": "secret://env/API_TOKEN",
        "URL": "secret://env/URL",
    }
    [container] = only(result, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "ON", "value": "true"}]
    assert container["envFrom"] == [{"secretRef": {"name": "web-env"}}]
    for text in (WORD, "in-clear-here", "pw12345"):
        assert text not in result.model_dump_json()


def test_variables(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TAG=2\nEMPTY=\n")
    image = "${NAME:-web}:$TAG${EMPTY:+no}${TAG:+-x}${EMPTY-y}$$"
    result = convert(tmp_path, {"services": {"a": {"image": image}}})
    [container] = only(result, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "web:2-x$"
    with pytest.raises(TaskFailed, match=r"\$\{TAGS\} has no value: which\?"):
        convert(tmp_path, {"services": {"a": {"image": "${TAGS:?which?}"}}})


def test_probes(tmp_path: Path) -> None:
    for check, command in (
        ({"test": ["CMD", "true"]}, ["true"]),
        ({"test": ["CMD-SHELL", "a && b"]}, ["/bin/sh", "-c", "a && b"]),
        ({"test": ["NONE"]}, None),
        ({"disable": True}, None),
    ):
        result = convert(tmp_path, {"services": {"a": {"image": "a", "healthcheck": check}}})
        [container] = only(result, "Deployment")["spec"]["template"]["spec"]["containers"]
        assert container.get("readinessProbe", {}).get("exec", {}).get("command") == command


def test_a_built_service_takes_the_image_that_was_built(tmp_path: Path) -> None:
    content = {"services": {"web": {"build": "."}}}
    with pytest.raises(TaskFailed, match="service web is built here"):
        convert(tmp_path, content)
    digest = "registry.example/web@sha256:" + "0" * 64
    result = convert(tmp_path, content, images={"web": digest})
    assert only(result, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"] == digest


@pytest.mark.parametrize(
    "content, said",
    [
        ("a: 1", "has no services"),
        ("{", "cannot be read"),
        ({"services": {"a": {"image": "a", "ports": ["x:y"]}}}, "'y' is no port"),
        ({"services": {"a": {"image": "a", "env_file": "none.env"}}}, "none.env cannot be read"),
        ({"services": {"a": {"image": "a", "deploy": {"resources": {"limits": {"memory": "lots"}}}}}}, "no amount"),
    ],
)
def test_what_cannot_be_converted(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(TaskFailed, match=said):
        convert(tmp_path, content)


def test_no_file(tmp_path: Path) -> None:
    operation = ConvertCompose()
    with pytest.raises(TaskFailed, match="there is no compose file"):
        operation.apply(make_context(tmp_path), operation.Inputs(file="."), ())
    (tmp_path / "compose.yaml").write_text("services: {a: {image: a, user: www, secrets: [x]}}")
    notes = operation.apply(make_context(tmp_path), operation.Inputs(file="compose.yaml"), ()).notes
    assert any("is a name" in note for note in notes)
