"""An API server that takes connections and never answers."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import yaml

from reign.executor import TaskFailed
from reign.executor.testing import make_context
from workers.kubernetes import cluster
from workers.kubernetes.access import resolve
from workers.kubernetes.kinds import Ref


@pytest.mark.parametrize("user", [{}, {"as": "jane"}], ids=["plain", "impersonated"])
def test_it_is_given_up_soon_also_while_its_kinds_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: dict[str, str]
) -> None:
    monkeypatch.setattr(cluster, "_REQUEST", (0.3, 0.3))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(10)
        server = f"http://127.0.0.1:{silent.getsockname()[1]}"
        config = {
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "clusters": [{"name": "a", "cluster": {"server": server}}],
            "users": [{"name": "a", "user": user}],
        }
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        ctx = make_context(tmp_path, options={"kubeconfig": str(tmp_path / "kubeconfig")})
        began = time.monotonic()
        with pytest.raises(TaskFailed, match=f"no cluster answers at {server}") as caught:
            cluster.Cluster(ctx, resolve(ctx, None)).get(Ref("v1", "Namespace", None, "default"))
    assert "no answer in time" in caught.value.message
    assert time.monotonic() - began < 20
