"""One command in a sandbox of the kind under test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reign.executor.testing import RecordingContext, make_context
from tests.engines.bash import need
from workers.bash.boundary import Kind
from workers.bash.commands import Run
from workers.bash.sandbox import Sandbox
from workers.bash.shell import Ran, execute, script_file


@dataclass
class Bench:
    """A work folder, and a way to run a command in it behind one kind of boundary."""

    kind: Kind
    folder: Path  # of the test, around the work folder
    options: dict[str, Any] = field(default_factory=dict)
    contexts: list[RecordingContext] = field(default_factory=list)

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def context(self, **given: Any) -> RecordingContext:
        self.work.mkdir(exist_ok=True)
        options = {"boundary": self.kind.value} | self.options
        context = make_context(self.folder / "reign", workdir=self.work, options=options, **given)
        self.contexts.append(context)
        return context

    def run(self, command: str, **given: Any) -> Ran:
        """Whatever exit code it has. The judge has its own tests: only the walls are asked here."""
        ctx, inputs = self.context(), Run.Inputs.model_validate({"command": command} | given)
        script = script_file(ctx.scratch, command, inputs.shell)
        return execute(ctx, inputs, Sandbox.of(ctx, inputs.sandbox, limits=inputs.limits), script)


@pytest.fixture(params=[Kind.BUBBLEWRAP, Kind.LANDLOCK], ids=lambda kind: kind.value)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    need(request.param)
    return Bench(request.param, tmp_path)


@pytest.fixture
def soon() -> Callable[[Callable[[], Any]], Any]:
    """Wait until a condition holds, ten seconds at most, and give what it gave."""

    def wait(condition: Callable[[], Any]) -> Any:
        until = time.monotonic() + 10
        while not (found := condition()):
            assert time.monotonic() < until, "it did not come to be"
            time.sleep(0.02)
        return found

    return wait
