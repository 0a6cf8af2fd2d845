"""Performing single operations as the engine does, and in a process of its own that a test may kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reign.core.resource import Observation
from reign.executor.testing import RecordingContext, make_context, run_operation
from tests.engines.kubernetes import Cluster, MissingAssets, wait_for
from workers.kubernetes import AGENT

OPERATIONS = {operation.name: operation for operation in AGENT.operations}


def agent_options(cluster: Cluster, helm: str = "helm") -> dict[str, Any]:
    options = {"kubeconfig": str(cluster.kubeconfig)}
    for name, binary in (("kubectl", "kubectl"), ("helm", helm)):
        try:
            options[name] = str(cluster.assets.binary(binary))
        except MissingAssets:
            options[name] = binary
    return options


@dataclass
class Performed:
    """One performed operation: its result, what was there before, and how to take it back."""

    operation: Any
    inputs: Any
    context: RecordingContext
    before: list[Observation]
    result: Any

    @property
    def progress(self) -> list[str]:
        return [report["message"] for report in self.context.reports]

    @property
    def written(self) -> str:
        """All that is shown or stored of it."""
        seen = [item.model_dump(mode="json") for item in (*self.before, *self.look())]
        return json.dumps([self.result.model_dump(mode="json"), seen, self.context.lines, self.context.reports])

    def look(self) -> list[Observation]:
        return list(self.operation.inspect(self.context, self.inputs))

    def undo(self) -> None:
        self.operation.restore(self.context, self.inputs, self.before, self.look())


@dataclass
class Performer:
    """``perform("scale", name="web", replicas=2)``: in the test's namespace unless another is given."""

    options: dict[str, Any]
    namespace: str
    folder: Path
    count: int = 0
    given: dict[str, Any] = field(default_factory=dict)

    def prepare(self, name: str, inputs: dict[str, Any], **context: Any) -> tuple[Any, Any, RecordingContext]:
        operation = OPERATIONS[f"kubernetes.{name}"]()
        if "namespace" in operation.Inputs.model_fields:
            inputs = {"namespace": self.namespace, **inputs}
        self.count += 1
        folder = self.folder / f"attempt-{self.count}"
        folder.mkdir()
        defaults = {
            "options": self.options,
            "workdir": self.folder,
            "task": f"task-{self.count}",
            "state_path": self.folder / "state",
        }
        ctx = make_context(folder, **{**defaults, **self.given, **context})
        return operation, operation.Inputs.model_validate(inputs), ctx

    def __call__(self, operation: str, /, surroundings: dict[str, Any] | None = None, **inputs: Any) -> Performed:
        return self._perform(*self.prepare(operation, inputs, **(surroundings or {})))

    def _perform(self, operation: Any, parsed: Any, ctx: RecordingContext) -> Performed:
        before = list(operation.inspect(ctx, parsed))
        return Performed(operation, parsed, ctx, before, run_operation(operation, ctx, parsed))

    def preview(self, operation: str, /, **inputs: Any) -> str:
        chosen, parsed, ctx = self.prepare(operation, inputs)
        return chosen.preview(ctx, parsed) or ""

    def killed(self, operation: str, /, when: Callable[[], bool], **inputs: Any) -> None:
        """Performs it in another process, which is killed as soon as ``when()`` is true."""
        order = {
            "name": operation,
            "inputs": inputs,
            "options": self.options,
            "namespace": self.namespace,
            "folder": str(self.folder),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(order)], env={**os.environ, "PYTHONPATH": str(Path.cwd())}
        )
        try:
            wait_for(f"{operation} to be in its middle", when, patience=60)
            assert process.poll() is None, "it ended before it could be killed"
        finally:
            process.kill()
            process.wait()


def main() -> None:
    order = json.loads(sys.argv[1])
    folder = Path(order["folder"]) / "killed"
    folder.mkdir()
    performer = Performer(order["options"], order["namespace"], folder, given={"task": "cut-off"})
    performer(order["name"], **order["inputs"])


if __name__ == "__main__":
    main()
