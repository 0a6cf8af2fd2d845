"""terraform.import: an object that exists outside becomes terraform's, without being changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from reign.core.catalog import OperationResult
from reign.core.resource import Undo
from reign.executor import Context, FailureKind, Operation, Proposal, TaskFailed
from reign.executor.contract import Observations
from workers.terraform.changes import resources_of
from workers.terraform.inputs import WithVariables
from workers.terraform.mending import mend
from workers.terraform.observing import known, observe
from workers.terraform.planning import Values
from workers.terraform.repairs import initialise
from workers.terraform.session import Session, opened, resource_of
from workers.terraform.state import State
from workers.terraform.undoing import put_state_back, take_state_away


class Import(Operation[Any, Any]):
    name = "terraform.import"
    summary = "Take an existing object into a terraform state"
    variables = ("variables", "env")
    undo = Undo.EXACT
    undo_note = "the object is taken out of the state again and stays as it is"
    converges = True

    class Inputs(WithVariables):
        address: str = Field(description="the resource in the configuration, e.g. aws_instance.web", min_length=1)
        id: str = Field(description="what the provider knows the object by", min_length=1)

    class Result(OperationResult):
        address: str
        state_serial: int
        lineage: str

    def touches(self, ctx: Context, inputs: Inputs) -> Sequence[str]:
        return [resource_of(ctx, inputs)]

    def inspect(self, ctx: Context, inputs: Inputs) -> Observations:
        return [observe(ctx, inputs)]

    def repair(self, ctx: Context, inputs: Any, failure: TaskFailed) -> Proposal | None:
        return initialise(ctx, inputs, failure)

    def done(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result | None:
        state = seen[0].state
        if inputs.address not in state.get("addresses", ()):
            return None
        with opened(ctx, inputs) as session:
            held = _id_of(session, inputs.address)
        if held != inputs.id:
            raise TaskFailed(
                f"{inputs.address} is in the state already, as {held!r}",
                kind=FailureKind.CONFLICT,
                hint="import under another address, or take that one out of the state first",
            )
        return self.Result(address=inputs.address, state_serial=state["serial"], lineage=state["lineage"])

    def apply(self, ctx: Context, inputs: Inputs, seen: Observations) -> Result:
        with opened(ctx, inputs) as session:
            before = session.state()
            names = Values.given(ctx, inputs).write(ctx.scratch / "terraform" / "values")
            ctx.progress(f"importing {inputs.address}")
            result = session.run(
                "import",
                inputs.address,
                inputs.id,
                input=False,
                no_color=True,
                var_file=names,
                lock_timeout=f"{session.lock_timeout:g}s",
            )
            session.need(result, f"terraform import of {inputs.address}")
            after = session.state()
            _keep_known(session, before, after)
        return self.Result(address=inputs.address, state_serial=after.serial, lineage=after.lineage)

    def restore(self, ctx: Context, inputs: Inputs, before: Observations, now: Observations) -> None:
        if inputs.address in before[0].state.get("addresses", ()):
            return
        mend(ctx, inputs, before[0], now[0] if now else None)
        with opened(ctx, inputs) as session:
            state = session.state()
            if inputs.address in state.addresses:
                result = session.run("state rm", inputs.address, lock_timeout=f"{session.lock_timeout:g}s")
                session.need(result, f"taking {inputs.address} out of the state")
            after = session.state()
            if before[0].state.get("lineage"):
                after = put_state_back(session, before[0], after)
            elif not after.addresses:
                take_state_away(session)
                return
            _keep_known(session, state, after)


def _keep_known(session: Session, before: State, after: State) -> None:
    """What made the rest of the state is as well known as it was."""
    made_by = known(session, before)
    if made_by is not None:
        session.record.applied = made_by.model_copy(update={"lineage": after.lineage, "serial": after.serial})
        session.record.save(session.ctx, session.resource)


def _id_of(session: Session, address: str) -> str | None:
    shown = session.document("show", what="terraform show")
    for entry in resources_of((shown.get("values") or {}).get("root_module") or {}):
        if entry["address"] == address:
            return str((entry.get("values") or {}).get("id"))
    return None
