"""A folder with a configuration, and the agent's operations on it as the engine would call them, attempt by attempt."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reign.core.resource import Observation
from reign.executor import Operation
from reign.executor.testing import MemoryBlobs, RecordingContext, make_context, run_operation
from workers.terraform import AGENT

OPERATIONS: dict[str, Operation[Any, Any]] = {operation.name: operation() for operation in AGENT.operations}

#: Two objects, one after the other, and an output; ``what`` decides what they are.
TWO = """
variable "what" {
  type    = string
  default = "first"
}
resource "null_resource" "one" {
  triggers = { what = var.what }
}
resource "null_resource" "two" {
  triggers = { of = null_resource.one.id }
}
output "what" { value = var.what }
"""
ONE = """
variable "what" { default = "first" }
resource "null_resource" "one" {
  triggers = { what = var.what }
}
output "what" { value = var.what }
"""


class Started:
    """Something that runs in a thread; ``ended`` waits for it and gives what it returned or raised."""

    def __init__(self, body: Callable[[], Any]) -> None:
        self.returned: Any = None
        self.raised: BaseException | None = None
        self._body = body
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.returned = self._body()
        except BaseException as error:
            self.raised = error

    def ended(self, within: float = 60.0) -> Any:
        self._thread.join(within)
        assert not self._thread.is_alive(), f"not ended within {within} s"
        if self.raised is not None:
            raise self.raised
        return self.returned


def until(condition: Callable[[], Any], within: float = 60.0) -> Any:
    """Poll until it gives something true, and return that."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {within} s"
        time.sleep(0.02)
    return found


#: An object made at once, and one whose making takes until the file ``go`` lies in FOLDER (a minute at most).
SLOW = """
resource "null_resource" "fast" {}
resource "null_resource" "slow" {
  depends_on = [null_resource.fast]
  provisioner "local-exec" {
    command = "touch FOLDER/started; for i in $(seq 600); do test -e FOLDER/go && exit 0; sleep 0.1; done"
  }
}
"""


class World:
    """``folder/infra`` holds the configuration. Each attempt has a scratch folder of its own; the rest is kept."""

    def __init__(self, folder: Path, binary: str, plugins: Path) -> None:
        self.folder = folder
        self.directory = folder / "infra"
        self.directory.mkdir(exist_ok=True)
        self.options: dict[str, Any] = {"binary": binary}
        self.plugins = str(plugins)
        self.blobs = MemoryBlobs()
        self.recorded: dict[str, Observation] = {}
        self.contexts: list[RecordingContext] = []

    def write(self, text: str, name: str = "main.tf") -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def context(self, **given: Any) -> RecordingContext:
        number = len(self.contexts) + 1
        ctx = make_context(
            self.folder,
            **{
                "options": self.options,
                "blobs": self.blobs,
                "attempt": number,
                "scratch_path": self.folder / f"scratch-{number}",
                "recorded": self.recorded.get,
                "timeout": 120.0,
                **given,
            },
        )
        self.contexts.append(ctx)
        return ctx

    def inputs(self, name: str, /, **inputs: Any) -> Any:
        given = {"directory": "infra", "plugin_dir": self.plugins, **inputs}
        return OPERATIONS[f"terraform.{name}"].Inputs.model_validate(given)

    def run(self, name: str, ctx: RecordingContext | None = None, /, **inputs: Any) -> Any:
        """One attempt at one operation, as the spine makes it; the result."""
        operation, parsed = OPERATIONS[f"terraform.{name}"], self.inputs(name, **inputs)
        ctx = ctx or self.context()
        return operation.apply(ctx, parsed, ()) if operation.pure else run_operation(operation, ctx, parsed)

    def look(self, name: str = "apply", **inputs: Any) -> Observation:
        [seen] = OPERATIONS[f"terraform.{name}"].inspect(self.context(), self.inputs(name, **inputs))
        return seen

    def start(self, name: str, ctx: RecordingContext, **inputs: Any) -> Started:
        """The same in a thread."""
        return Started(lambda: self.run(name, ctx, **inputs))

    def change(self, name: str, **inputs: Any) -> tuple[Any, Observation]:
        """One attempt, as :meth:`run` makes it; the result, and what it saw there before."""
        operation, ctx, parsed = OPERATIONS[f"terraform.{name}"], self.context(), self.inputs(name, **inputs)
        seen = operation.inspect(ctx, parsed)
        result = operation.done(ctx, parsed, seen)
        return operation.apply(ctx, parsed, seen) if result is None else result, seen[0]

    def undo(self, name: str, before: Observation, **inputs: Any) -> RecordingContext:
        ctx, parsed = self.context(undoes=("calm-fox-11", name)), self.inputs(name, **inputs)
        now = OPERATIONS[f"terraform.{name}"].inspect(ctx, parsed)
        OPERATIONS[f"terraform.{name}"].restore(ctx, parsed, [before], now)
        return ctx

    def state_file(self, workspace: str = "default") -> Path:
        if workspace == "default":
            return self.directory / "terraform.tfstate"
        return self.directory / "terraform.tfstate.d" / workspace / "terraform.tfstate"

    def state(self, workspace: str = "default") -> dict[str, Any]:
        """The state file itself, not by way of the agent."""
        return dict(json.loads(self.state_file(workspace).read_text()))

    def objects(self, workspace: str = "default") -> list[str]:
        if not self.state_file(workspace).exists():
            return []
        return [f"{r['type']}.{r['name']}" for r in self.state(workspace)["resources"]]

    def logged(self) -> str:
        """Every line and every progress sentence of every attempt so far."""
        lines = [text for ctx in self.contexts for _, text in ctx.lines]
        return "\n".join(lines + [str(report["message"]) for ctx in self.contexts for report in ctx.reports])
