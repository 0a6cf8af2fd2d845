"""terraform.create_workspace and terraform.delete_workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from reign.core.catalog import OperationResult
from reign.core.resource import Observation, Undo
from reign.executor import Context, FailureKind, Operation, Proposal, TaskFailed
from reign.executor.contract import Observations
from workers.terraform.inputs import InWorkspace, Where
from workers.terraform.repairs import initialise
from workers.terraform.session import Session, directory_of, opened


class _Named(InWorkspace):
    workspace: str = Field(description="its name")


class WorkspaceResult(OperationResult):
    workspace: str


class _Workspace(Operation[Any, WorkspaceResult]):
    Result: ClassVar = WorkspaceResult
    undo = Undo.EXACT
    converges = True
    timeout = 300.0

    class Inputs(_Named):
        pass

    def touches(self, ctx: Context, inputs: Inputs) -> Sequence[str]:
        return [f"terraform:dir/{directory_of(ctx, inputs)}/{inputs.workspace}"]

    def inspect(self, ctx: Context, inputs: Inputs) -> Observations:
        with _beside(ctx, inputs) as session:
            there = inputs.workspace in session.workspaces()
        return [Observation(resource=self.touches(ctx, inputs)[0], exists=there)]

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        return initialise(ctx, inputs, failure)

    def restore(self, ctx: Context, inputs: Inputs, before: Observations, now: Observations) -> None:
        if before[0].exists == now[0].exists:
            return
        with _beside(ctx, inputs) as session:
            (_create if before[0].exists else _delete)(session, inputs.workspace)


def _beside(ctx: Context, inputs: _Named) -> Any:
    """A session in the default workspace: the one that is made or taken away may not be selected."""
    where = {name: getattr(inputs, name) for name in Where.model_fields}
    return opened(ctx, Where.model_validate(where))


def _create(session: Session, name: str) -> None:
    made = session.run("workspace new", name, no_color=True, lock_timeout=f"{session.lock_timeout:g}s")
    (session.data / "environment").unlink(missing_ok=True)  # made, not selected
    session.need(made, f"making the workspace {name}")


def _delete(session: Session, name: str) -> None:
    result = session.run("workspace delete", name, no_color=True, lock_timeout=f"{session.lock_timeout:g}s")
    session.need(result, f"deleting the workspace {name}")


class CreateWorkspace(_Workspace):
    name = "terraform.create_workspace"
    summary = "Make a terraform workspace"
    undo_note = "the workspace is deleted if it is still empty"

    def done(self, ctx: Context, inputs: _Named, seen: Observations) -> WorkspaceResult | None:
        return WorkspaceResult(workspace=inputs.workspace) if seen[0].exists else None

    def apply(self, ctx: Context, inputs: _Named, seen: Observations) -> WorkspaceResult:
        with _beside(ctx, inputs) as session:
            _create(session, inputs.workspace)
        return WorkspaceResult(workspace=inputs.workspace)


class DeleteWorkspace(_Workspace):
    name = "terraform.delete_workspace"
    summary = "Delete an empty terraform workspace"
    undo_note = "the workspace is made again, empty as it was"

    def done(self, ctx: Context, inputs: _Named, seen: Observations) -> WorkspaceResult | None:
        return None if seen[0].exists else WorkspaceResult(workspace=inputs.workspace)

    def apply(self, ctx: Context, inputs: _Named, seen: Observations) -> WorkspaceResult:
        if inputs.workspace == "default":
            raise TaskFailed("the workspace default cannot be deleted", kind=FailureKind.WRONG_INPUT)
        with _beside(ctx, inputs) as session:
            _delete(session, inputs.workspace)
        return WorkspaceResult(workspace=inputs.workspace)
