"""Secrets written into a plan in clear: the cluster gets them, and nothing that REIGN keeps holds them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from reign.core.states import RunState
from reign.store.runs import RunRecord
from tests.engines.installation import Installation
from tests.engines.kubernetes import Cluster

FIRST, SECOND, KEY = "first-Hunter2 # of: them", "second-Hunter2", "-----BEGIN KEY-----\nabcdef0123\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def values(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    found = json.loads(cluster.kubectl("-n", namespace, "get", "secret", name, "-o", "json"))
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def plan(password: str, namespace: str) -> dict[str, Any]:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}
    body |= {"stringData": {"p": "${{ params.pw }}"}, "data": {"q": encoded(password)}}
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: b}}\nstringData:\n  p: {json.dumps(password)}\n"
    text += "  key: |\n" + "".join(f"    {line}\n" for line in KEY.splitlines())
    tasks = {
        name: {"uses": "kubernetes.apply", "with": {"manifest": manifest, "namespace": namespace}}
        for name, manifest in (("object", body), ("text", text))
    }
    return {"name": "secrets", "params": {"pw": password}, "tasks": tasks}


def kept(installation: Installation) -> bytes:
    """All that the installation wrote anywhere: the database, the broker, the logs."""
    installation.runtime.redis.client.save()
    return b"".join(file.read_bytes() for file in installation.folder.rglob("*") if file.is_file())


def test_no_value_is_kept_and_a_rollback_brings_it_back(control_plane: Cluster, namespace: str, tmp_path: Path) -> None:
    installation = Installation(tmp_path, lease=5.0, heartbeat=0.5)

    def done(run: RunRecord) -> RunRecord:
        found = installation.wait(run, 100)
        assert found.state is RunState.SUCCEEDED, installation.tasks(found)
        return found

    try:
        installation.prepare()
        installation.start_worker("kubernetes", **{n: control_plane.environment[n] for n in ("KUBECONFIG", "PATH")})
        done(installation.submit(plan(FIRST, namespace)))
        first = [values(control_plane, namespace, name) for name in ("a", "b")]
        assert first == [{"p": FIRST, "q": FIRST}, {"p": FIRST, "key": KEY}]
        changed = done(installation.submit(plan(SECOND, namespace)))
        assert values(control_plane, namespace, "a") == {"p": SECOND, "q": SECOND}
        done(installation.general.rollback(changed.name))
        assert [values(control_plane, namespace, name) for name in ("a", "b")] == first
        found = kept(installation)
        assert b"secret://sealed/" in found
        for text in (FIRST, SECOND, "abcdef0123"):
            assert text.encode() not in found
            assert encoded(text)[:-4].encode() not in found
    finally:
        installation.close()
