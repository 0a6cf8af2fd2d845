"""A namespace that is not there is created first, and goes again with the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reign.core.states import RunState
from reign.engine.repair import Repairs
from reign.executor import FailureKind, TaskFailed
from tests.engines.installation import Installation
from tests.engines.kubernetes import Cluster
from workers.kubernetes.apply import Apply
from workers.kubernetes.deployments import Expose
from workers.kubernetes.repairs import namespace_first, repaired


def test_a_missing_namespace_is_created_first(control_plane: Cluster, namespace: str, tmp_path: Path) -> None:
    room = f"{namespace}-new"
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}}
    inputs: dict[str, Any] = {"namespace": room, "manifest": manifest}
    installation = Installation(tmp_path, lease=5.0, heartbeat=0.5)
    try:
        installation.prepare()
        tools = {name: control_plane.environment[name] for name in ("KUBECONFIG", "PATH")}
        installation.start_worker("kubernetes", **tools)
        plan = {"name": "test", "tasks": {"config": {"uses": "kubernetes.apply", "with": inputs}}}
        run = installation.wait(installation.submit(plan), 100)
        found = Repairs(installation.runtime, installation.general)
        shown = found.look(run.name)
        assert shown.safe, (shown.as_dict(), installation.tasks(run))
        assert shown.amendment is not None
        assert shown.amendment.plan.tasks["namespace"].with_ == {"name": room}
        run = installation.wait(found.apply(run.name, shown.digest or "", by="ada"), 100)
        assert run.state is RunState.SUCCEEDED, installation.tasks(run)
        assert "settings" in control_plane.kubectl("-n", room, "get", "configmap", "-o", "name")
        back = installation.wait(installation.general.rollback(run.name), 100)
        assert back.state is RunState.SUCCEEDED, installation.tasks(back)
        assert room not in control_plane.kubectl("get", "namespace", "-o", "name").replace("Terminating", "")
    finally:
        installation.close()


def test_it_is_made_where_it_was_missed() -> None:
    inputs = Apply.Inputs.model_validate({"manifest": "x", "context": "c", "cluster": "u", "as": "ada"})
    missed = TaskFailed(
        "no", kind=FailureKind.MISSING_PREREQUISITE, details={"reason": "no_namespace", "namespace": "n"}
    )
    found = namespace_first(inputs, missed)
    assert found is not None
    assert found.before[0].with_ == {"name": "n", "context": "c", "cluster": "u", "as": "ada"}
    assert namespace_first(inputs, TaskFailed("no", kind=FailureKind.MISSING_PREREQUISITE)) is None
    assert namespace_first(inputs, TaskFailed("no", details=missed.details)) is None


def test_a_slow_start_gets_longer_up_to_an_hour() -> None:
    late = TaskFailed("no", kind=FailureKind.TIMED_OUT)
    found = repaired(Apply.Inputs.model_validate({"manifest": "x", "timeout": "20s"}), late)
    assert found is not None
    assert found.inputs == {"timeout": 40.0}
    assert found.timeout is not None
    assert found.timeout > 40
    assert found.reason == "it was not ready within 20s; it gets 40s"
    assert repaired(Apply.Inputs.model_validate({"manifest": "x", "timeout": "1h"}), late) is None
    assert repaired(Expose.Inputs.model_validate({"name": "x", "port": 80}), late) is None
