"""Contexts out of kubeconfig files, without any cluster."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from reign.executor import TaskFailed
from reign.executor.testing import make_context
from workers.kubernetes.access import Access, resolve


def kubeconfig(path: Path, *names: str, current: str | None = None, user: dict[str, Any] | None = None) -> Path:
    config = {
        "current-context": current,
        "contexts": [{"name": n, "context": {"cluster": n, "user": n, "namespace": f"ns-{n}"}} for n in names],
        "clusters": [{"name": n, "cluster": {"server": f"https://{n}:6443"}} for n in names],
        "users": [{"name": n, "user": user or {}} for n in names],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def of(tmp_path: Path, given: Any, context: str | None = None, **options: Any) -> Access:
    return resolve(make_context(tmp_path, options={"kubeconfig": str(given), **options}), context)


def test_the_current_context_is_resolved_and_named(tmp_path: Path) -> None:
    found = of(tmp_path, kubeconfig(tmp_path / "k", "a", "b", current="b"))
    assert (found.context, found.server, found.namespace) == ("b", "https://b:6443", "ns-b")
    assert found.kubectl("kubectl") == ["kubectl", "--context=b"]
    assert found.helm("helm") == ["helm", "--kube-context=b"]


def test_several_files_the_first_wins(tmp_path: Path) -> None:
    first, second = kubeconfig(tmp_path / "1", "a"), kubeconfig(tmp_path / "2", "b", current="b")
    paths = os.pathsep.join([str(first), str(tmp_path / "none"), str(second)])
    assert of(tmp_path, paths).context == "b"
    assert of(tmp_path, paths, "a").server == "https://a:6443"


def test_impersonation_of_kubeconfig_and_options(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "k", "a", current="a", user={"as": "jane", "as-groups": ["team"]})
    found = of(tmp_path, file)
    assert (found.user, found.groups) == ("jane", ("team",))
    assert found.kubectl("k")[2:] == ["--as=jane", "--as-group=team"]
    other = of(tmp_path, file, **{"as": "joe", "as_groups": ["x"]})
    assert other.helm("h")[2:] == ["--kube-as-user=joe", "--kube-as-group=x"]


def test_a_cluster_is_told_by_address_and_authority_where_its_identity_may_not_be_read(tmp_path: Path) -> None:
    def endpoint(server: str = "https://a", **authority: str) -> str:
        file = kubeconfig(tmp_path / "k", "a", current="a")
        config = yaml.safe_load(file.read_text())
        config["clusters"] = [{"name": "a", "cluster": {"server": server, **authority}}]
        file.write_text(yaml.safe_dump(config))
        return of(tmp_path, file).endpoint

    (tmp_path / "ca.crt").write_text("one")
    known = endpoint(**{"certificate-authority-data": base64.b64encode(b"one").decode()})
    assert known.startswith("server:")
    assert endpoint(**{"certificate-authority": str(tmp_path / "ca.crt")}) == known
    others = [
        endpoint(**{"certificate-authority-data": base64.b64encode(b"two").decode()}),
        endpoint("https://b", **{"certificate-authority": str(tmp_path / "ca.crt")}),
        endpoint(**{"certificate-authority": str(tmp_path / "none")}),
    ]
    assert len({known, *others}) == 4
    assert endpoint(**{"certificate-authority-data": "no base64!"}) == endpoint()


def test_environment_of_tools_is_scrubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "shop")
    monkeypatch.setenv("SOME_SECRET", "no")
    file = kubeconfig(tmp_path / "k", "a", current="a")
    env = of(tmp_path, file, environment=["AWS_PROFILE"]).env()
    assert env["AWS_PROFILE"] == "shop"
    assert env["KUBECONFIG"] == str(file)
    assert "SOME_SECRET" not in env


@pytest.mark.parametrize(
    "content, context, said",
    [
        (None, None, "there is no Kubernetes context"),
        ("- a", None, "it is no kubeconfig"),
        ("{", None, "it is no kubeconfig"),
        ("contexts: [{name: prod, context: {}}]", None, "no context is given"),
        ("contexts: [{name: prod, context: {}}]", "prdo", "there is no context 'prdo'"),
    ],
)
def test_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, context: str | None, said: str
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    if content is not None:
        (tmp_path / "k").write_text(content)
    with pytest.raises(TaskFailed, match=said):
        of(tmp_path, tmp_path / "k", context)
