"""validation.manifest without a cluster: schemas and rules of safety; and how the API server's word is taken."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from reign.core.findings import Finding
from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context, run_operation
from workers.validation import Manifest

GOOD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: {runAsNonRoot: true}
      containers:
        - name: web
          image: nginx:1.27
          securityContext: {allowPrivilegeEscalation: false}
          resources: {limits: {memory: 64Mi}, requests: {cpu: 10m}}
          readinessProbe: {httpGet: {port: 80}}
"""


def check(folder: Path, options: dict[str, Any] | None = None, **inputs: Any) -> Manifest.Result:
    context = make_context(folder, options=options or {})
    given = Manifest.Inputs.model_validate({"server": "never", **inputs})
    result = run_operation(Manifest(), context, given)
    assert isinstance(result, Manifest.Result)
    return result


def failure(folder: Path, **inputs: Any) -> TaskFailed:
    with pytest.raises(TaskFailed) as caught:
        check(folder, **inputs)
    return caught.value


def findings(folder: Path, **inputs: Any) -> list[Finding]:
    return check(folder, fail_on="never", **inputs).findings


def test_a_good_manifest(tmp_path: Path) -> None:
    result = check(tmp_path, text=GOOD)
    assert result.findings == []
    assert result.objects == ["Deployment/web"]
    assert result.checked_by.startswith("schema:1.")


def test_manifests_of_a_folder(tmp_path: Path) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    (tmp_path / "web.yaml").write_text(GOOD)
    (tmp_path / "list.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [namespace]}))
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    (tmp_path / "readme.md").write_text(GOOD)
    result = check(tmp_path, path=".")
    assert result.files == ["list.json", "web.yaml"]
    assert result.objects == ["Namespace/n", "Deployment/web"]


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("selector:", "selektor:"), 6, "'selektor' was unexpected"),
        (("name: web\n          image", "nome: web\n          image"), 12, "'nome' was unexpected"),
        (("{port: 80}", "{port: [80]}"), 16, "port"),
        (("  selector: {matchLabels: {app: web}}\n", "  replicas: three\n"), 6, "'three' is not of type"),
        (("apps/v1", "extensions/v1beta1"), 1, "has no Deployment in extensions/v1beta1"),
        (("kind: Deployment", "kind: Deploymint"), 1, "has no Deploymint in apps/v1"),
        (("kind: Deployment", "kind: ../Deployment"), 1, "has no ../Deployment"),
        (("metadata:\n  name: web\n", ""), 1, "metadata is missing"),
        (("kind: Deployment\n", ""), 1, "has `apiVersion` and `kind`"),
        (("apiVersion: apps/v1\n", "apiVersion: 3\n"), 1, "has `apiVersion` and `kind`"),
    ],
)
def test_a_fault_of_the_schema(tmp_path: Path, change: tuple[str, str], line: int, message: str) -> None:
    assert change[0] in GOOD
    failed = failure(tmp_path, text=GOOD.replace(*change))
    assert failed.kind is FailureKind.CHECK_FAILED
    found = [f for f in failed.details["findings"] if message in f["message"]]
    assert found, failed.details["findings"]
    assert found[0]["severity"] == "high"
    assert found[0]["line"] == line


def test_unknown_fields_may_be_let_pass(tmp_path: Path) -> None:
    text = GOOD.replace("spec:\n  selector", "spec:\n  mine: 1\n  selector")
    assert failure(tmp_path, text=text).details["counts"] == {"high": 1}
    assert check(tmp_path, text=text, strict=False).findings == []


def test_the_version_decides_what_exists(tmp_path: Path) -> None:
    text = "apiVersion: flowcontrol.apiserver.k8s.io/v1beta3\nkind: FlowSchema\nmetadata: {name: a}\n"
    text += "spec: {priorityLevelConfiguration: {name: b}}\n"
    assert check(tmp_path, text=text, kubernetes_version="v1.28.3").checked_by == "schema:1.28"
    assert "has no FlowSchema" in failure(tmp_path, text=text, kubernetes_version="1.34").message
    assert check(tmp_path, text=GOOD, kubernetes_version="1.9").checked_by == "schema:1.25"


def test_a_kind_of_others_is_not_checked_and_that_is_said(tmp_path: Path) -> None:
    found = findings(tmp_path, text="apiVersion: acme.example/v1\nkind: Widget\nmetadata: {name: w}\n")
    assert [(f.rule, f.severity) for f in found] == [("k8s-no-schema", "info")]


