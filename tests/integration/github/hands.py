"""The agent's operations as the engine would run them, for tests without an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reign.executor.testing import RecordingContext, make_context, run_operation
from tests.engines.github import Place
from workers.github import AGENT

OPERATIONS = {operation.name: operation() for operation in AGENT.operations}


@dataclass
class Hands:
    """Runs operations of ``place``'s repository, and remembers what was there before each."""

    place: Place
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    before: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def context(self, **given: Any) -> RecordingContext:
        options = {**self.place.options, **self.options}
        return make_context(self.folder, **{"options": options, "run": "brave-otter-17", **given})

    def inputs(self, name: str, /, **inputs: Any) -> Any:
        given = inputs if name == "github.create_repository" else {"repo": self.place.repo, **inputs}
        return OPERATIONS[name].Inputs.model_validate({("from" if k == "from_" else k): v for k, v in given.items()})

    def run(self, verb: str, /, ctx: RecordingContext | None = None, **inputs: Any) -> Any:
        """Look, and act only if something is left to do."""
        name = f"github.{verb}"
        operation, given = OPERATIONS[name], self.inputs(name, **inputs)
        ctx = ctx or self.context()
        self.before[verb] = (given, list(operation.inspect(ctx, given)))
        return run_operation(operation, ctx, given)

    def undo(self, verb: str, **context: Any) -> None:
        """Take back the last run of that operation, as a rollback would: in a run of its own."""
        operation, (given, before) = OPERATIONS[f"github.{verb}"], self.before[verb]
        undoes = {"run": "calm-fox-11", "task": f"undo-{verb}", "undoes": ("brave-otter-17", "task")}
        ctx = self.context(**{**undoes, **context})
        operation.restore(ctx, given, before, list(operation.inspect(ctx, given)))
