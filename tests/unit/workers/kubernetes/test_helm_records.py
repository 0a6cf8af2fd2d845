"""Helm's records: read as Helm writes them, and of helm itself where they are elsewhere or written otherwise."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any, cast

import pytest

from reign.executor import FailureKind, TaskFailed
from reign.executor.testing import make_context
from workers.kubernetes import helm as helms
from workers.kubernetes.access import Access
from workers.kubernetes.cluster import Cluster
from workers.kubernetes.helm import Helm, helm_of
from workers.kubernetes.helm_records import Revision, revisions

HISTORY = [{"revision": 2, "status": "deployed", "chart": "a-1", "updated": "now", "description": "Upgrade"}]


class Records:
    """A cluster that holds these records."""

    def __init__(self, *data: Any, kind: str = "Secret") -> None:
        self.data, self.kind = data, kind

    def list(self, kind: str, namespace: str, *, labels: str) -> list[dict[str, Any]]:
        assert (kind, namespace, labels) == (self.kind, "default", "owner=helm,name=shop")
        return [{"data": data} for data in self.data]


def record(number: int, *, zipped: bool = True, secret: bool = True, **content: Any) -> dict[str, str]:
    body = {
        "version": number,
        "info": {"status": "superseded", "description": "Install complete", "last_deployed": "2026-01-01T00:00:00Z"},
        "chart": {"metadata": {"name": "shop", "version": "0.2.0", "appVersion": "7"}},
        **content,
    }
    raw = json.dumps(body).encode()
    text = base64.b64encode(gzip.compress(raw) if zipped else raw)
    return {"release": (base64.b64encode(text) if secret else text).decode()}


def script(folder: Path, *lines: str) -> str:
    file = folder / "helm"
    file.write_text("\n".join(["#!/bin/sh", f'echo "$@" >> {folder}/calls', *lines]))
    file.chmod(0o755)
    return str(file)


def helm(folder: Path, *lines: str) -> Helm:
    access = Access("shop", "/k", "https://10.0.0.1:6443", "default")
    return Helm(make_context(folder), access, "default", script(folder, *lines), (4, 0, 0))


def found(records: Records, of: Helm) -> list[Revision]:
    return revisions(cast(Cluster, records), of, "shop")


def test_secrets_are_read_oldest_first(tmp_path: Path) -> None:
    records = Records(record(10), record(9, zipped=False, config={"replicas": 2}, manifest="kind: A\n"))
    first, second = found(records, helm(tmp_path))
    assert (first.number, second.number) == (9, 10)
    assert (first.chart, first.app_version, first.status) == ("shop-0.2.0", "7", "superseded")
    assert (first.description, first.updated) == ("Install complete", "2026-01-01T00:00:00Z")
    assert (first.values(), first.manifest()) == ({"replicas": 2}, "kind: A\n")
    assert (second.values(), second.manifest()) == ({}, "")
    assert found(Records(), helm(tmp_path)) == []


def test_config_maps_if_helm_keeps_them_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_DRIVER", "configmap")
    [only] = found(Records(record(1, secret=False), kind="ConfigMap"), helm(tmp_path))
    assert only.number == 1


@pytest.mark.parametrize(
    ("driver", "data"),
    [("sql", []), ("secret", [{"release": "?"}]), ("secret", [{}]), ("secret", [record(1, chart=None)])],
)
def test_helm_is_asked_where_its_records_tell_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: str, data: list[Any]
) -> None:
    monkeypatch.setenv("HELM_DRIVER", driver)
    answers = [
        f"case \"$*\" in *history*) echo '{json.dumps(HISTORY)}';;",
        "*values*) echo '{\"a\": 1}';; *manifest*) echo 'kind: A';; esac",
    ]
    [only] = found(Records(*data), helm(tmp_path, *answers))
    assert (only.number, only.status, only.chart, only.app_version) == (2, "deployed", "a-1", "")
    assert (only.values(), only.manifest()) == ({"a": 1}, "kind: A\n")


def test_helm_may_know_no_release_or_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_DRIVER", "sql")
    assert found(Records(), helm(tmp_path, "echo 'Error: release: not found' >&2; exit 1")) == []
    with pytest.raises(TaskFailed, match="helm history: it broke"):
        found(Records(), helm(tmp_path, "echo 'Error: it broke' >&2; exit 1"))


class Options:
    """As much of a cluster as it takes to find its helm."""

    def __init__(self, folder: Path, binary: str) -> None:
        self.ctx = make_context(folder, options={"helm": binary})
        self.access = Access("shop", "/k", "https://10.0.0.1:6443", "default")

    def helm(self) -> Helm:
        return helm_of(cast(Cluster, self), None)


def test_a_binary_is_asked_for_its_version_once_and_a_script_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(helms, "_VERSIONS", {})
    calls = tmp_path / "calls"
    wrapper = Options(tmp_path, script(tmp_path, "echo v3.20.1+g1"))
    assert [wrapper.helm().version for _ in range(2)] == [(3, 20, 1)] * 2
    assert len(calls.read_text().splitlines()) == 2
    monkeypatch.setattr(helms, "_identity", lambda binary, path: (binary, 1, 1))
    assert [wrapper.helm().major for _ in range(3)] == [3] * 3
    assert len(calls.read_text().splitlines()) == 3


def test_the_identity_of_a_binary_changes_with_it(tmp_path: Path) -> None:
    binary = tmp_path / "helm"
    binary.write_bytes(b"\x7fELF")
    binary.chmod(0o755)
    first = helms._identity(str(binary), None)
    assert first is not None
    binary.write_bytes(b"\x7fELF2")
    assert helms._identity(str(binary), None) not in (first, None)
    assert helms._identity(script(tmp_path), None) is None
    assert helms._identity("no-such-helm", str(tmp_path)) is None


def test_what_is_no_helm_is_told(tmp_path: Path) -> None:
    with pytest.raises(TaskFailed, match="not Helm 3 or 4") as told:
        Options(tmp_path, script(tmp_path, "echo v2.17.0")).helm()
    assert told.value.kind is FailureKind.MISSING_PREREQUISITE