@pytest.mark.parametrize("text", ["a: [\n", "a: &x [*x, *x]\nb: *y\n", "a: " + "[" * 200 + "]" * 200])
def test_what_is_no_yaml_is_said(tmp_path: Path, text: str) -> None:
    assert failure(tmp_path, text=text).details["findings"][0]["rule"] == "yaml-syntax"


def test_aliases_that_unfold_without_end_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "stands for more than" in failure(tmp_path, text="\n".join(lines)).message


def test_a_key_that_stands_twice_is_said(tmp_path: Path) -> None:
    found = findings(
        tmp_path, text=GOOD.replace("spec:\n  selector", "spec:\n  replicas: 1\n  replicas: 2\n  selector")
    )
    assert [(f.rule, f.line, f.severity) for f in found] == [("duplicate-key", 7, "medium")]


def test_what_is_no_object_is_said(tmp_path: Path) -> None:
    assert {f.rule for f in findings(tmp_path, text="just text\n---\n- a\n---\n{}\n")} == {"k8s-schema"}


CONTAINER = "        - name: web\n"
SECURITY = "          securityContext: {allowPrivilegeEscalation: false}\n"


@pytest.mark.parametrize(
    ("change", "rule", "severity"),
    [
        ((SECURITY, "          securityContext: {privileged: true}\n"), "k8s-privileged", "high"),
        ((SECURITY, ""), "k8s-escalation", "low"),
        ((SECURITY, SECURITY.replace("}", ", capabilities: {add: [SYS_ADMIN, CHOWN]}}")), "k8s-capability", "high"),
        ((SECURITY, SECURITY.replace("}", ", runAsUser: 0}")), "k8s-root", "medium"),
        (("      securityContext: {runAsNonRoot: true}\n", ""), "k8s-root", "low"),
        (("nginx:1.27", "nginx"), "k8s-latest-tag", "medium"),
        (("nginx:1.27", "registry:5000/nginx:latest"), "k8s-latest-tag", "medium"),
        (("limits: {memory: 64Mi}, ", ""), "k8s-no-limits", "medium"),
        (("resources: {limits: {memory: 64Mi}, requests: {cpu: 10m}}", "resources: {}"), "k8s-no-requests", "low"),
        (("          readinessProbe: {httpGet: {port: 80}}\n", ""), "k8s-no-probe", "low"),
        (("matchLabels: {app: web}", "matchLabels: {app: wep}"), "k8s-selector", "high"),
        ((SECURITY, SECURITY + "          env: [{name: DB_PASSWORD, value: x}]\n"), "k8s-secret-in-env", "high"),
        (("      containers:", "      hostNetwork: true\n      containers:"), "k8s-host-namespace", "high"),
        (
            ("      containers:", "      volumes: [{name: a, hostPath: {path: /etc/x}}]\n      containers:"),
            "k8s-host-path",
            "high",
        ),
        (
            ("      containers:", "      volumes: [{name: a, hostPath: {path: /data}}]\n      containers:"),
            "k8s-host-path",
            "medium",
        ),
        (
            ("      containers:", "      volumes: [{name: a, hostPath: {path: /run/docker.sock}}]\n      containers:"),
            "k8s-runtime-socket",
            "critical",
        ),
    ],
)
def test_a_rule_of_safety(tmp_path: Path, change: tuple[str, str], rule: str, severity: str) -> None:
    assert change[0] in GOOD
    found = findings(tmp_path, text=GOOD.replace(*change))
    assert (rule, severity) in [(f.rule, f.severity.value) for f in found]
    assert all(f.message.startswith("Deployment/web: ") for f in found)
    assert all(f.remedy and f.line for f in found)


@pytest.mark.parametrize(
    "change",
    [
        ("nginx:1.27", "nginx@sha256:" + "0" * 64),
        (SECURITY, SECURITY + "          env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: a, key: b}}}]\n"),
        (SECURITY, SECURITY + "          env: [{name: DB_PASSWORD_FILE, value: /run/secrets/db}]\n"),
    ],
)
def test_what_is_as_it_should_be(tmp_path: Path, change: tuple[str, str]) -> None:
    assert findings(tmp_path, text=GOOD.replace(*change)) == []


WILDCARD_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: a}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]
"""
ADMIN = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: a}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: NodePort, ports: [{port: 80}]}\n"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: a}
spec: {containers: [{name: c, image: 'a:1'}], initContainers: [{name: i}]}
"""
CRON = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: a}
spec:
  schedule: "* * * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: a}]}}}}
"""


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (WILDCARD_ROLE, "k8s-wildcard-role"),
        (ADMIN, "k8s-cluster-admin"),
        (SERVICE, "k8s-exposed-service"),
        (POD, "k8s-no-limits"),
        (CRON, "k8s-latest-tag"),
    ],
)
def test_rules_of_other_kinds(tmp_path: Path, text: str, rule: str) -> None:
    assert rule in {f.rule for f in findings(tmp_path, text=text)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A_b}\n", "'A_b' cannot be the name of a ConfigMap"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: -a}\n", "'-a' cannot be the name"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: a.b}\n", "'a.b' cannot be the name of a Namespace"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", "it has no name"),
        ("apiVersion: v1\nkind: ConfigMap\n", "it has no name"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a.b-1}\n", None),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a-}\n", None),
        (WILDCARD_ROLE.replace("name: a", "name: 'system:a'"), None),
        (WILDCARD_ROLE.replace("name: a", "name: a/b"), "'a/b' cannot be the name"),
        ("apiVersion: apps/v1\nkind: DeploymentList\nmetadata: {}\nitems: []\n", None),
        ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", None),
    ],
)
def test_names(tmp_path: Path, text: str, told: str | None) -> None:
    found = [finding.message for finding in findings(tmp_path, text=text) if finding.rule == "k8s-name"]
    assert len(found) == (told is not None)
    assert told is None or told in found[0]


@pytest.mark.parametrize("text", ["", "# nothing\n---\n"])
def test_nothing_to_apply_is_said(tmp_path: Path, text: str) -> None:
    assert [finding.rule for finding in findings(tmp_path, text=text)] == ["k8s-empty"]


@pytest.mark.parametrize(
    "spec",
    [
        "3",
        "[]",
        "{template: 3}",
        "{template: {spec: {containers: 3, volumes: [1], securityContext: 2}}}",
        "{template: {spec: {containers: [1, {name: 3, image: 4, env: [5], securityContext: 6, resources: 7}]}}}",
    ],
)
def test_rules_hold_out_what_the_schema_forbids(tmp_path: Path, spec: str) -> None:
    text = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec: {spec}\n"
    assert "k8s-schema" in {f.rule for f in findings(tmp_path, text=text)}


def kubectl(folder: Path, body: str) -> str:
    """A program in kubectl's place, for what a cluster cannot be made to say."""
    path = folder / "kubectl"
    path.write_text(f"#!{sys.executable}\nimport sys\nwords = sys.argv[1:]\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_without_an_answer_the_schema_counts(tmp_path: Path) -> None:
    silent = kubectl(tmp_path, "sys.exit('Unable to connect to the server: connection refused')")
    result = check(tmp_path, {"kubectl": silent}, text=GOOD, server="auto")
    assert result.checked_by.startswith("schema:")
    for inputs in ({"server": "required"}, {"server": "auto", "context": "prod"}):
        with pytest.raises(TaskFailed) as caught:
            check(tmp_path, {"kubectl": silent}, text=GOOD, **inputs)
        assert caught.value.kind is FailureKind.TRANSIENT


def test_a_server_that_goes_away_in_between(tmp_path: Path) -> None:
    leaving = kubectl(
        tmp_path,
        "if 'current-context' in words: print('c')\nif 'apply' in words: sys.exit('Unable to connect: EOF')",
    )
    assert check(tmp_path, {"kubectl": leaving}, text=GOOD, server="auto").checked_by.startswith("schema:")


def test_without_kubectl_the_schema_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.validation.dry_run.program", lambda name: None)
    assert check(tmp_path, text=GOOD, server="auto").checked_by.startswith("schema:")
    assert failure(tmp_path, text=GOOD, server="required").kind is FailureKind.MISSING_PREREQUISITE


def test_a_manifest_that_is_wrong_anyway_is_not_sent(tmp_path: Path) -> None:
    called = tmp_path / "called"
    program = kubectl(tmp_path, f"open({str(called)!r}, 'w').close()")
    with pytest.raises(TaskFailed):
        check(tmp_path, {"kubectl": program}, text=GOOD.replace("selector:", "selektor:"), server="auto")
    assert not called.exists()
